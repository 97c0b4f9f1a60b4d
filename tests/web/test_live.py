"""Which WebSockets end when a sign-out is heard; over real sockets: `tests/web/raw/test_live.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.identity import Session
from gateway.sessions.revocation import EVERYBODY
from gateway.web.live import POLICY_VIOLATION, LiveSockets
from tests.people import ADA, BOB, session_of

ADAS, BOBS = session_of(ADA), session_of(BOB)
ADAS_OTHER = replace(ADAS, sign_in_id="another")


class Socket:
    """Remembers how it ended, and says so, as a `Bridge` does."""

    def __init__(self, sockets: LiveSockets, session: Session) -> None:
        self.codes: list[int | None] = []
        self._discard = lambda: sockets.discard(self, session)
        sockets.add(self, session)

    def end(self, code: int | None = None) -> None:
        self.codes.append(code)
        self._discard()


@pytest.mark.parametrize(
    ("heard", "over", "ended"),
    [
        pytest.param({ADAS.sign_in_id}, {ADAS.sign_in_id}, [True, True, False, False], id="one-sign-in-with-all-its-sockets"),
        pytest.param({ADAS.sign_in_id}, set(), [False] * 4, id="heard-of-and-good-all-the-same"),
        pytest.param({"nobody"}, {"nobody"}, [False] * 4, id="somebody-without-sockets"),
        pytest.param(EVERYBODY, {ADAS.sign_in_id, "another"}, [True, True, True, False], id="anybody-may-be-over"),
        pytest.param(EVERYBODY, set(), [False] * 4, id="the-store-is-away"),
    ],
)
def test_those_that_are_over_end_and_are_forgotten(heard, over, ended):
    sockets = LiveSockets()
    all_of_them = [Socket(sockets, session) for session in (ADAS, ADAS, ADAS_OTHER, BOBS)]
    sockets.end_signed_out(heard, refused=lambda session: session.sign_in_id in over)
    assert [socket.codes == [POLICY_VIOLATION] for socket in all_of_them] == ended
    assert len(sockets) == ended.count(False)


def test_what_closes_by_itself_is_forgotten():
    sockets = LiveSockets()
    socket = Socket(sockets, ADAS)
    socket.end()
    socket.end()
    assert len(sockets) == 0
