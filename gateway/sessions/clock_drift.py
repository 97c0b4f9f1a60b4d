"""A token from the future means that two clocks differ: another replica's, or this machine's own, which was set back. Operators hear of it.

Only who has a secret of the gateway makes such a token, so nobody else can fill the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from gateway.core.identity import Session

_log = logging.getLogger(__name__)
_QUIET_S = 60.0


class ClockDrift:
    """Warns once a minute.

    Args:
        seconds: A clock that is never set.
    """

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._quiet_until = 0.0

    def seen(self, session: Session, *, now: datetime) -> None:
        """A session was refused because its token is from the future."""
        if self._seconds() < self._quiet_until:
            return
        self._quiet_until = self._seconds() + _QUIET_S
        ahead = max(session.issued_at, session.signed_in_at) - now
        _log.warning("clock-drift ahead_s=%.0f why=session-from-future cure=NTP", ahead.total_seconds())
