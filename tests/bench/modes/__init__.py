"""What can be measured: each mode gives its tables. The order is that of a whole run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.bench.modes.commands import commands
from tests.bench.modes.connections import connections, idle, new_connections
from tests.bench.modes.events import events, silent_sockets
from tests.bench.modes.first_seen import first_seen
from tests.bench.modes.large_bodies import large_bodies
from tests.bench.modes.options import Options
from tests.bench.modes.questions import questions
from tests.bench.modes.scale import routes, sessions
from tests.bench.modes.side_by_side import fixed, rotating
from tests.bench.modes.slow_upstream import slow_upstream
from tests.bench.modes.storm import storm
from tests.bench.modes.streams import stalled, streams
from tests.bench.modes.websocket import websocket
from tests.bench.place import Place
from tests.bench.report import Table

Mode = Callable[[Place, Options], Sequence[Table]]

MODES: dict[str, Mode] = {
    "rotating": rotating,
    "fixed": fixed,
    "questions": questions,
    "first-seen": first_seen,
    "routes": routes,
    "sessions": sessions,
    "connections": connections,
    "new-connections": new_connections,
    "idle": idle,
    "streams": streams,
    "stalled": stalled,
    "websocket": websocket,
    "storm": storm,
    "slow-upstream": slow_upstream,
    "large-bodies": large_bodies,
    "events": events,
    "silent-sockets": silent_sockets,
    "commands": commands,
}

__all__ = ["MODES", "Mode", "Options"]
