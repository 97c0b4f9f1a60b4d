"""What has no equal here: beginnings of names of settings of other gateways, what is missing, and the cure. An empty text: nothing need be said."""

from __future__ import annotations

from gateway.cli.imports.found import Silent

_OIDC = (
    "there is no provider for OpenID Connect yet",
    'people sign in with a password: `gateway users add NAME`, or a Python function (type = "python")',
)
_COOKIE = "the session cookie is Auth.js's: HttpOnly, SameSite=Lax, Secure on https, for one host", "leave it out"
_LOGS = "logs go to standard error, one line an event", "see docs/operations.md"
_TLS = (
    "TLS ends in front of the gateway",
    "let nginx, Caddy or another proxy have the certificate, and write its https address in server.public_url",
)
_PAGES = "pages can be an app's own, and not a template", "see [pages] in docs/configuration.md"
_TOKEN = "there is no access token to pass on", "a signed assertion says who it is: [headers.assertion] in docs/assertion.md"
OAUTH2_PROXY: Silent = {
    "cookie_secret": ("sessions are sealed by a secret of the gateway's own, made at its first start", "everybody signs in once more"),
    "cookie_": _COOKIE,
    "cookie_secure": ("", ""),
    "cookie_httponly": ("", ""),
    **dict.fromkeys(("client_id", "client_secret", "oidc_", "login_url", "redeem_url", "profile_url", "validate_url", "scope", "prompt", "approval_prompt", "code_challenge", "provider", "acr_values", "jwt_key", "pubjwk_url", "insecure_oidc", "skip_oidc", "skip_claims", "backend_logout_url", "google_", "github_", "gitlab_", "azure_", "keycloak_", "bitbucket_", "resource", "user_id_claim", "allowed_role", "use_system_trust_store", "entra_"), _OIDC),
    **dict.fromkeys(("logging_", "auth_logging", "request_logging", "standard_logging", "silence_ping", "exclude_logging", "errors_to_info", "request_id_header"), _LOGS),
    **dict.fromkeys(("tls_", "https_address", "force_https", "ssl_", "metrics_secure", "metrics_tls"), _TLS),
    **dict.fromkeys(("banner", "footer", "custom_", "display_htpasswd_form", "show_debug_on_error"), _PAGES),
    **dict.fromkeys(("pass_access_token", "pass_authorization_header", "set_authorization_header"), _TOKEN),
    **dict.fromkeys(("redis_", "session_store_type", "session_cookie_minimal"), ("sessions are in the cookie; sign-outs can be in a database", "name one in store.url if there are several replicas")),
    **dict.fromkeys(("skip_jwt_bearer_tokens", "extra_jwt_issuers", "bearer_token"), ("tokens of other issuers are not taken", "the gateway issues its own: accepts = [\"session\", \"bearer\"] on a route, `gateway tokens new`")),
    **dict.fromkeys(("ping_", "ready_path", "gcp_healthchecks"), ("health is on an address of its own", "server.admin_listen: /healthz and /readyz")),
    "trusted_ips": ("no address passes without a sign-in", "make a route public, or give the program a token"),
    "signature_key": ("requests are not signed with a shared key", "use [headers.assertion]: apps verify it with a public key"),
    "proxy_prefix": ("the addresses are below /oauth2 or /api/auth", "let apps link there"),
    "real_client_ip_header": ("the client's address is read from X-Forwarded-For", "let the proxy in front set it"),
    "skip_provider_button": ("", ""),
    "skip_auth_strip_headers": ("what the gateway says is always taken from what a client sends", "leave it out"),
    "encode_state": ("", ""),
    "relative_redirect_url": ("", ""),
    "allow_query_semicolons": ("", ""),
    "set_basic_auth": ("only an upstream of the gateway's own gets Basic", "write authorization = \"basic\" in [[upstreams]]"),
    "proxy_websockets": ("", ""),
    "flush_interval": ("", ""),
    "upstream_timeout": ("waits have limits of their own", "see upstream_response_head in [limits]"),
    "pass_host_header": ("the Host goes on as it came", "leave it out"),
    "ssl_upstream_insecure_skip_verify": ("certificates of upstreams are always checked", "name the certificate in ca_file of the upstream"),
}  # fmt: skip


