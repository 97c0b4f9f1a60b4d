"""What was let in and still runs: it ends with the session that let it in, at a sign-out, a revocation or its expiry.

WebSockets are known from their upgrade on, and end in the moment in which the sign-out is heard. Answers that take long are found by
looking: once a second at all connections for those that serve the same request as a second before. So a plain request, which takes
milliseconds, is never written down anywhere, and pays nothing.

An answer is ended by cutting the connection, so that nobody takes it for complete. That the store is away ends nothing that runs: nothing
is known of these sessions that was not known when they were let in, and what is signed out meanwhile ends when the store is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.proxy.client.head import UNBOUNDED, ClientHead, read_head
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.log import event

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection
    from gateway.web.state import Current, Gateway

log = logging.getLogger(__name__)
LOOK_S = 1.0


class Endable(Protocol):
    """A socket."""

    def end(self, code: int | None = None) -> None:
        """Close both sides, with the code of RFC 6455 7.4."""


POLICY_VIOLATION = 1008


class LiveSockets:
    """The open WebSockets of one gateway that belong to sessions."""

    def __init__(self) -> None:
        self._of: dict[str, dict[Endable, Session]] = {}

    def add(self, socket: Endable, session: Session) -> None:
        """One was opened."""
        self._of.setdefault(session.sign_in_id, {})[socket] = session

    def discard(self, socket: Endable, session: Session) -> None:
        """It is closed."""
        sockets = self._of.get(session.sign_in_id)
        if sockets is not None and sockets.pop(socket, None) is not None and not sockets:
            del self._of[session.sign_in_id]

    def end_signed_out(self, heard: Container[str], *, refused: Callable[[Session], bool]) -> None:
        """End those that are over.

        Args:
            heard: Ids of sign-ins; whatever can't be listed stands for any.
            refused: Says whether a session is over.
        """
        ids: Iterable[str] = heard if isinstance(heard, Collection) else list(self._of)
        for id in ids:
            for socket, session in list(self._of.get(id, {}).items()):
                if refused(session):
                    socket.end(POLICY_VIOLATION)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """An answer that takes long, and when it ends by itself (Unix time); without a session, nothing is known of it."""

    exchange: object
    session: Session | None
    ends_at: float


class LiveAnswers:
    """The answers of one process that take long.

    Args:
        connections: Gives all client connections.
        current: Whose sessions they are.
    """

    def __init__(self, connections: Callable[[], Iterable[ClientConnection]], current: Current) -> None:
        self._connections = connections
        self._current = current
        self._seen: dict[ClientConnection, object] = {}
        self._watched: dict[ClientConnection, _Watched] = {}
        self._heard = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._current.gateway.revocations.watchers.append(self._hear)
        self._task = asyncio.get_running_loop().create_task(self._keep_looking(), name="live-answers")

    def stop(self) -> None:
        """Look no more."""
        watchers = self._current.gateway.revocations.watchers
        if self._hear in watchers:
            watchers.remove(self._hear)
        if self._task is not None:
            self._task.cancel()

    def _hear(self, _: Container[str]) -> None:
        self._heard = True

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:  # whatever it is, this task must not end
                event(log, "live-answers-failed", level=logging.ERROR, error=type(error).__name__)

    async def look(self) -> None:
        """Look once at all connections."""
        gateway = self._current.gateway
        now, heard, self._heard = gateway.clock().timestamp(), self._heard, False
        seen: dict[ClientConnection, object] = {}
        watched: dict[ClientConnection, _Watched] = {}
        new: list[ClientConnection] = []
        for connection in tuple(self._connections()):
            exchange = connection.guarded_exchange
            if exchange is None:
                continue
            seen[connection] = exchange
            known = self._watched.get(connection)
            if known is not None and known.exchange is exchange:
                watched[connection] = known
                if known.ends_at <= now or (heard and known.session is not None):
                    self._end_if_over(connection, known, gateway)
            elif self._seen.get(connection) is exchange:
                new.append(connection)
        self._seen, self._watched = seen, watched
        for connection in new:
            await self._watch(connection, seen[connection], gateway)

    async def _watch(self, connection: ClientConnection, exchange: object, gateway: Gateway) -> None:
        session = await _session_of(connection, exchange, gateway)
        if connection.guarded_exchange is not exchange or session is Reason.SESSION_STORE_UNAVAILABLE:
            return  # it is done, or is asked about again in a second
        if session is Reason.SESSION_UNKNOWN:
            _cut(connection, session)
            return
        if not isinstance(session, Session):
            self._watched[connection] = _Watched(exchange, None, float("inf"))
            return
        ends_at = gateway.policy.lifetime.ends_at(session).timestamp()
        self._watched[connection] = known = _Watched(exchange, session, ends_at)
        self._end_if_over(connection, known, gateway)

    def _end_if_over(self, connection: ClientConnection, known: _Watched, gateway: Gateway) -> None:
        assert known.session is not None
        reason = gateway.sessions.refusal(known.session)
        if reason is not Reason.SESSION_REVOKED:
            # To the second, as for WebSockets: the tolerance between clocks is for whoever asks, and nobody asks here.
            lifetime = gateway.policy.lifetime
            reason = lifetime.end_of(known.session, now=gateway.clock() + lifetime.tolerance)
        if reason is not None:
            _cut(connection, reason)


def _cut(connection: ClientConnection, reason: Reason) -> None:
    event(log, "answer-ended", reason=reason, client=connection.address)
    connection.abort()


async def _session_of(connection: ClientConnection, exchange: object, gateway: Gateway) -> Session | Reason | None:
    """Whose an exchange is: said by the lane, or read from its head."""
    if isinstance(connection.guarded, Session):
        return connection.guarded
    head = read_head(exchange[:-4], UNBOUNDED) if isinstance(exchange, bytes) else exchange
    if not isinstance(head, ClientHead):
        return None
    cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
    await gateway.sessions.load(cookies)
    return gateway.sessions.read_signed_out(cookies)
