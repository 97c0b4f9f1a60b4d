"""The machine: which core does what, how many descriptors there may be, and one line about it for a report.

What is measured runs on the first core, what makes the load and answers it on the second. `PROXY_CPU` and `LOAD_CPU` choose others (`0`,
`2,3`); an empty value, or a machine of one core, means no pinning.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """Core numbers as `taskset -c` takes them; empty means any."""

    proxy: str
    load: str

    @classmethod
    def of(cls, environment: dict[str, str] | os._Environ[str] = os.environ) -> Cores:
        """What the environment says, or the first two cores, or no pinning where there is one core or no taskset."""
        there = sorted(os.sched_getaffinity(0))
        if len(there) < 2 or shutil.which("taskset") is None:
            return cls("", "")
        return cls(environment.get("PROXY_CPU", str(there[0])), environment.get("LOAD_CPU", str(there[1])))

    def for_proxy(self, *command: str) -> list[str]:
        """The command, on the core of what is measured."""
        return _pinned(self.proxy, command)

    def for_load(self, *command: str) -> list[str]:
        """The command, on the core of everything else."""
        return _pinned(self.load, command)

    def take_load(self) -> None:
        """Move this very process to the core of the load."""
        if self.load:
            os.sched_setaffinity(0, {int(core) for core in self.load.split(",")})

    @property
    def watched(self) -> frozenset[str]:
        """The cores in use, as /proc/stat calls them; all of them if there is no pinning."""
        numbers = [*self.proxy.split(","), *self.load.split(",")] if self.proxy and self.load else map(str, os.sched_getaffinity(0))
        return frozenset(f"cpu{number}" for number in numbers)


def _pinned(cores: str, command: tuple[str, ...]) -> list[str]:
    return ["taskset", "-c", cores, *command] if cores else list(command)


def allow_descriptors(wanted: int = 65536) -> int:
    """Raise the limit of open files as far as it goes, for us and for what we start; how many there may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def described(cores: Cores) -> str:
    """What figures depend on: processor, kernel, versions, and who had which core."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    name = next((line.partition("=")[2].strip('"') for line in _lines("/etc/os-release") if line.startswith("PRETTY_NAME")), "")
    pinned = f"the proxy on core {cores.proxy}, load and upstream on core {cores.load}" if cores.proxy else "nothing pinned"
    packages = ", ".join(f"{package} {version(package)}" for package in ("aiohttp", "uvloop", "cryptography"))
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release().partition('-')[0]}, {name}, "
        f"Python {'.'.join(map(str, sys.version_info[:3]))}, {packages}; {pinned}"
    )


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except OSError:
        return []
