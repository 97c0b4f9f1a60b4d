"""Apache with a form and an encrypted session cookie: mod_auth_form and mod_session_crypto in front of mod_proxy.

It derives its key from the passphrase anew for each request, which is most of its cost. A site passphrase is given, or it would also
check the password hash each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.client import Client, post
from tests.bench.installed import NotInstalled
from tests.bench.peers.peer import PEOPLE, Peer, Target
from tests.bench.place import Place
from tests.e2e.app_process import running
from tests.servers import free_port

_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = (
    "mpm_event authn_core authn_file authz_core authz_user request auth_form session session_cookie session_crypto headers proxy proxy_http"
)
_FORM = """
  AuthType form
  AuthName gateway
  AuthFormProvider file
  AuthUserFile {folder}/apache.users
  AuthFormSitePassphrase site-passphrase
  AuthFormLoginRequiredLocation /sign-in-page
  Session On
  SessionCookieName session path=/;httponly
  SessionCryptoPassphrase a-test-secret-that-is-long-enough-for-anybody
"""
_CONFIGURATION = """
ServerName localhost
ServerRoot {folder}
Listen 127.0.0.1:{port}
ListenBacklog 16384
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.err
Mutex pthread
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadLimit 1024
ThreadsPerChild 256
MaxRequestWorkers 256
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 3600
SessionCryptoDriver openssl
<Location /sign-in>
  SetHandler form-login-handler
  Require all granted
  {form}
  AuthFormLoginSuccessLocation /app/whoami
</Location>
<Location /app>
  {form}
  Require valid-user
  RequestHeader set X-Forwarded-User "expr=%{{REMOTE_USER}}"
  RequestHeader set X-Forwarded-Email "expr=%{{REMOTE_USER}}@example.com"
  ProxyPass http://127.0.0.1:{upstream}/app
</Location>
"""


async def _cookies(port: int) -> tuple[str, ...]:
    client = Client(port)
    form, kind = b"httpd_username=ada&httpd_password=lovelace", "Content-Type: application/x-www-form-urlencoded"
    answers = [await client.ask(post("/sign-in", port, form, kind)) for _ in range(PEOPLE)]
    client.close()
    return tuple(answer.all(b"set-cookie")[0].partition(b";")[0].decode() for answer in answers)


@contextlib.contextmanager
def _target(at: Place) -> Iterator[Target]:
    if (found := shutil.which("apache2")) is None or not _MODULES.is_dir():
        raise NotInstalled("Apache is not installed (on Debian: apt-get install apache2)")
    port = free_port()
    hashed = subprocess.run(["openssl", "passwd", "-apr1", "lovelace"], capture_output=True, text=True, check=True).stdout.strip()
    (at.folder / "apache.users").write_text(f"ada:{hashed}\n")
    at.folder.chmod(0o755)  # it reads as another user
    modules = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED.split())
    form = _FORM.format(folder=at.folder)
    text = _CONFIGURATION.format(folder=at.folder, port=port, upstream=at.upstream, form=form)
    (at.folder / "apache.conf").write_text(f"{modules}\n{text}")
    command = at.cores.for_proxy(found, "-DFOREGROUND", "-f", str(at.folder / "apache.conf"))
    with running(command, port=port, log=at.folder / "apache.log", ready="/sign-in-page") as process:
        yield Target("apache", "Apache `mod_auth_form` + `mod_session_crypto`", port, process.pid, asyncio.run(_cookies(port)))


APACHE = Peer("apache", _target)
