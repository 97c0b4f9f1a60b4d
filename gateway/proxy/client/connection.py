"""One client connection: heads are read and judged here, then bytes go to the lane that serves the request.

The lane is any `asyncio.Protocol` that speaks HTTP/1.1 (aiohttp's request handler). It sees one whole, strict request at a time: the
next head is not looked at before the answer to the last one is out, so answers are in order and read-ahead is bounded (promise 5).
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from gateway.core.errors import UpstreamError
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.proxy.client.body import BodyFraming, LengthFraming, framing_of
from gateway.proxy.client.head import (
    UNBOUNDED,
    ClientHead,
    Refusal,
    bodiless,
    for_lane,
    framing_head,
    framing_lines,
    incomplete_refusal,
    read_head,
)
from gateway.proxy.client.lanes import Lanes
from gateway.proxy.client.plain import Plain, closes, is_well_formed, length_of
from gateway.proxy.client.ports import Keeper, TunnelEnd
from gateway.proxy.client.wire import ClientWire, reset_at_close

if TYPE_CHECKING:
    from gateway.proxy.express.lane import ExpressLane
    from gateway.proxy.express.relay import Relay

_READ_AHEAD = 64 * 1024
_EMPTY_LINE = b"\r\n"


class _State(enum.Enum):
    HEAD = enum.auto()  # waiting for, or in the middle of, a request head
    BODY = enum.auto()  # the lane works, body bytes pass through
    ANSWER = enum.auto()  # the request is complete, the lane's answer is not
    TUNNEL = enum.auto()  # bytes go to a tunnel, both ways
    CLOSING = enum.auto()  # nothing that comes is looked at any more


# As names of their own: looking up a member costs more than the comparison.
_HEAD, _BODY, _ANSWER, _TUNNEL, _CLOSING = _State


class ClientConnection(ClientWire):
    """See the module's docstring. Made by a `Listener`, which also watches the deadlines.

    Attributes:
        counted_as: Under which address the listener counts it, if it does.
        plain: What the listener's reader made of the head that is being served, where it is plain; else None.
        body_failed: Set by the lane: called once with the reason if the body turns out malformed.
        body_refusal: Why the body of the request being served can't be used, or None.
        fault: What the express lane met when it served the request, before it handed it over; else None.
        guarded: Set by the general lane: the session that its answer is for, or True for whatever the cookie says; else False.
    """

    __slots__ = (
        "_body_to", "_buffer", "_closes", "_express", "_framing", "_head", "_lanes", "_listener", "_relay", "_relaying", "_requests",
        "_state", "_tunnel", "address", "body_failed", "body_refusal", "counted_as", "fault", "guarded", "plain", "raw",
    )  # fmt: skip

    def __init__(self, listener: Keeper) -> None:
        super().__init__()
        self._listener = listener
        self._lanes = Lanes()
        self._state = _HEAD
        self._buffer = bytearray()
        self._framing: BodyFraming | None = None
        self._body_to: Callable[[bytes], None] | None = None
        self._tunnel: TunnelEnd | None = None
        self._requests = 0
        self.address = self.counted_as = ""
        self._head: ClientHead | None = None
        self.raw = b""  # the head that is being served, where it is plain
        self._closes = False  # the client wants the connection closed after the answer
        self.plain: Plain | None = None
        self.body_failed: Callable[[Refusal], None] | None = None
        self.body_refusal: Refusal | None = None
        self.fault: UpstreamError | None = None
        self.guarded: Session | bool = False
        self._express: ExpressLane | None = None
        self._relay: Relay | None = None  # of that lane, for this connection
        self._relaying = False  # the request being served is the express lane's

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._listener.limits.high_water)
        peer = transport.get_extra_info("peername")
        self.address = _written_alike(peer[0]) if isinstance(peer, tuple) else ""
        if not self._listener.admit(self):
            self.refuse(Refusal(Reason.TOO_MANY_CONNECTIONS, 503), linger=self._listener.may_linger)
            return
        self.deadline = self._loop.time() + self._listener.limits.head_timeout_s

    def data_received(self, data: bytes) -> None:
        """Route bytes to where they belong."""
        state = self._state
        if state is _HEAD:
            if not self._buffer and not self.writing.paused:
                if data[-4:] == b"\r\n\r\n" and self._take_express(data):
                    return
                if self._requests:
                    self.deadline = self._loop.time() + self._listener.limits.head_timeout_s
        elif state is _TUNNEL:
            assert self._tunnel is not None
            self._tunnel.from_client(data)
            return
        elif state is _CLOSING:
            return
        elif state is _BODY and not self._buffer:
            self._take_body(data)
            if self._state is _ANSWER and len(self._buffer) > _READ_AHEAD:
                self.pause_reading("read-ahead")
            return
        self._buffer += data
        self._advance()

    def eof_received(self) -> bool:
        """A client that is done sending is gone, as nginx and Caddy see it: closing frees its upstream at once (promise 56)."""
        if self._state is _TUNNEL and self._tunnel is not None:
            self._tunnel.from_client(b"")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who holds on to the connection."""
        self._listener.forget(self)
        self._state = _CLOSING
        self.deadline = None
        self.writing.lose()
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            tunnel.from_client(b"")
        if self._relaying and self._relay is not None:
            self._relaying = False
            self._relay.abort()
        self._relay = None
        self._body_to = None
        self._lanes.drop(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than the lane writes."""
        self.writing.pause()
        if self._tunnel is not None:
            self._tunnel.client_full()
        if self._relaying and self._relay is not None:
            self._relay.pause()
        self._lanes.pause_writing()

    def resume_writing(self) -> None:
        """The client caught up."""
        self.writing.resume()
        if self._tunnel is not None:
            self._tunnel.client_caught_up()
        if self._relaying and self._relay is not None:
            self._relay.resume()
        self._lanes.resume_writing()
        if self._state is _HEAD and self._buffer:
            self.deadline = self._loop.time() + self._listener.limits.head_timeout_s
            self.resume_reading("read-ahead")
            self._loop.call_soon(self._advance)

    # for the express lane

    def relayed(self, *, goes_on: bool) -> None:
        """The express lane's answer is out."""
        self._relaying = False
        if not goes_on:
            self.close()
        elif self._buffer or self._pausers or self._listener.draining or self._state is not _ANSWER:
            self.answered()
        else:
            self._state = _HEAD
            self.deadline = self._loop.time() + self._listener.limits.keep_alive_s

    def hand_over(self, raw: bytes, *, fault: UpstreamError | None = None) -> None:
        """The express lane could not serve the request after all: the general lane says so in its words, and sees nothing of the body."""
        self._relaying = False
        self.raw = raw
        head = self.head
        assert head is not None
        self._closes = not head.keep_alive
        self.fault = fault
        self.deadline = None
        self._body_to = None
        ours = self._listener.may_be_ours(head.target)
        self._general_lane(ours=ours).data_received(bodiless(head) if ours else framing_head(replace(head, length=None)))

    # for the lane

    @property
    def head(self) -> ClientHead | None:
        """The request head that is being served, or None between requests. Of a plain one it is read when somebody asks."""
        if self._head is None and self.raw:
            head = read_head(self.raw[:-4], UNBOUNDED)  # its size was judged when it was found to be plain
            assert isinstance(head, ClientHead)  # what is plain is well-formed
            self._head = head
        return self._head

    @property
    def minor(self) -> int:
        """The minor version of the request that is being served."""
        head = None if self.plain is not None else self.head
        return 1 if head is None else head.minor

    @property
    def last_request(self) -> bool:
        """True if the answer must close the connection: it served enough, the gateway drains, or the client asked for it."""
        if self._listener.draining or self._requests >= self._listener.limits.requests:
            return True
        if self._relaying:
            return self._relay is not None and self._relay.closes
        return self._closes

    @property
    def body_pending(self) -> bool:
        """True while body bytes of the request being served have not come yet."""
        return self._state is _BODY

    def answered(self) -> None:
        """The answer to the request is out; the next head may be read."""
        if self._state is _BODY:
            self.close()  # what is left of the body would be read as the next request
        if self._state is _TUNNEL:
            self._loop.call_soon(self._lanes.drop, None)
        if self._state is not _ANSWER:
            return
        self._state = _HEAD
        self._head = self.plain = None
        self.guarded = False
        self.raw = b""
        self._closes = False
        self.fault = None
        self.body_failed = None
        limits = self._listener.limits
        self.deadline = self._loop.time() + (limits.head_timeout_s if self._buffer else limits.keep_alive_s)
        if self._pausers:
            self.resume_reading("read-ahead")
        if self._buffer:
            self._loop.call_soon(self._advance)
        elif self._listener.draining:
            self.close()

    def take_over(self, tunnel: TunnelEnd) -> bytes:
        """Make a tunnel of the connection: from now on every byte is for it. Returns what came already."""
        self._state = _TUNNEL
        self._tunnel = tunnel
        self.deadline = None
        early = bytes(self._buffer)
        self._buffer.clear()
        self.resume_reading("read-ahead")
        return early

    def close(self, *, more_may_come: bool = False) -> None:
        """Close so that the client can still read what was written, also if it is in the middle of sending."""
        transport = self._transport
        if self._state is _CLOSING or transport is None:
            return
        unread = more_may_come or bool(self._buffer) or self._state is _BODY
        self._state = _CLOSING
        if unread:
            self._buffer.clear()
        self._shut(transport, unread=unread)

    def abort(self) -> None:
        """Close at once; what was not sent yet is lost, and the client sees that."""
        if self._transport is not None:
            if not self.minor:  # the end of the connection may be that of a whole answer, so this one is a reset (promise 59)
                reset_at_close(self._transport)
            self._transport.abort()
        self._state = _CLOSING

    @property
    def guarded_exchange(self) -> object | None:
        """The head of the request being served, if its answer is for one person and may last; the same object as long as it is served."""
        if self._relaying:
            return None if self._relay is None else self._relay.guarded_head
        return (self.raw or self._head) if self.guarded and self._state in (_BODY, _ANSWER) else None

    # for the listener

    @property
    def idle(self) -> bool:
        """True between requests."""
        return self._state is _HEAD and self._buffer in (b"", _EMPTY_LINE)

    def expire(self, now: float) -> None:
        """The deadline has passed."""
        self.deadline = None
        if self._state is _HEAD and not self.idle:
            self.refuse(Refusal(Reason.REQUEST_TIMED_OUT, 408))
        elif self._state is _BODY and self._relaying and self._relay is not None:
            self._give_up_upload(self._relay, now)
        elif self._state is _CLOSING and self._transport is not None:
            self._end(self._transport, now, self._listener.limits.write_idle_s)
        elif self._state is _HEAD:
            self.close()  # what the client has not taken of its last answer still goes out

    def _give_up_upload(self, relay: Relay, now: float) -> None:
        """The client has sent nothing of the body for too long, unless it was us who stopped reading."""
        if self._pausers:
            self.deadline = now + self._listener.limits.body_idle_s
        elif relay.begun:
            relay.abort()
            self.abort()
        else:
            self.body_refusal = Refusal(Reason.REQUEST_TIMED_OUT, 408)
            self.hand_over(relay.give_up())

    def check_stall(self, now: float) -> None:
        """Give up on a client that has taken nothing for longer than the limit."""
        transport = self._transport
        if transport is not None and self.writing.stalled(now, transport.get_write_buffer_size(), self._listener.limits.write_idle_s):
            self.abort()

    def refuse(self, refusal: Refusal, *, linger: bool = True) -> None:
        """Answer without asking any lane, and read nothing more (promise 5).

        Args:
            linger: Wait a moment for the client to read why, also if it is in the middle of sending.
        """
        self._listener.count_refusal(refusal, self.address)
        if self._transport is not None:
            self._transport.write(self._listener.refusal_answer(refusal))
            self.close(more_may_come=linger)

    # reading

    def _advance(self) -> None:
        """Work on the buffer for as long as there is something to be done."""
        if self._state is _HEAD and self.writing.paused:
            # Who does not take the answers that are there is given no more of them (promise 55); `check_stall` watches meanwhile.
            self.deadline = None
            self.pause_reading("read-ahead")
            return
        if self._state is _HEAD and not self._take_head():
            return
        if self._state is _BODY and self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            self._take_body(data)
        if self._state is _ANSWER and len(self._buffer) > _READ_AHEAD:
            self.pause_reading("read-ahead")

    def _take_head(self) -> bool:
        buffer, limits = self._buffer, self._listener.limits
        if buffer.startswith(_EMPTY_LINE):  # RFC 9112 2.2: one ahead of a request is tolerated
            if len(buffer) == len(_EMPTY_LINE):
                return False  # it is kept until there is more: a client that sends nothing else must not gain time by it
            del buffer[: len(_EMPTY_LINE)]
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if buffer != b"\r" and (refusal := incomplete_refusal(buffer, limits.head)) is not None:
                self.refuse(refusal)
            return False
        raw = bytes(buffer[: end + 4])
        if self._take_express(raw):
            del buffer[: end + 4]
            if self._state is _HEAD and buffer:  # a question that is answered already
                self.deadline = self._loop.time() + self._listener.limits.head_timeout_s
                self._loop.call_soon(self._advance)
            return True
        ours = False
        told = self._take_plain(raw)
        if told is None:
            head = read_head(raw[:-4], limits.head)
            if isinstance(head, Refusal):
                self.refuse(head)
                return False
            self._head = head
            self._closes = not head.keep_alive
            self._framing = framing_of(head) if head.has_body else None
            ours = self._listener.may_be_ours(head.target)
            told = for_lane(raw[:-4], head) if ours else framing_head(head)
        del buffer[: end + 4]
        self._requests += 1
        self.body_refusal = None
        self.deadline = None
        lane = self._general_lane(ours=ours)
        self._body_to = lane.data_received
        self._state = _BODY if self._framing is not None else _ANSWER
        lane.data_received(told)
        return True

    def _take_plain(self, raw: bytes) -> bytes | None:
        """Take a plain head that can only be for an upstream; gives what its lane is to be told of it, or None if it is not one."""
        read = self._listener.read_plain
        plain = read(raw) if read is not None else None
        if plain is None or not is_well_formed(plain) or self._listener.may_be_ours(plain[1]):
            return None
        length = length_of(plain)
        self.plain, self.raw, self._closes = plain, raw, closes(plain)
        self._framing = LengthFraming(length) if length else None
        return framing_lines(plain[0], length=length, keep_alive=not self._closes)

    def _take_express(self, raw: bytes) -> bool:
        """Let the express lane serve the request, if it will. `raw` is its head, with the empty line at the end."""
        express = self._listener.express
        if express is not self._express:  # the first request, or the settings are others since the last
            self._express = express
            self._relay = express.relay(self) if express is not None and express.serves(self.address) else None
        relay = self._relay
        if express is None or relay is None:
            return express is not None and self._answer_question(express, raw)
        if not express.take(relay, self.address, raw):
            return False
        self._requests += 1
        self._relaying = True
        if relay.left:
            self._state = _BODY
            self.body_refusal = None
            self._framing = LengthFraming(relay.left)
            self._body_to = relay.upload
            self.deadline = self._loop.time() + self._listener.limits.body_idle_s
        else:
            self._state = _ANSWER
            self.deadline = None
        return True

    def _answer_question(self, express: ExpressLane, raw: bytes) -> bool:
        """Answer a proxy that is believed at once, if it asks what has a plain yes, and may go on asking."""
        if express.questions is None or self._transport is None or self.last_request:
            return False
        answer = express.questions.answer(raw)
        if answer is None:
            return False
        self._requests += 1
        self._transport.write(answer)
        self.deadline = self._loop.time() + self._listener.limits.keep_alive_s
        return True

    def _general_lane(self, *, ours: bool) -> asyncio.Protocol:
        make = self._listener.make_lane if ours else self._listener.make_proxied
        assert self._transport is not None
        return self._lanes.of(make, self, self._transport)

    def _take_body(self, data: bytes) -> None:
        """Pass on what belongs to the body; the rest is kept."""
        framing = self._framing
        assert framing is not None
        if self.body_refusal is not None:
            return  # it was refused, and the answer that says so closes the connection
        taken = framing.feed(data)
        if isinstance(taken, Refusal):
            self.body_refusal = taken
            self._listener.count_refusal(taken, self.address)
            if self.body_failed is not None:
                self.body_failed(taken)
            return
        if taken < len(data):
            self._buffer += data[taken:]
        seen = data if taken == len(data) and not framing.hidden else data[: taken - framing.hidden]
        if framing.done:
            seen += framing.ending
            self._state = _ANSWER
            self._framing = None
        if self._relaying:
            self.deadline = None if framing.done else self._loop.time() + self._listener.limits.body_idle_s
        if self._body_to is not None and seen:
            self._body_to(seen)


def _written_alike(address: str) -> str:
    """An IPv4 address as itself, also where a socket for both families has it (`::ffff:192.0.2.1`): systemd's are so by default."""
    return address[7:] if address.startswith("::ffff:") and "." in address else address
