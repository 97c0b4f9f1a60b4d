"""How a process that serves keeps its memory: the collector looks seldom, and large blocks go back to the system.

A hash of Argon2id takes 19 MiB for as long as it is worked out. Once glibc has seen such a block freed, it takes the next ones from the
heap of whichever thread asks, and keeps them there (`mallopt(3)`, "dynamic mmap threshold"): 20 MB for each thread that ever hashed.
"""

from __future__ import annotations

import ctypes
import gc

# The collector looks at what handlers made far less often than Python's default of 700: requests make few cycles, and it took 5 to 10 %
# of the time (`make bench`).
_GC_THRESHOLDS = (50_000, 20, 50)
# `M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` of glibc's <malloc.h>. To set one of them ends the adjusting of both.
_MALLOPT = ((-1, 4 << 20), (-3, 1 << 20))


def settle() -> None:
    """Everything that the process starts with is there: from now on memory is kept for requests. Without glibc, only the collector is told."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for parameter, size in _MALLOPT:
            mallopt(parameter, size)
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
