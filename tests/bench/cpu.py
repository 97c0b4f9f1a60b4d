"""Processor time and memory of a process and all its descendants, from /proc; and how busy everybody else was meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of processor time, in our own code and in the kernel on our behalf."""

    user_s: float = 0.0
    system_s: float = 0.0

    @property
    def all_s(self) -> float:
        """Both."""
        return self.user_s + self.system_s

    def __sub__(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.user_s - earlier.user_s, self.system_s - earlier.system_s)


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found, to_do = [], [pid]
    while to_do:
        current = to_do.pop()
        found.append(current)
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{current}/task"):
                to_do += map(int, Path(f"/proc/{current}/task/{thread}/children").read_text().split())
    return found


def cpu_time(pid: int) -> CpuTime:
    """Of a whole tree so far. The kernel counts precisely and shows hundredths of a second."""
    user = system = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            # Behind the name, which may hold spaces and brackets, utime and stime are the 12th and 13th fields (proc(5)).
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            user, system = user + int(fields[11]), system + int(fields[12])
    return CpuTime(user / _TICK, system / _TICK)


def pss_bytes(pid: int) -> int:
    """Memory of a whole tree; pages that are shared count in proportion."""
    return _rolled_up(pid, "Pss")


def own_bytes(pid: int) -> int:
    """Memory that a whole tree wrote itself. The share of files' pages is left out: it moves with what else runs on the machine."""
    return _rolled_up(pid, "Anonymous")


def _rolled_up(pid: int, line: str) -> int:
    kib = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            if found := re.search(rf"^{line}:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE):
                kib += int(found[1])
    return kib * 1024


def descriptors(pid: int) -> int:
    """Open files and sockets of a whole tree."""
    count = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            count += len(os.listdir(f"/proc/{process}/fd"))
    return count


def busy_s(cores: frozenset[str]) -> float:
    """Seconds that these cores worked since the machine started, whoever they worked for."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()[:9]
        if name in cores:
            ticks += sum(map(int, fields)) - int(fields[3]) - int(fields[4])  # without idle and iowait
    return ticks / _TICK


class Watch:
    """What a tree spends in a `with` block, and how much of the cores others took.

    Args:
        pid: What is measured.
        ours: Processes that belong to the measurement: the upstream. This process and what it waited for count as well.
        cores: The cores in use.
    """

    def __init__(self, pid: int, *, ours: tuple[int, ...], cores: frozenset[str]) -> None:
        self._pid, self._ours, self._cores = pid, ours, cores

    def __enter__(self) -> Watch:
        self._start = self._look()
        return self

    def __exit__(self, *_: object) -> None:
        end = self._look()
        self.spent = end[0] - self._start[0]
        self.wall_s = end[2] - self._start[2]
        #: The share of one core that went to neither the target nor the measurement.
        self.other = max(0.0, (end[1] - self._start[1]) / self.wall_s)

    def _look(self) -> tuple[CpuTime, float, float]:
        mine = cpu_time(self._pid)
        known = mine.all_s + sum(cpu_time(pid).all_s for pid in self._ours) + sum(os.times()[:4])
        return mine, busy_s(self._cores) - known, time.monotonic()
