"""The gateway as its users have it: `python -m gateway run -c FILE` in a process of its own, talked to over sockets only."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from tests.wire import Answer, Connection

HOST = "gateway.test"
ORIGIN = f"http://{HOST}"
START_S = 90.0  # each of several workers takes seconds to begin where others are at work, too
STOP_S = 45.0
#: Passwords of the cast; odd enough that a search of the logs can't find them by chance.
PASSWORDS = {"ada": "lovelace-1815-difference", "bob": "builder-4711-plaster"}
#: What a test may put into a query to see that no log shows it.
SECRET_QUERY = "secret-query-90125"
# argon2id with the least memory and time that the format allows (8 KiB, one pass): the tests are not about its strength.
_HASHES = {
    "ada": "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbi1iLWFkYXNhbA$4WJhMOwTBL51Z9QKmASHWWRj0JEIkCqPtdN3tNwAs7Q",
    "bob": "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbi1iLWJvYnNhbA$0KfzY1LkmFbnbY1lzGJ2WeGnaz60c5OYKKQLLU1m5v0",
}

USERS = f"""
[users.ada]
password = "{_HASHES["ada"]}"
name = "Ada Lovelace"
email = "ada@example.com"
roles = ["admin"]
groups = ["staff", "maths"]
department = "engines"

[users.bob]
password = "{_HASHES["bob"]}"
name = "Bob"
"""

ROUTES = """
[[routes]]
path = "/public/**"
access = "public"
upstream = "app"
[[routes]]
path = "/optional/**"
access = "optional"
upstream = "app"
[[routes]]
path = "/admin/**"
access = "signed-in"
roles = ["admin"]
upstream = "app"
[[routes]]
path = "/api/**"
access = "signed-in"
api = true
upstream = "app"
[[routes]]
path = "/closed/**"
access = "deny"
[[routes]]
path = "/slashes/**"
access = "public"
encoded_slash = true
upstream = "app"
[[routes]]
path = "/get-only/**"
access = "public"
methods = ["GET"]
upstream = "app"
[[routes]]
path = "/small/**"
access = "public"
max_body = 1000
upstream = "app"
[[routes]]
path = "/stream/**"
access = "public"
streaming = true
upstream = "app"
[[routes]]
path = "/**"
host = ["other.test"]
access = "public"
upstream = "other"
[[routes]]
path = "/private/**"
access = "signed-in"
upstream = "app"
"""


def configuration(
    upstreams: Mapping[str, str | int],
    *,
    routes: str = ROUTES,
    public_url: str = ORIGIN,
    server: str = "",
    session: str = "",
    limits: Mapping[str, str | int] | None = None,
    extra: str = "",
    listen: str = "127.0.0.1:0",
) -> str:
    """A configuration file for tests. An upstream given as a number is a port of this machine."""
    named = "\n".join(
        f'[[upstreams]]\nname = "{name}"\nurl = "{f"http://127.0.0.1:{to}" if isinstance(to, int) else to}"'
        for name, to in upstreams.items()
    )
    limited = "\n".join(f"{key} = {json.dumps(value)}" for key, value in (limits or {}).items())
    return f"""
