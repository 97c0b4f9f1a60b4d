"""A command that serves, as a process of its own: started, waited for, talked to, told to stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

PATIENCE_S = 60


@dataclass
class Serving:
    """A running command; `said` is its standard output until it listened."""

    process: subprocess.Popen[str]
    address: tuple[str, int]
    host: str
    said: str
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, target: str, *, form: dict[str, str] | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        """One request, with the cookies of the answers before it."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            headers = {"Host": self.host, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            if form is not None:
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
            connection.request(method, target, body=None if form is None else urlencode(form), headers=headers)
            response = connection.getresponse()
            body = response.read()
        for line in response.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if value and "Max-Age=0" not in line:
                self.cookies[name] = value
        return response, body

    def sign_in(self, user: str, password: str) -> http.client.HTTPResponse:
        """Sign in through the form."""
        _, body = self.request("GET", "/api/auth/csrf")
        form = {"csrfToken": json.loads(body)["csrfToken"], "username": user, "password": password}
        return self.request("POST", "/api/auth/callback/credentials", form=form)[0]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; exit code, and what it said from then on, on both outputs."""
        self.process.send_signal(number)
        said, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said, errors


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, stdin: str = "", environment: dict[str, str] | None = None) -> Iterator[Serving]:
    """Start `gateway` with arguments and wait until it listens; it is gone at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")} | (environment or {})
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stdin)
        process.stdin.flush()
        said = ""
        while (found := re.search(r"listening on http://([\d.]+):(\d+)\n", said)) is None:
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"it did not start: {said}{process.communicate(timeout=PATIENCE_S)}")
            said += line
        opened = re.search(r"http://(localhost:\d+)", said)
        host = opened[1] if opened else f"{found[1]}:{found[2]}"
        yield Serving(process, (found[1], int(found[2])), host, said)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
