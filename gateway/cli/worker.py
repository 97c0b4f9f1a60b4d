"""A worker's process: no command, but what a supervisor starts several of."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

# The way to modules is the supervisor's own, whatever folder and environment say: so both run the same code.
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from gateway.cli.worker import main; main(int(sys.argv[2]))"


def worker_command(descriptor: int) -> Sequence[str]:
    """The command line of a worker whose channel is that descriptor."""
    return [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), str(descriptor)]


def main(descriptor: int) -> None:
    """Be a worker, until told to stop."""
    from gateway.cli.serving import run_to_the_end
    from gateway.web.processes.worker import work

    run_to_the_end(work(descriptor))
