"""Where the numbers come from: the lanes' counters, the pools, the reloader, and the kernel. Gathered when somebody asks."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.core.reason import Reason
from gateway.web.admin.samples import Sample

if TYPE_CHECKING:
    from gateway.web.processes.plane import Plane
    from gateway.web.reload import ReloadCount

#: What a reason of an answer says about a sign-in.
_SIGN_INS = {
    Reason.SIGNED_IN: "accepted",
    Reason.CREDENTIALS_WRONG: "refused",
    Reason.SIGN_IN_LIMITED: "limited",
    Reason.SIGN_IN_BUSY: "busy",
    Reason.PROVIDER_UNAVAILABLE: "unavailable",
}
_STARTED = time.time()


def plane_samples(plane: Plane) -> Iterator[Sample]:
    """The numbers of one process that serves."""
    counters, listener = plane.current.gateway.counters, plane.listener
    sign_ins = dict.fromkeys(_SIGN_INS.values(), 0)
    for status, count in enumerate(counters.express):
        if count:
            yield Sample.of("gateway_requests_total", count, lane="express", status=f"{status}xx", reason="")
    for (status, reason), count in list(counters.general.items()):
        yield Sample.of("gateway_requests_total", count, lane="general", status=f"{status}xx", reason=reason)
        if result := _SIGN_INS.get(Reason(reason)) if reason else None:
            sign_ins[result] += count
    for result, count in sign_ins.items():
        yield Sample.of("gateway_sign_ins_total", count, result=result)
    for reason, count in list(counters.decisions.items()):
        yield Sample.of("gateway_decisions_total", count, reason=str(reason))
    for refusal, count in list(listener.refused.items()):
        yield Sample.of("gateway_refusals_total", count, reason=str(refusal))
    yield Sample.of("gateway_client_connections", listener.open_connections)
    for name, pool in plane.current.gateway.pools.items():
        stats = pool.stats
        for state, number in (("in_use", stats.in_use), ("idle", stats.idle), ("tunnel", stats.tunnels)):
            yield Sample.of("gateway_upstream_connections", number, upstream=name, state=state)
        yield Sample.of("gateway_upstream_waiting", stats.waiting, upstream=name)


def process_samples(name: str) -> Iterator[Sample]:
    """What one process takes of the machine; `name` tells it from the others."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample.of("process_cpu_seconds_total", round(used.ru_utime + used.ru_stime, 6), process=name)
    yield Sample.of("process_max_fds", resource.getrlimit(resource.RLIMIT_NOFILE)[0], process=name)
    yield Sample.of("process_start_time_seconds", round(_STARTED, 2), process=name)
    with contextlib.suppress(OSError, ValueError):  # where there is no /proc, or no descriptor left to read it
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        yield Sample.of("process_resident_memory_bytes", pages * resource.getpagesize(), process=name)
        yield Sample.of("process_open_fds", len(os.listdir("/proc/self/fd")), process=name)  # noqa: PTH208  # names are enough, no path is made of them
    dropped = sum(getattr(handler, "dropped", 0) for handler in logging.getLogger().handlers)
    yield Sample.of("gateway_log_lines_dropped_total", dropped)


def gateway_samples(*, ready: bool, workers: int, restarts: int, reloads: ReloadCount | None) -> Iterator[Sample]:
    """What is known once for the whole gateway."""
    yield Sample.of("gateway_build_info", 1, version=__version__)
    yield Sample.of("gateway_ready", ready)
    yield Sample.of("gateway_workers", workers)
    yield Sample.of("gateway_worker_restarts_total", restarts)
    yield Sample.of("gateway_configuration_valid", reloads is None or reloads.valid)
    if reloads is not None:
        yield Sample.of("gateway_reloads_total", reloads.succeeded, result="success")
        yield Sample.of("gateway_reloads_total", reloads.refused, result="refused")
        yield Sample.of("gateway_reload_last_timestamp_seconds", reloads.last_at)
