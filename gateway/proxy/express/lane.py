"""From a head to an exchange, without a task: the way in of the express lane."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.errors import UpstreamError
from gateway.proxy.client.plain import Plain, PlainReader, length_of
from gateway.proxy.express.ports import Client, Judge, Pass, Terms
from gateway.proxy.express.questions import Questions
from gateway.proxy.express.relay import Relay
from gateway.proxy.heads import Forwarded

_MAX_WAYS = 4096  # clients have as many addresses as they like


class ExpressLane:
    """Takes the requests that it can serve.

    Args:
        scheme: The public one.
        owns_cookie: Says of a cookie's name whether it is ours.
        believes: Says of a peer's address whether its forwarding headers count; such a peer travels by the general lane.
        on_cut: Told why an answer that had begun could not be completed.
        answered: Counts answers by class of status; ten numbers.
        questions: Answers proxies that ask about requests; None where none may.
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
        answered: list[int] | None = None,
        questions: Questions | None = None,
    ) -> None:
        self.questions = questions
        self._answered = [0] * 10 if answered is None else answered
        self._read = reader.read
        self._judge = judge.judge
        self._scheme = scheme
        self._owns_cookie = owns_cookie
        self._believes = believes
        self._on_cut = on_cut

    def serves(self, address: str) -> bool:
        """True if requests of this peer may be taken at all."""
        return not self._believes(address)

    def relay(self, connection: Client) -> Relay:
        """What passes the answers on to a connection, one after the other."""
        return Relay(connection, owns_cookie=self._owns_cookie, on_cut=self._on_cut, answered=self._answered)

    def take(self, relay: Relay, address: str, data: bytes) -> bool:
        """Begin to serve a request; False if it is for the general lane. `data` is the head with the empty line at its end."""
        plain = self._read(data)
        if plain is None:
            return False
        method, path, start, ahead, behind, cookie = plain
        host = ahead.host or behind.host
        assert host is not None
        passed = self._judge(method, path, host, cookie, data)
        if passed is None:
            return False
        terms = passed.terms
        length = ahead.length if behind.length is None else behind.length
        if terms.pool is None or (length is not None and terms.max_body and length > terms.max_body):
            return False
        # As `rebuilt` has it: this is the one place where a call less can be measured.
        way = terms.ways.get(address) or way_of(terms, address, self._scheme)
        end = b"\r\n" if length is None else b"Content-Length: %d\r\n\r\n" % length
        request = b"".join((start, terms.opening, ahead.lines, behind.lines, passed.cookie, way, passed.identity, end))
        relay.begin(terms, request, data, method, length or 0, ahead.closes or behind.closes)
        return True


def rebuilt(plain: Plain, passed: Pass, address: str, scheme: str) -> bytes:
    """The whole head of a plain request as it goes to the upstream, for a client of this address."""
    _, _, start, ahead, behind, _ = plain
    terms = passed.terms
    way = terms.ways.get(address) or way_of(terms, address, scheme)
    length = length_of(plain)
    end = b"\r\n" if length is None else b"Content-Length: %d\r\n\r\n" % length
    return b"".join((start, terms.opening, ahead.lines, behind.lines, passed.cookie, way, passed.identity, end))


def way_of(terms: Terms, address: str, scheme: str) -> bytes:
    """By which way a request came from a client, in lines; remembered in the terms."""
    port = terms.host.rpartition(":")[2]
    port_number = int(port) if ":" in terms.host and port.isdigit() else None
    forwarded = Forwarded(client=address, scheme=scheme, host=terms.host, port=port_number)
    way = "".join(f"{line}\r\n" for line in forwarded.lines()).encode("ascii")
    if len(terms.ways) >= _MAX_WAYS:
        terms.ways.clear()
    terms.ways[address] = way
    return way
