"""Numbers with names and labels, how they add up over processes, and the text that Prometheus reads.

The text format (0.0.4) is three kinds of lines; a client library would bring its own registry, locks and files for several processes,
while here each process only has to say its numbers, and somebody adds them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Every metric: its type, and what it means. Labels take few values: reasons, upstreams of the configuration, states.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "gateway_requests_total": ("counter", "Answers, by lane, class of status, and reason; an upstream's own answers have none."),
    "gateway_decisions_total": ("counter", "Decisions of the rules in the general lane; the express lane repeats remembered ones."),
    "gateway_refusals_total": ("counter", "Requests and connections that were refused before any rule was read."),
    "gateway_sign_ins_total": ("counter", "Sign-ins, by what became of them."),
    "gateway_client_connections": ("gauge", "Open client connections."),
    "gateway_upstream_connections": ("gauge", "Connections to upstreams, by state."),
    "gateway_upstream_waiting": ("gauge", "Requests that wait for a connection to an upstream."),
    "gateway_reloads_total": ("counter", "Reloads, by result."),
    "gateway_reload_last_timestamp_seconds": ("gauge", "When the last reload was tried; 0 before the first."),
    "gateway_configuration_valid": ("gauge", "0 while the configuration files say something that was refused."),
    "gateway_ready": ("gauge", "1 while requests are taken; 0 before that, and while draining."),
    "gateway_workers": ("gauge", "Processes that take requests."),
    "gateway_worker_restarts_total": ("counter", "Worker processes that ended by themselves and were replaced."),
    "gateway_log_lines_dropped_total": ("counter", "Log lines that nobody took in time."),
    "gateway_build_info": ("gauge", "Always 1; the version is a label."),
    "process_cpu_seconds_total": ("counter", "CPU time, by process."),
    "process_resident_memory_bytes": ("gauge", "Memory, by process."),
    "process_open_fds": ("gauge", "Open descriptors, by process."),
    "process_max_fds": ("gauge", "Most descriptors that may be open, by process."),
    "process_start_time_seconds": ("gauge", "When a process started; Unix time."),
}
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One number."""

    name: str
    labels: Labels
    value: float

    def to_json(self) -> list[object]:
        """For the way between processes."""
        return [self.name, [list(pair) for pair in self.labels], self.value]

    @classmethod
    def of(cls, name: str, value: float, **labels: str) -> Sample:
        """A sample with labels in their order."""
        return cls(name, tuple(labels.items()), value)

    @classmethod
    def from_json(cls, text: list[object]) -> Sample:
        """What `to_json` gave."""
        name, labels, value = text
        assert isinstance(name, str) and isinstance(labels, list) and isinstance(value, (int, float))
        return cls(name, tuple((str(key), str(text)) for key, text in labels), value)

    @property
    def lasts(self) -> bool:
        """True for what must not go down when the process that counted it ends."""
        return FAMILIES[self.name][0] == "counter" and not self.name.startswith("process_")


def added_up(samples: Iterable[Sample]) -> list[Sample]:
    """One sample for each name with the same labels."""
    sums: dict[tuple[str, Labels], float] = {}
    for sample in samples:
        key = sample.name, sample.labels
        sums[key] = sums.get(key, 0) + sample.value
    return [Sample(name, labels, value) for (name, labels), value in sums.items()]


def exposition(samples: Iterable[Sample]) -> str:
    """The text that Prometheus reads."""
    by_name: dict[str, list[Sample]] = {}
    for sample in added_up(samples):
        by_name.setdefault(sample.name, []).append(sample)
    lines: list[str] = []
    for name, (kind, meaning) in FAMILIES.items():
        if name in by_name:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            lines += sorted(f"{name}{_labels(sample.labels)} {_number(sample.value)}" for sample in by_name[name])
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
