from __future__ import annotations

import socket

import pytest

from gateway.core.errors import ConfigError
from gateway.settings.values.listen_address import ListenAddress
from gateway.web.processes.sockets import bind, close, urls
from tests.servers import free_port


async def test_each_worker_gets_a_socket_of_its_own_on_the_same_port():
    bound = await bind([ListenAddress.parse("127.0.0.1:0")], workers=3)
    try:
        assert [listening.slot for listening in bound] == [0, 1, 2]
        assert len(urls(bound)) == 1
    finally:
        close(bound)


async def test_one_process_shares_with_nobody():
    bound = await bind([ListenAddress.parse("127.0.0.1:0")])
    try:
        port = bound[0].sock.getsockname()[1]
        for workers in (1, 2):
            with pytest.raises(ConfigError) as caught:
                await bind([ListenAddress.parse(f"127.0.0.1:{port}")], workers=workers)
            assert caught.value.problems[0].key == "server.listen"
    finally:
        close(bound)


async def test_what_was_bound_is_closed_when_the_next_one_fails():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = free_port()
        with pytest.raises(ConfigError):
            await bind([ListenAddress.parse(f"127.0.0.1:{free}"), ListenAddress.parse(f"127.0.0.1:{taken.getsockname()[1]}")])
        close(await bind([ListenAddress.parse(f"127.0.0.1:{free}")]))


async def test_the_path_of_a_dead_process_is_taken_over_and_that_of_a_living_one_is_not(tmp_path):
    path = tmp_path / "s"
    address = ListenAddress.parse(f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    bound = await bind([address])
    with pytest.raises(ConfigError):
        await bind([address])
    assert urls(bound) == [f"unix:{path}"]
    close(bound)
    assert not path.exists()
    path.write_text("no socket")
    with pytest.raises(ConfigError):
        await bind([address])
    assert path.read_text() == "no socket"


@pytest.mark.parametrize(
    ("address", "cure"),
    [
        pytest.param("192.0.2.1:8080", "an address of this machine", id="of-another-machine"),
        pytest.param("no-such-host.invalid:8080", "a name that has one", id="unknown-host"),
        pytest.param("unix:{folder}/gone/gateway.sock", "make the folder {folder}/gone", id="missing-folder"),
        pytest.param("unix:{folder}/file/gateway.sock", "make the folder {folder}/file", id="no-folder"),
        pytest.param("unix:{folder}/file", "stop what uses the address", id="a-file-is-there"),
        pytest.param("unix:{folder}/" + "x" * 200, "a shorter path", id="long-path"),
    ],
)
async def test_each_failure_has_a_cure_that_fits(address, cure, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        await bind([ListenAddress.parse(address.replace("{folder}", str(tmp_path)))])
    assert cure.replace("{folder}", str(tmp_path)) in caught.value.problems[0].cure
