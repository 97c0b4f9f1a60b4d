"""From a head to an exchange, without a task: the way in of the express lane."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.errors import UpstreamError
from gateway.proxy.express.plain import PlainReader
from gateway.proxy.express.ports import Client, Judge
from gateway.proxy.express.relay import Relay
from gateway.proxy.heads import Forwarded

_MAX_ORIGINS = 4096


class ExpressLane:
    """Takes the requests that it can serve.

    Args:
        scheme: The public one.
        owns_cookie: Says of a cookie's name whether it is ours.
        believes: Says of a peer's address whether its forwarding headers count; such a peer travels by the general lane.
        on_cut: Told why an answer that had begun could not be completed.
    """

    def __init__(
        self,
        reader: PlainReader,
        judge: Judge,
        *,
        scheme: str,
        owns_cookie: Callable[[str], bool],
        believes: Callable[[str], bool],
        on_cut: Callable[[UpstreamError], None],
    ) -> None:
        self._reader = reader
        self._judge = judge
        self._scheme = scheme
        self._owns_cookie = owns_cookie
        self._believes = believes
        self._on_cut = on_cut
        self._ways: dict[tuple[str, str], bytes] = {}

    def serves(self, address: str) -> bool:
        """True if requests of this peer may be taken at all."""
        return not self._believes(address)

    def take(self, connection: Client, raw: bytes) -> Relay | None:
        """Begin to serve a request; None if it is for the general lane. `raw` is the head without the empty line at its end."""
        plain = self._reader.read(raw)
        if plain is None:
            return None
        passed = self._judge.judge(plain.target, plain.host, plain.cookie)
        if passed is None:
            return None
        way = self._ways.get((connection.address, passed.host)) or self._way(connection.address, passed.host)
        lines = plain.lines
        start = b"GET %b HTTP/1.1\r\nHost: %b" % (plain.target, passed.host.encode("ascii"))
        head = b"\r\n".join([start, *lines, passed.cookie + way + passed.identity]) + b"\r\n\r\n"
        relay = Relay(connection, raw, private=passed.private, owns_cookie=self._owns_cookie, on_cut=self._on_cut)
        relay.begin(passed.pool, head, streaming=passed.streaming)
        return relay

    def _way(self, address: str, host: str) -> bytes:
        port = host.rpartition(":")[2]
        forwarded = Forwarded(client=address, scheme=self._scheme, host=host, port=int(port) if ":" in host and port.isdigit() else None)
        way = "\r\n".join(forwarded.lines()).encode("ascii")
        if len(self._ways) >= _MAX_ORIGINS:
            self._ways.clear()
        self._ways[address, host] = way
        return way
