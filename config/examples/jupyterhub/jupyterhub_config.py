"""JupyterHub behind the gateway: whoever the gateway says it is. From this folder, with jhub_remote_user_authenticator installed:

jupyterhub -f jupyterhub_config.py
gateway run -c gateway.toml            then open http://localhost:8080/hub/ and sign in as ada, password lovelace
"""

c = get_config()  # noqa: F821  # JupyterHub puts it there

c.JupyterHub.bind_url = "http://127.0.0.1:3000"
c.JupyterHub.hub_port = 8081
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
c.JupyterHub.authenticator_class = "jhub_remote_user_authenticator.remote_user_auth.RemoteUserAuthenticator"
c.RemoteUserAuthenticator.header_name = "X-Remote-User"
c.Authenticator.allow_all = True  # who may come in at all is decided by the gateway
c.JupyterHub.spawner_class = "simple"  # for trying it out; in earnest one that keeps people apart
