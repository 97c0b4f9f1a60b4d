"""How long a WebSocket stays when nobody says anything: for as long as its client answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.proxy.websocket_frames import PING, close_frame
from gateway.web.tunnel import Bridge
from tests import leaping

IDLE_S = 300.0
PONG = b"\x8a\x80\x00\x00\x00\x00"


class Client:
    """The client's side: notes what it is sent and when, and answers pings after a while, or never."""

    def __init__(self, answers_after_s: float | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.sent: list[tuple[float, bytes]] = []
        self.closed_at: float | None = None
        self.bridge: Bridge
        self._answers_after_s = answers_after_s

    def take_over(self, bridge: Bridge) -> bytes:
        self.bridge = bridge
        return b""

    def write(self, data: bytes) -> None:
        self.sent.append((self.loop.time() - self.began, data))
        if data == PING and self._answers_after_s is not None:
            self.loop.call_later(self._answers_after_s, self.bridge.from_client, PONG)

    def close(self) -> None:
        self.closed_at = self.loop.time() - self.began


class Upstream:
    """The app's side, which takes whatever comes and says nothing."""

    writable = True

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def attach(self, sink: Any) -> None: ...

    def write(self, data: bytes) -> None:
        self.got.append(data)

    def close(self) -> None: ...


def story(answers_after_s: float | None, hours: float) -> tuple[Client, Upstream]:
    async def told() -> tuple[Client, Upstream]:
        client, upstream = Client(answers_after_s), Upstream()
        Bridge(client, upstream, idle_s=IDLE_S, life_s=None, request_id="x").open()  # type: ignore[arg-type]  # what it uses of them
        await asyncio.sleep(hours * 3600)
        return client, upstream

    return leaping.run(told)


@pytest.mark.parametrize("answers_after_s", [0.0, 0.0001, 0.02, 1.0, IDLE_S / 2 - 1])
def test_who_answers_stays(answers_after_s: float) -> None:
    """However fast: an answer in the moment of the ping, as on one machine, counts like any other."""
    client, upstream = story(answers_after_s, hours=10)
    assert client.closed_at is None
    assert {data for _, data in client.sent} == {PING}
    assert len(upstream.got) == pytest.approx(10 * 3600 / (IDLE_S / 2 + answers_after_s), abs=2)


def test_who_does_not_is_sent_away() -> None:
    client, _ = story(None, hours=1)
    assert client.sent == [(IDLE_S / 2, PING), (IDLE_S, close_frame(1001))]
    assert client.closed_at == IDLE_S
