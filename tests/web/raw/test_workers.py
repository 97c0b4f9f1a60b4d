"""Several workers are one gateway: nothing is refused, lost or counted twice when one dies, all reload, or all stop."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway_process import PASSWORDS, GatewayProcess
from tests.recorder import Exchange, Recorder
from tests.servers import free_port
from tests.web.raw.conftest import Start
from tests.web.raw.steady import steady
from tests.web.raw.test_reload import NEW_ROUTE, Reloaded
from tests.wire import Connection

WAIT_S = 60.0  # a worker takes seconds to begin where others are at work, too
CUT_S = 20.0  # less than what may be drained without a cut
WORKERS = 3
GET = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def until(claim: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def workers(gateway: GatewayProcess) -> dict[int, int]:
    """The process of each place, as the log last said."""
    return {int(slot): int(pid) for slot, pid in re.findall(r"worker-ready slot=(\d+) pid=(\d+)", gateway.log)}


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def several(start: Start, **more: object) -> GatewayProcess:
    server = f"workers = {WORKERS}\n{more.pop('server', '')}"
    gateway = start(server=server, **more)
    until(lambda: len(workers(gateway)) == WORKERS, "not all workers are ready")
    return gateway


def metrics(address: tuple[str, int]) -> dict[str, float]:
    with Connection(address) as connection:
        answer = connection.request(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.status == 200
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in answer.body.decode().splitlines() if line[0] != "#")}


@pytest.fixture(scope="module")
def many(start: Start) -> GatewayProcess:
    """Three workers, for tests that leave them as they were."""
    return several(start, limits={"failed_sign_ins_per_address": 1000, "failed_sign_ins_per_account": 1000})


def test_every_worker_serves_and_a_session_is_good_in_all(start: Start, upstream: Recorder) -> None:
    admin = free_port()
    gateway = several(start, server=f'admin_listen = "127.0.0.1:{admin}"')
    cookie = gateway.sign_in("ada")
    assert {gateway.get("/private/x", f"Cookie: {cookie}").status for _ in range(40)} == {200}
    accepted = 'gateway_sign_ins_total{result="accepted"}'
    until(lambda: metrics(("127.0.0.1", admin)).get(accepted) == 1, "what each of them counted is summed")
    numbers = metrics(("127.0.0.1", admin))
    assert numbers["gateway_workers"] == WORKERS
    assert sum(value for name, value in numbers.items() if name.startswith("process_open_fds")) > WORKERS
    served = [gateway.connect() for _ in range(60)]
    try:
        until(lambda: metrics(("127.0.0.1", admin))["gateway_client_connections"] == 60, "connections are summed over the workers")
    finally:
        for connection in served:
            connection.__exit__()


def test_what_waits_in_the_queue_of_a_worker_that_dies_is_answered(many: GatewayProcess, upstream: Recorder) -> None:
    """Fault matrix, worker crash: no connection that the dead one had not taken yet is lost."""
    slot, victim = next(iter(workers(many).items()))
    os.kill(victim, signal.SIGSTOP)
    waiting = [many.connect(timeout=WAIT_S) for _ in range(60)]
    try:
        for connection in waiting:
            connection.send(GET)
        answered, _, _ = select.select([connection.sock for connection in waiting], [], [], 1)
        assert len(answered) < len(waiting), "some wait where nobody takes them"
        os.kill(victim, signal.SIGKILL)
        answers = [connection.answer() for connection in waiting]
        assert {answer.status for answer in answers} == {200}
    finally:
        for connection in waiting:
            connection.__exit__()
    until(lambda: workers(many)[slot] != victim, "it is replaced")
    assert f"worker-ended slot={slot} pid={victim} status=-9" in many.log


def test_a_worker_that_hangs_is_killed_and_replaced_and_the_others_live_on(start: Start, upstream: Recorder) -> None:
    """Whoever waits where nobody takes them is answered then."""
    gateway = several(start, limits={"worker_timeout": "5s"})
    before = workers(gateway)
    slot, victim = next(iter(before.items()))
    os.kill(victim, signal.SIGSTOP)
    waiting = [gateway.connect(timeout=WAIT_S) for _ in range(30)]
    try:
        for connection in waiting:
            connection.send(GET)
        assert {connection.answer().status for connection in waiting} == {200}
    finally:
        for connection in waiting:
            connection.__exit__()
    until(lambda: workers(gateway)[slot] != victim, "it is replaced")
    assert f"worker-hung slot={slot} pid={victim} silent_s=5" in gateway.log
    assert {other: pid for other, pid in workers(gateway).items() if other != slot} == {
        other: pid for other, pid in before.items() if other != slot
    }


def test_a_supervisor_that_was_stopped_itself_takes_nobody_for_hung(start: Start, upstream: Recorder) -> None:
    gateway = several(start, limits={"worker_timeout": "5s"})
    before = workers(gateway)
    gateway.process.send_signal(signal.SIGSTOP)
    time.sleep(7)
    gateway.process.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert workers(gateway) == before
    assert "worker-hung" not in gateway.log
    assert gateway.request(GET).status == 200


def test_a_worker_that_is_killed_under_load_loses_its_own_requests_only(many: GatewayProcess, upstream: Recorder) -> None:
    kept = 3
    with steady(many.address, GET, kept=kept, fresh=3) as load:
        for slot in range(WORKERS):
            victim = workers(many)[slot]
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim, slot=slot: workers(many)[slot] != victim, "it is replaced")
    assert load.refused == 0
    assert len(load.failures) <= 6 * WORKERS, load.failures
    assert not [failure for failure in load.failures if failure[:3].isdigit()], "the others never answer for it by an error"


def test_a_reload_reaches_all_workers_or_none_and_fails_no_request(start: Start, upstream: Recorder) -> None:
    """Promise 61."""
    reloaded = Reloaded(several(start))
    gateway = reloaded.gateway
    with steady(gateway.address, GET) as load:
        for _ in range(3):
            reloaded.edit("[[routes]]", f"{NEW_ROUTE}[[routes]]")
            assert "changed=routes" in reloaded.hup()
            assert {gateway.get("/new/x").status for _ in range(20)} == {200}
            good = reloaded.file.read_text()
            reloaded.put("gateway.toml", good.replace("[server]", "[server]\nnonsense = 1"))
            assert "server.nonsense" in reloaded.hup("reload-refused")
            reloaded.put("gateway.toml", good.replace(NEW_ROUTE, "").replace('file = "users.toml"', 'file = "gone.toml"'))
            assert "gone.toml" in reloaded.hup("reload-refused"), "only a worker finds that out"
            assert {gateway.get("/new/x").status for _ in range(20)} == {200}
            reloaded.put("gateway.toml", good.replace(NEW_ROUTE, ""))
            reloaded.hup()
            assert {gateway.get("/new/x").status for _ in range(20)} == {404}
    assert not load.failures
    assert load.refused == 0


def test_a_worker_that_comes_later_serves_what_was_accepted_not_what_the_file_says(start: Start, upstream: Recorder) -> None:
    reloaded = Reloaded(several(start))
    gateway = reloaded.gateway
    reloaded.edit("[[routes]]", f"{NEW_ROUTE}[[routes]]")
    reloaded.hup()
    reloaded.put("gateway.toml", "nonsense = 1")
    reloaded.hup("reload-refused")
    before = workers(gateway)
    for victim in before.values():
        os.kill(victim, signal.SIGKILL)
    until(lambda: not set(workers(gateway).values()) & set(before.values()), "all are replaced")
    assert {gateway.get("/new/x").status for _ in range(20)} == {200}


def test_one_that_dies_again_and_again_is_started_more_and_more_rarely_while_others_serve(start: Start, upstream: Recorder) -> None:
    gateway = several(start)
    users = gateway.log_file.parent / "users.toml"
    good = users.read_text()
    users.write_text("nonsense")
    slot, victim = next(iter(workers(gateway).items()))
    with steady(gateway.address, GET, kept=0, fresh=2) as load:
        os.kill(victim, signal.SIGKILL)
        until(lambda: "again_in_s=1.0" in gateway.log, "it backs off")
        users.write_text(good)
        until(lambda: workers(gateway)[slot] != victim, "it comes back")
    assert len(load.failures) <= 2, load.failures
    assert load.refused == 0
    assert re.search(r"worker-ended slot=\d pid=\d+ status=0 why=", gateway.log)


def test_failed_sign_ins_are_counted_over_all_workers(start: Start, upstream: Recorder) -> None:
    """Promise 46: a burst at three workers gets as many tries as at one."""
    gateway = several(start, limits={"failed_sign_ins_per_address": 5, "hash_wait": "20s"})
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda number: gateway.post_sign_in({"username": "ada", "password": f"wrong-{number}"}), range(12)))
    assert sorted(str(answer.reason) for answer in answers) == ["credentials-wrong"] * 5 + ["sign-in-limited"] * 7
    assert gateway.post_sign_in({"username": "ada", "password": PASSWORDS["ada"]}).status == 429


def test_attempts_of_a_worker_that_dies_count_as_failed(start: Start, upstream: Recorder) -> None:
    gateway = several(start, limits={"failed_sign_ins_per_address": 3})
    for number in range(3):
        assert gateway.post_sign_in({"username": "ada", "password": f"wrong-{number}"}).reason == "credentials-wrong"
    before = workers(gateway)
    for victim in before.values():
        os.kill(victim, signal.SIGKILL)
    until(lambda: not set(workers(gateway).values()) & set(before.values()), "all are replaced")
    assert gateway.post_sign_in({"username": "ada", "password": PASSWORDS["ada"]}).status == 429, "the count outlives them"


def test_the_secret_is_made_once(start: Start, upstream: Recorder) -> None:
    made = Reloaded(several(start))
    made.edit('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "made"')
    port = free_port()
    made.gateway.signal()
    assert made.gateway.wait() == 0
    text = made.file.read_text().replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"')
    again = GatewayProcess(made.folder / "again", text)
    try:
        cookie = again.sign_in("ada")
        assert {again.get("/private/x", f"Cookie: {cookie}").status for _ in range(30)} == {200}
        assert len((made.folder / "again" / "made").read_text().splitlines()) == 1
    finally:
        assert again.stop() == 0


def test_an_upload_at_a_worker_is_finished_when_all_stop(start: Start, upstream: Recorder) -> None:
    """Promise 60."""
    gateway = several(start)
    pids = workers(gateway).values()
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nhello")
        upstream.wait_for()
        gateway.signal(signal.SIGTERM)
        until(lambda: "stopping" in gateway.log, "it stops")
        connection.send(b"world")
        answer = connection.answer("POST")
        assert (answer.status, answer.body) == (200, b"recorded")
    assert gateway.wait() == 0
    assert "cut=0" in gateway.log
    assert not any(lives(pid) for pid in pids)


@pytest.mark.parametrize("count", [1, WORKERS])
def test_who_could_connect_before_the_end_is_answered(count: int, start: Start, upstream: Recorder) -> None:
    """Until nobody listens any more, which a client sees as a refused connection and nothing else."""
    gateway = start(server=f"workers = {count}")
    with steady(gateway.address, GET, kept=2, fresh=4) as load:
        until(lambda: load.answers > 50, "there is load")
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
        until(lambda: load.refused == 6, f"nobody listens: {load}")
    assert not load.failures


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_cuts_at_all_workers(second: int, start: Start, upstream: Recorder) -> None:
    def script(exchange: Exchange) -> None:
        exchange.left(60)
        exchange.close()

    upstream.script = script
    gateway = several(start)
    with gateway.connect() as connection:
        connection.send(b"GET /stream/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for()
        gateway.signal(signal.SIGTERM)
        until(lambda: "stopping" in gateway.log, "it stops")
        gateway.signal(second)
        assert gateway.wait(CUT_S) == 0
    assert "cut=1" in gateway.log


def test_workers_end_with_their_supervisor(start: Start, upstream: Recorder) -> None:
    gateway = several(start)
    pids = list(workers(gateway).values())
    gateway.process.kill()
    gateway.process.wait(WAIT_S)
    gateway.process.returncode = 0  # on purpose; the fixture looks for an orderly end
    until(lambda: not any(lives(pid) for pid in pids), "they end by themselves")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(gateway.address, timeout=5)


def test_signals_to_workers_are_not_for_them(many: GatewayProcess, upstream: Recorder) -> None:
    """A terminal and systemd signal every process of a group; only the supervisor's orders count."""
    before = workers(many)
    for pid in before.values():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
    assert {many.get("/public/x").status for _ in range(20)} == {200}
    assert workers(many) == before


def test_what_keeps_a_worker_from_starting_keeps_the_gateway_from_starting(start: Start, upstream: Recorder) -> None:
    with pytest.raises(AssertionError, match=r"exit status 78") as told:
        start(server=f"workers = {WORKERS}", users="nonsense")
    assert "users.toml" in str(told.value)


def test_two_gateways_never_share_a_port(many: GatewayProcess, start: Start) -> None:
    for count in (1, WORKERS):
        with pytest.raises(AssertionError, match=r"exit status 78"):
            start(server=f"workers = {count}", listen=f"127.0.0.1:{many.address[1]}")


def test_a_unix_socket_is_shared_by_all(start: Start, upstream: Recorder) -> None:
    gateway = several(start)
    text = (gateway.log_file.parent / "gateway.toml").read_text()
    folder = gateway.log_file.parent / "u"
    path = folder / "s"
    both = GatewayProcess(folder, text.replace('listen = "127.0.0.1:0"', f'listen = ["127.0.0.1:0", "unix:{path}"]'))
    try:
        for _ in range(10):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(WAIT_S)
                sock.connect(str(path))
                sock.sendall(GET)
                assert sock.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        assert both.stop() == 0
    assert not path.exists()
