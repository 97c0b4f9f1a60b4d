"""Hours of mixed use in front of an upstream that breaks down at random; at the end nothing may have been kept.

    python -m tests.bench.soak --hours 1          (or --minutes 3)

A gateway is warmed up, left alone until all its time-outs have passed, and looked at. Then it is used for as long as was asked, left alone
again, and looked at again: descriptors and memory must be within 5 % of what they were. It takes less than a sixth of a core. A sample every
ten seconds goes into a CSV file. The exit status is 1 if something was kept, or the gateway's log shows a fault of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cpu import cpu_time, descriptors, own_bytes, tree
from tests.bench.crowd import World, crowd
from tests.bench.machine import allow_descriptors
from tests.bench.peers.gateway import configuration
from tests.bench.rounds import say
from tests.e2e.app_process import running
from tests.gateway_process import GatewayProcess
from tests.servers import free_port

SAMPLE_S = 10.0
WITHIN = 0.05
FAULTS = 0.2  # of the requests
HERE = Path(__file__).parent
#: Short time-outs: within the soak each of them passes often, and the quiet after it needs not be long.
LIMITS: dict[str, str | int] = {
    "keep_alive": "5s", "request_head_timeout": "3s", "request_body_idle": "3s", "client_write_idle": "5s", "upstream_response_head": "2s",
    "upstream_body_idle": "2s", "upstream_idle": "3s", "websocket_idle": "5s", "failed_sign_ins_per_address": 1_000_000, "drain": "10s",
}  # fmt: skip
#: Sessions live as briefly: what is remembered of them, and of sign-outs, comes and goes many times over.
SESSION = 'max_age = "60s"\nabsolute_max_age = "90s"\nupdate_age = "20s"'
QUIET_S = 12.0
WARM_S = 600.0  # as long as caches that hold a few thousand things at the most take to fill
ROUTES = "\n".join(
    f'[[routes]]\npath = "{path}"\naccess = "signed-in"\nupstream = "{upstream}"\nmax_body = 0\n{more}'
    for path, upstream, more in (
        ("/app/socket", "echo", ""),
        ("/app/events", "app", "streaming = true\n"),
        ("/down/**", "down", ""),
        ("/**", "app", ""),
    )
)


@dataclass(frozen=True, slots=True)
class State:
    """What a gateway holds."""

    processes: int
    descriptors: int
    own_mb: float
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> State:
        """Now."""
        return cls(len(tree(pid)), descriptors(pid), own_bytes(pid) / 1e6, cpu_time(pid).all_s)


def kept(before: State, after: State) -> list[str]:
    """What grew by more than a twentieth; of descriptors one more is none."""
    found = []
    if after.processes != before.processes:
        found.append(f"processes: {before.processes} before, {after.processes} after")
    if after.descriptors > before.descriptors * (1 + WITHIN) and after.descriptors > before.descriptors + 1:
        found.append(f"descriptors: {before.descriptors} before, {after.descriptors} after")
    if after.own_mb > before.own_mb * (1 + WITHIN):
        found.append(f"memory: {before.own_mb:.1f} MB before, {after.own_mb:.1f} MB after")
    return found


@contextlib.contextmanager
def _gateway(folder: Path, seed: int, workers: int) -> Iterator[GatewayProcess]:
    """A gateway, the upstream that breaks down, one that echoes, and a port where nobody listens."""
    app, echo, port = free_port(), free_port(), free_port()
    upstreams = {"app": app, "echo": echo, "down": free_port()}
    config = configuration(port, upstreams, routes=ROUTES, limits=LIMITS, session=SESSION)
    several = config.replace("[server]", f"[server]\nworkers = {workers}", 1)
    if workers > 1 and _accepted(folder, several):
        config = several
    else:
        say("one process: this gateway does not take `server.workers`, or one was asked for")
    faulty = [sys.executable, str(HERE / "faulty_app.py"), str(app), str(seed), str(FAULTS)]
    with (
        running(faulty, port=app, log=folder / "faulty.log", ready="/app/big"),
        running([sys.executable, str(HERE / "echo_app.py"), str(echo)], port=echo, log=folder / "echo.log"),
    ):
        gateway = GatewayProcess(folder / "gateway", config)
        try:
            yield gateway
        finally:
            gateway.stop()


def _accepted(folder: Path, config: str) -> bool:
    (folder / "gateway").mkdir(exist_ok=True)
    (folder / "gateway" / "users.toml").touch()
    (folder / "gateway" / "try.toml").write_text(config)
    command = [sys.executable, "-m", "gateway", "check", "-c", str(folder / "gateway" / "try.toml")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return "server.workers" not in ran.stdout + ran.stderr


async def _used(world: World, seconds: float, sample: list[State], pid: int, file: Path) -> None:
    """Let everybody in for so long, then wait until the last time-out has passed."""
    people = asyncio.create_task(crowd(world))
    end = time.monotonic() + seconds
    with file.open("a", newline="") as output:
        rows = csv.writer(output)
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(SAMPLE_S, left))
            assert not people.done(), people
            state = State.of(pid)
            sample.append(state)
            rows.writerow((f"{time.time():.0f}", state.processes, state.descriptors, f"{state.own_mb:.1f}", f"{state.cpu_s:.2f}"))
            output.flush()
    world.over.set()
    await people
    await asyncio.sleep(QUIET_S)


async def soak(gateway: GatewayProcess, seconds: float, file: Path) -> tuple[State, State, list[State], World]:
    """Warm up, look, use, look again."""
    pid, samples = gateway.process.pid, list[State]()
    warm_s = max(20.0, min(WARM_S, seconds / 3))
    say(f"warming up for {warm_s:.0f} s")
    await _used(World(gateway.address[1]), warm_s, [], pid, file)
    before = State.of(pid)
    say(f"using it for {seconds:.0f} s; samples go to {file}")
    world = World(gateway.address[1])
    await _used(world, seconds, samples, pid, file)
    return before, State.of(pid), samples, world


def _report(before: State, after: State, samples: list[State], world: World, seconds: float) -> None:
    print("| | before | highest | after |\n| --- | ---: | ---: | ---: |")
    for name, of in (("processes", "processes"), ("descriptors", "descriptors"), ("own memory, MB", "own_mb")):
        first, last, highest = getattr(before, of), getattr(after, of), max(getattr(state, of) for state in samples)
        print(f"| {name} | {first:.0f} | {highest:.0f} | {last:.0f} |")
    print(f"\nThe gateway took {(after.cpu_s - before.cpu_s) / seconds * 100:.1f} % of a core. What became of what people did:\n")
    print("| who | what | times |\n| --- | --- | ---: |")
    for (who, what), times in sorted(world.counted.items()):
        print(f"| {who} | {what} | {times} |")


def main() -> None:
    """Soak, print, and say by the exit status whether something was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--csv", type=Path, default=Path("soak.csv"))
    asked = parser.parse_args()
    seconds = asked.hours * 3600 + asked.minutes * 60
    if seconds <= 0:
        parser.error("say how long: --hours 1, or --minutes 3")
    allow_descriptors()
    say(f"seed {asked.seed}")
    asked.csv.write_text("time,processes,descriptors,own_mb,cpu_s\n")
    with tempfile.TemporaryDirectory(prefix="soak-") as name, _gateway(Path(name), asked.seed, asked.workers) as gateway:
        before, after, samples, world = asyncio.run(soak(gateway, seconds, asked.csv))
    _report(before, after, samples, world, seconds)
    found = kept(before, after)
    print("\n" + ("\n".join(["Kept:", *found]) if found else "Nothing was kept."))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
