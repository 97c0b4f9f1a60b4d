"""How many files and sockets the process may have open, and how many client connections fit into that."""

from __future__ import annotations

import contextlib
import resource

from gateway.settings.model import Settings

_RESERVE = 64  # listening sockets, databases, files, pipes, and connections that are only told that there are too many
_FEWEST = 16


def raise_limit() -> int:
    """Raise the soft limit of the process to its hard one; gives what may be open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # the kernel's own maximum may be lower (fs.nr_open)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**31


def connections_that_fit(settings: Settings, descriptors: int) -> int:
    """How many client connections one process can hold: `limits.connections`, or fewer where descriptors would run out first.

    A connection too many gets a 503 then; without a descriptor it could get no answer at all.
    """
    left = descriptors - _RESERVE
    upstream = len(settings.upstreams) * settings.limits.upstream_connections
    # No client connection needs more than one towards an upstream.
    return max(_FEWEST, min(settings.limits.connections, max(left - upstream, left // 2)))
