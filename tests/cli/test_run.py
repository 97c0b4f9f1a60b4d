from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.demo.upstream import build_upstream
from tests.cli.serving_process import Serving, serving
from tests.gateway_process import GatewayProcess, configuration
from tests.servers import free_port

PASSWORD = "correct horse battery staple"
IDENTITY = ("X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Email", "X-Forwarded-Groups")


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The demo app on a port of its own, on a loop of its own: the tests here wait in plain calls."""
    started: list[str] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(build_upstream(IDENTITY), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield started[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


def test_three_settings_are_enough(tmp_path, upstream):
    listen = f"127.0.0.1:{free_port()}"
    arguments = ("run", "--upstream", upstream, "--user", "ada", "--password-stdin", "--listen", listen)
    with serving(tmp_path, *arguments, stdin=f"{PASSWORD}\n", environment={"TMPDIR": str(tmp_path)}) as gateway:
        assert "signed-in → app" in gateway.said
        assert PASSWORD not in gateway.said
        kept = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.name for path in kept] == ["users.toml"], "the users, for as long as it runs, and nothing else"
        assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
        assert stat.S_IMODE(kept[0].parent.stat().st_mode) == 0o700
        assert gateway.request("GET", "/")[0].status == 302
        assert "error" in (gateway.sign_in("ada", "wrong").headers["Location"] or "")
        assert gateway.sign_in("ada", PASSWORD).status in (302, 303)
        response, body = gateway.request("GET", "/reports")
        assert response.status == 200
        assert b"ada" in body
        code, _, errors = gateway.stop(signal.SIGINT)
    assert (code, errors.splitlines()[-1]) == (0, "stopped")
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == [], "nothing stays behind"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_file_is_served_until_a_signal(configured, upstream, number):
    with serving(configured, "run", environment={"GATEWAY_UPSTREAMS__APP__URL": upstream}) as gateway:
        gateway.host = "localhost:8080"
        assert "gateway.toml" in gateway.said
        response, body = gateway.request("GET", "/public/x")
        assert response.status == 200, body
        code, _, errors = gateway.stop(number)
    assert (code, errors.splitlines()[-1]) == (0, "stopped")
    assert "Traceback" not in errors
    events = [line for line in errors.splitlines() if not line.startswith("stop")]
    assert events
    assert all(line.split()[1] in ("INFO", "WARNING") for line in events), "every line of the log is an event"


def test_it_says_when_others_may_read_the_secrets(configured, upstream):
    text = (configured / "gateway.toml").read_text()
    (configured / "gateway.toml").write_text(
        text.replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "secret"')
    )
    (configured / "secret").write_text("wYx8Qm3c1Zp0a9sDfGhJkLqWeRtYuIoP\n")
    (configured / "secret").chmod(0o644)
    with serving(configured, "run", environment={"GATEWAY_UPSTREAMS__APP__URL": upstream}) as gateway:
        code, _, errors = gateway.stop()
    assert code == 0
    assert errors.count("others may read it (mode 0644)") == 1
    assert "wYx8Qm3c1Zp0a9sDfGhJkLqWeRtYuIoP" not in gateway.said + errors


def test_an_address_that_is_taken_is_a_problem_with_a_cure(configured, upstream):
    with serving(configured, "run", environment={"GATEWAY_UPSTREAMS__APP__URL": upstream}) as gateway:
        host, port = gateway.address
        again = serving(configured, "run", environment={"GATEWAY_SERVER__LISTEN": f"{host}:{port}"})
        with pytest.raises(AssertionError, match="did not start") as told, again:
            pass
    assert f"{host}:{port}" in str(told.value)
    assert "choose another" in str(told.value)
    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--upstream", "http://127.0.0.1:1"], id="no-user"),
        pytest.param(["--user", "ada"], id="no-upstream"),
        pytest.param(["--listen", "127.0.0.1:1"], id="listen-alone"),
        pytest.param(["--public-url", "http://x.test"], id="public-url-alone"),
        pytest.param(["--password-stdin"], id="password-alone"),
        pytest.param(["-c", "gateway.toml", "--upstream", "http://127.0.0.1:1", "--user", "ada"], id="a-file-too"),
        pytest.param(["--upstream", "127.0.0.1:1", "--user", "ada", "--password-stdin"], id="no-url"),
        pytest.param(["--upstream", "http://127.0.0.1:1/app", "--user", "ada", "--password-stdin"], id="a-path-upstream"),
        pytest.param(["--upstream", "http://127.0.0.1:1", "--user", "ada", "--password-stdin", "--listen", "8080"], id="no-address"),
        pytest.param(
            ["--upstream", "http://127.0.0.1:1", "--user", "ada", "--password-stdin", "--listen", "0.0.0.0:1"], id="a-nameless-address"
        ),
        pytest.param(["--upstream", "http://127.0.0.1:1", "--user", "ada", "--password-stdin", "--listen", "127.0.0.1:0"], id="any-port"),
        pytest.param(["--upstream", "http://127.0.0.1:1", "--user", "a\x07b", "--password-stdin"], id="a-name-that-rings"),
        pytest.param(["--upstream", "http://127.0.0.1:1", "--user", "ada"], id="nobody-to-ask"),
    ],
)
def test_half_a_command_line_is_a_usage_error(run, configured, arguments):
    result = run("run", *arguments, stdin=PASSWORD)
    assert result.exit_code == 2, result.output
    assert PASSWORD not in result.output


def test_a_bad_configuration_starts_nothing(run, configured):
    (configured / "gateway.toml").write_text("nonsense")
    assert run("run").exit_code == 78


def test_the_demo_needs_nothing(tmp_path):
    with serving(tmp_path, "demo", "--port", str(free_port()), environment={"TMPDIR": str(tmp_path)}) as gateway:
        for words in ("Open", "ada / lovelace", "gateway explain --demo", "Ctrl-C"):
            assert words in gateway.said
        assert gateway.request("GET", "/public")[0].status == 200
        assert gateway.sign_in("bob", "builder").status in (302, 303)
        assert gateway.request("GET", "/admin")[0].status == 403
        assert gateway.sign_in("ada", "lovelace").status in (302, 303)
        response, body = gateway.request("GET", "/admin")
        assert response.status == 200
        assert b"Hello, Ada Lovelace" in body
        assert b"Something is wrong" not in body, "no cookie of the gateway came through"
        code, _, errors = gateway.stop(signal.SIGINT)
    assert (code, errors.splitlines()[-1]) == (0, "stopped")
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["demo", "run"])
def test_programs_get_one_line_of_json(configured, command):
    arguments = [command, "--json", *(["--port", str(free_port())] if command == "demo" else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments], cwd=configured, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["listening"][0].startswith("http://127.0.0.1:")
        assert told["public_url"].startswith("http://localhost:")
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, rest) == (0, "")


def test_a_closed_standard_output_does_not_stop_what_is_served(configured):
    port = free_port()
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run"],
        cwd=configured,
        env=os.environ | {"GATEWAY_SERVER__LISTEN": f"127.0.0.1:{port}"},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    try:
        assert process.stderr is not None
        assert " ready " in process.stderr.readline()
        assert Serving(process, ("127.0.0.1", port), "localhost:8080", "").request("GET", "/reports")[0].status == 302
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0


def test_a_demo_with_a_state_folder_keeps_people_signed_in(tmp_path):
    port = str(free_port())
    with serving(tmp_path, "demo", "--port", port, "--state", "kept") as first:
        first.sign_in("ada", "lovelace")
        cookies = first.cookies
        first.stop()
    assert stat.S_IMODE((tmp_path / "kept" / "secret").stat().st_mode) == 0o600
    with serving(tmp_path, "demo", "--port", port, "--state", "kept") as second:
        second.cookies = cookies
        assert json.loads(second.request("GET", "/api/auth/session")[1])["user"]["name"] == "Ada Lovelace"


def test_a_demo_that_streams_stops_at_once(tmp_path):
    """An open clock must not hold the end back until the drain limit."""
    with serving(tmp_path, "demo", "--port", str(free_port())) as gateway:
        gateway.sign_in("ada", "lovelace")
        import http.client

        connection = http.client.HTTPConnection(*gateway.address, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in gateway.cookies.items())
        connection.request("GET", "/live/clock", headers={"Host": gateway.host, "Cookie": cookie})
        response = connection.getresponse()
        assert response.status == 200
        assert response.readline().startswith(b"data: ")
        code, _, errors = gateway.stop(signal.SIGINT)
        connection.close()
    assert code == 0
    assert "cut=0" in errors, "the clock was ended, not cut"


def test_a_taken_port_is_no_reason_not_to_show_the_demo(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        from gateway.demo.configuration import free_port as choose

        port = taken.getsockname()[1]
        assert choose(port) not in (port, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_standard_files_that_were_closed_are_nobody_elses(tmp_path, upstream, workers):
    closed = ("sh", "-c", 'exec "$@" <&- 2>&-', "sh")
    gateway = GatewayProcess(tmp_path, configuration({"app": upstream, "other": upstream}, server=f"workers = {workers}"), within=closed)
    try:
        assert gateway.get("/public/").status == 200
        opened = {number: os.readlink(f"/proc/{gateway.process.pid}/fd/{number}") for number in (0, 2)}
    finally:
        assert gateway.stop() == 0
    assert opened == {0: "/dev/null", 2: "/dev/null"}


SLOW = """
import pathlib, time
pathlib.Path(__file__).with_name("importing").touch()
time.sleep(60)
async def authorize(credentials, request):
    return None
"""


def test_the_first_process_of_a_container_can_be_stopped_while_it_starts(tmp_path, upstream):
    (tmp_path / "slow.py").write_text(SLOW)
    provider = '[[providers]]\nid = "slow"\ntype = "python"\nauthorize = "slow:authorize"\n'
    (tmp_path / "gateway.toml").write_text(configuration({"app": upstream, "other": upstream}, extra=provider))
    (tmp_path / "users.toml").write_text("")
    contained = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if subprocess.run([*contained, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a process namespace (unshare --user --pid)")
    process = subprocess.Popen([*contained, sys.executable, "-m", "gateway", "run"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not (tmp_path / "importing").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        os.kill(int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()), signal.SIGTERM)
        assert process.wait(30) == 143
    finally:
        process.kill()
        process.wait()