[server]
listen = "{listen}"
public_url = "{public_url}"
{server}
[session]
secrets = ["a-test-secret-that-is-long-enough-for-anybody"]
{session}
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[providers.credentials.username]
label = "Username"
[providers.credentials.password]
label = "Password"
type = "password"
[headers]
presets = ["x-forwarded"]
[headers.set]
"X-User-Id" = "{{user.id}}"
"X-User-Roles" = "{{user.roles}}"
"X-Department" = "{{user.department}}"
[limits]
{limited}
{named}
{routes}
{extra}
"""


class GatewayProcess:
    """One gateway. What it logged is kept, shown when something fails, and searched for secrets when it stops."""

    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        users: str = USERS,
        command: tuple[str, ...] | None = None,
        origin: str | None = None,
        start_s: float = START_S,
        within: tuple[str, ...] = (),
        environment: Mapping[str, str] = {},
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gateway.toml").write_text(config)
        (folder / "users.toml").write_text(users)
        self.log_file = folder / "gateway.log"
        self.secrets = {*PASSWORDS.values(), SECRET_QUERY}
        public = re.search(r'public_url = "(https?://[^"]+)"', config)
        self.origin = origin or (public[1] if public else ORIGIN)
        self.host = self.origin.partition("://")[2]
        # Where the tests are killed, their gateways must not live on: the kernel ends them with their parent.
        leash = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
        arguments = command or (sys.executable, "-m", "gateway", "run", "-c", str(folder / "gateway.toml"))
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                (*leash, *within, *arguments),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=inherited | {"PYTHONUNBUFFERED": "1"} | environment,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        try:
            self.address = self._wait_until_it_listens(start_s)
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_listens(self, start_s: float) -> tuple[str, int]:
        until = time.monotonic() + start_s
        while time.monotonic() < until:
            if match := re.search(r"listening on http://\[?([0-9a-zA-Z.:-]+?)\]?:(\d+)", self.log):
                return match[1], int(match[2])
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the gateway did not start (exit status {self.process.poll()}):\n{self.log}")

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(errors="backslashreplace")

    def connect(self, *, timeout: float = 15.0) -> Connection:
        """A raw connection."""
        return Connection(self.address, timeout=timeout)

    def request(self, data: bytes) -> Answer:
        """One raw request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(data)

    def get(self, target: str, *headers: str, method: str = "GET", body: bytes = b"") -> Answer:
        """One well-formed request on a connection of its own."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *headers]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return self.request("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back until the gateway closes the connection."""
        with self.connect() as connection:
            connection.send(data)
            return connection.reader.to_the_end()

    def csrf(self, *headers: str) -> tuple[str, str]:
        """A csrf token, and the cookie that goes with it as `name=value`."""
        answer = self.get("/api/auth/csrf", *headers)
        assert answer.status == 200, answer
        token = json.loads(answer.body)["csrfToken"]
        cookie = next(line.partition(";")[0] for line in answer.all("set-cookie") if "csrf-token=" in line)
        self.secrets |= {token, cookie.partition("=")[2]}
        return token, cookie

    def post_sign_in(self, fields: Mapping[str, str], *headers: str) -> Answer:
        """Post the sign-in form with a good csrf token."""
        token, cookie = self.csrf()
        form = "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in {**fields, "csrfToken": token}.items())
        answer = self.get(
            "/api/auth/callback/credentials",
            *("Content-Type: application/x-www-form-urlencoded", f"Cookie: {cookie}", f"Origin: {self.origin}", *headers),
            method="POST",
            body=form.encode(),
        )
        self.secrets |= {value for line in answer.all("set-cookie") if len(value := line.partition(";")[0].partition("=")[2]) > 20}
        return answer

    def sign_in(self, name: str = "ada") -> str:
        """Sign somebody of the cast in; what comes back is ready to be sent as `Cookie`."""
        answer = self.post_sign_in({"username": name, "password": PASSWORDS[name]})
        assert answer.status in (302, 303), answer
        kept = [line.partition(";")[0] for line in answer.all("set-cookie") if "session-token" in line and "Max-Age=0" not in line]
        assert kept, answer
        return "; ".join(kept)

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = STOP_S) -> int:
        """Wait for the end; the exit status."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End it for certain."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)

    def stop(self) -> int:
        """End it as an operator does, then look through its log (promises 7, 63, 64)."""
        if self.process.poll() is None:
            self.signal()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait()
        ended_itself = self.process.poll() is not None
        self.kill()
        assert ended_itself, f"the gateway did not stop within {STOP_S} s of SIGTERM:\n{self.log[-4000:]}"
        self.check_log()
        return self.process.returncode

    def check_log(self) -> None:
        """No secret, no stack trace, no control character, no endless line."""
        log = self.log
        shown = [secret[:4] + "…" for secret in self.secrets if secret in log]
        assert not shown, f"secrets in the log: {shown}\n{log[-4000:]}"
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:6000]
        for line in log.splitlines():
            assert len(line.encode()) <= 8192, f"a log line of {len(line)} characters: {line[:200]}"
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line), f"control characters in the log: {line[:200]!r}"