SECOND = "there is no second factor yet", 'write access = "signed-in" in the routes that say deny, if a password is enough for them'
PORTAL = "the sign-in page is on the app's own host", "each host of an app hands /api/auth/ on to the gateway"
AUTHELIA: Silent = {
    **dict.fromkeys(("totp", "webauthn", "duo_api", "default_2fa_method"), SECOND),
    **dict.fromkeys(("identity_providers", "definitions"), ("the gateway issues no tokens of OpenID Connect", "apps read headers, or the signed assertion: docs/assertion.md")),
    "notifier": ("the gateway sends no mail", "an operator sets passwords: `gateway users passwd NAME`"),
    "authentication_backend.ldap": ("there is no provider for LDAP yet", "write a Python function (type = \"python\") that binds there"),
    **dict.fromkeys(("authentication_backend.password_reset", "authentication_backend.password_change", "identity_validation"), ("nobody resets a password by mail", "an operator does: `gateway users passwd NAME`")),
    "authentication_backend": ("", ""),
    "storage": ("there is one database, for sign-outs and tokens", "name it in store.url if there are several replicas"),
    "session.redis": ("sessions are in the cookie; sign-outs can be in a database", "name one in store.url if there are several replicas"),
    "session.secret": ("sessions are sealed by a secret of the gateway's own, made at its first start", "everybody signs in once more"),
    "session.remember_me": ("there is no box to tick", "session.absolute_max_age holds for everybody"),
    **dict.fromkeys(("session.name", "session.same_site"), ("the session cookie is Auth.js's: SameSite=Lax, for one host", "leave it out")),
    "session.domain": PORTAL,
    **dict.fromkeys(("log", "telemetry.metrics.buffers", "telemetry.metrics.timeouts"), ("logs go to standard error, one line an event", "see docs/operations.md")),
    **dict.fromkeys(("theme", "server.asset_path", "server.headers", "privacy_policy"), ("pages can be an app's own, and not a theme", "see [pages] in docs/configuration.md")),
    "server.tls": ("TLS ends in front of the gateway", "let your proxy have the certificate"),
    "server.endpoints": ("the addresses are those of Authelia's defaults", "let your proxy ask /api/authz/auth-request, forward-auth or ext-authz/"),
    **dict.fromkeys(("server.buffers", "server.timeouts"), ("there are limits of the gateway's own", "see [limits] in docs/configuration.md")),
    **dict.fromkeys(("password_policy", "certificates_directory", "default_redirection_url", "jwt_secret", "ntp", "server.disable_healthcheck", "telemetry"), ("", "")),
}  # fmt: skip


TINYAUTH: Silent = {
    "SECRET": ("sessions are sealed by a secret of the gateway's own, made at its first start", "everybody signs in once more"),
    **dict.fromkeys(("OAUTH", "GITHUB", "GOOGLE", "GENERIC"), ("there is no provider for OAuth yet", "people sign in with a password: `gateway users add NAME`, or a Python function")),
    "LDAP": ("there is no provider for LDAP yet", "write a Python function (type = \"python\") that binds there"),
    **dict.fromkeys(("UI", "APP_TITLE", "TITLE", "BACKGROUND", "FORGOT", "RESOURCES", "DISABLERESOURCES"), ("pages can be an app's own, and not a theme", "see [pages] in docs/configuration.md")),
    "LOG": ("logs go to standard error, one line an event", "see docs/operations.md"),
    **dict.fromkeys(("DISABLE", "ANALYTICS", "DATABASE", "EXPERIMENTAL"), ("", "")),
    "OIDC": ("the gateway issues no tokens of OpenID Connect", "apps read headers, or the signed assertion"),
    **dict.fromkeys(("DISABLECONTINUE", "DISABLE_CONTINUE"), ("", "")),
}  # fmt: skip
