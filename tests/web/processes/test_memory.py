"""A process gives back what a hash took."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.cpu import own_bytes
from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder

ARGON2_BYTES = 19 << 20  # a block of Argon2id as `gateway users add` hashes


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    recorder = Recorder()
    running = GatewayProcess(tmp_path, configuration({"app": recorder.port, "other": recorder.port}))
    yield running
    assert running.stop() == 0
    recorder.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and it is glibc that is told")
def test_hashing_leaves_no_large_block_behind(gateway: GatewayProcess) -> None:
    """Section 4 of the bar: memory is flat. glibc left alone keeps such a block for each thread that hashed."""
    pid = gateway.process.pid
    before = own_bytes(pid)
    for _ in range(8):
        gateway.sign_in("ada")
    assert own_bytes(pid) - before < ARGON2_BYTES / 2
