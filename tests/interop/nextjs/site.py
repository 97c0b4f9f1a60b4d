"""A Next.js app without any auth route of its own, a gateway in front of it, and where asked for TLS in front of that."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.app_process import running
from tests.gateway_process import PASSWORDS, USERS, GatewayProcess, configuration
from tests.node import next_app, next_command
from tests.servers import free_port
from tests.tls_front import tls_front
from tests.wire import Answer, Connection

ROOT = Path(__file__).parents[3]
_TESTS = ROOT / "tests/interop"
#: What each app is made of; v5's is the example that we ship, with pages of the tests on top.
LAYERS = {
    "v4": (_TESTS / "next_v4", _TESTS / "next_pages"),
    "v5": (ROOT / "config/examples/nextjs", _TESTS / "next_v5", _TESTS / "next_pages"),
}
SECRET = "a-test-secret-that-is-long-enough-for-anybody"
NOTES = "0123456789" * 800

_SESSION = """
format = "authjs-{flavour}"
update_age = "0s"
[session.expose]
id = "sub"
roles = "roles"
"""
_ROUTES = """
[[routes]]
path = "/**"
access = "optional"
upstream = "app"
"""
_CALLBACKS = '''
async def jwt(*, token, user=None, account=None, trigger=None, session=None):
    """What `update({name})` asks for; anybody may call themselves as they like."""
    if trigger == "update" and isinstance(session, dict) and isinstance(session.get("name"), str):
        token["name"] = session["name"][:40]
    return token
'''


@dataclass(frozen=True)
class Site:
    """One of them, running. `origin` is what browsers type."""

    flavour: str
    scheme: str
    origin: str
    gateway: GatewayProcess
    app_port: int

    @property
    def cookie(self) -> str:
        """The name of the session cookie."""
        prefix = "__Secure-" if self.scheme == "https" else ""
        return prefix + ("next-auth" if self.flavour == "v4" else "authjs") + ".session-token"

    def ask_the_app(self, path: str, *headers: str) -> Answer:
        """What the app says to whoever goes around the gateway."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.gateway.host}", "Connection: close", *headers, "", ""]
        with Connection(("127.0.0.1", self.app_port)) as connection:
            return connection.request("\r\n".join(lines).encode("latin-1"))


@contextlib.contextmanager
def site(flavour: str, scheme: str, folder: Path) -> Iterator[Site]:
    """Build the app if need be, and start everything."""
    app = next_app(*LAYERS[flavour])
    app_port, port = free_port(), free_port()
    origin = f"{scheme}://localhost:{port}"
    # Not 127.0.0.1: Next.js calls itself localhost whatever it is told, and only where the two are one does the redirect of next-auth 4's
    # middleware become relative. Otherwise it names the app's own port.
    command = [str(next_command(app)), "start", "-H", "localhost", "-p", str(app_port)]
    prefix = "NEXTAUTH" if flavour == "v4" else "AUTH"
    env = {f"{prefix}_URL": origin, f"{prefix}_SECRET": SECRET, "NEXT_TELEMETRY_DISABLED": "1"}
    env["NODE_OPTIONS"] = "--dns-result-order=ipv4first"
    config = configuration(
        {"app": app_port},
        routes=_ROUTES,
        public_url=origin,
        listen="127.0.0.1:0" if scheme == "https" else f"127.0.0.1:{port}",
        session=_SESSION.format(flavour=flavour),
        limits={"header_field": "20KiB", "failed_sign_ins_per_address": 1000},
        extra='[callbacks]\nmodule = "next_callbacks"',
    )
    config = config.replace('name = "app"\n', 'name = "app"\nsession_cookie = true\n')
    (folder / "gateway").mkdir()
    (folder / "gateway/next_callbacks.py").write_text(_CALLBACKS)
    with running(command, port=app_port, log=folder / "log", env=env, cwd=app):
        gateway = GatewayProcess(folder / "gateway", config, users=_users())
        try:
            with tls_front(port, gateway.address) if scheme == "https" else contextlib.nullcontext():
                yield Site(flavour, scheme, origin, gateway, app_port)
        finally:
            assert gateway.stop() == 0


def _users() -> str:
    """The cast, and somebody of whom so much is known that no single cookie holds it."""
    password = re.search(r'\[users\.bob\]\npassword = "([^"]+)"', USERS)
    assert password is not None
    return f'{USERS}\n[users.large]\nname = "Large"\npassword = "{password[1]}"\nnotes = "{NOTES}"\n'


PASSWORD_OF = {**PASSWORDS, "large": PASSWORDS["bob"]}
