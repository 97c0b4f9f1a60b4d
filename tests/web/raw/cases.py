"""Reads the corpora of `tests/corpus/`; what the keys mean stands in the README there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire import unescape

CORPUS = Path(__file__).parents[2] / "corpus"
_CLOSING = {"400", "408", "413", "414", "417", "431", "501", "505"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One input and what must come of it."""

    id: str
    source: str
    bytes: str
    file: str = ""
    answers: list[str] = field(default_factory=lambda: ["400"])
    forwarded: list[str] | None = None
    forwarded_any: bool = False
    begun: bool = False
    closes: bool | None = None
    reason: str | None = None
    informational: list[int] | None = None
    has: list[str] = field(default_factory=list)
    has_prefix: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    lacks_text: list[str] = field(default_factory=list)
    lacks_trailer: list[str] = field(default_factory=list)
    body: str | None = None
    body_hex: str | None = None
    reply: str | None = None
    reply_closes: bool = False
    answer_has: list[str] = field(default_factory=list)
    answer_has_prefix: list[str] = field(default_factory=list)
    answer_lacks: list[str] = field(default_factory=list)
    answer_lacks_text: list[str] = field(default_factory=list)
    answer_body: str | None = None
    answer_body_has: list[str] = field(default_factory=list)
    answer_body_lacks: list[str] = field(default_factory=list)

    def sent(self, **places: str) -> bytes:
        """The bytes, with `<ADA>` and the other places filled in."""
        return _filled(self.bytes, places)

    def replied(self, **places: str) -> bytes | None:
        """What the upstream answers, or None for its usual answer."""
        return None if self.reply is None else _filled(self.reply, places)

    @property
    def closing(self) -> bool:
        """True if the connection has to end behind the last answer."""
        return self.closes if self.closes is not None else self.answers[-1] in _CLOSING

    @property
    def expected_upstream(self) -> list[str] | None:
        """What the upstream must have seen complete; None where anything clean will do."""
        if self.forwarded_any:
            return None
        if self.forwarded is not None:
            return [unescape(line).decode("latin-1") for line in self.forwarded]
        if all(answer.startswith("2") for answer in self.answers):
            # What looks like a request line inside a body does not count: there are no more of them than answers.
            first_lines = [line for line in self.bytes.replace("\n", "").split("\\r\\n") if " HTTP/1." in line]
            return [unescape(line.rpartition(" ")[0]).decode("latin-1") for line in first_lines[: len(self.answers)]]
        return []


def _filled(text: str, places: dict[str, str]) -> bytes:
    for name, value in places.items():
        text = text.replace(f"<{name}>", value)
    return unescape(text)


def toml_cases() -> list[Case]:
    """Every case of every `.toml` corpus."""
    return [
        Case(file=file.stem, **entry)
        for file in sorted(CORPUS.glob("*.toml"))
        if not file.stem.startswith("upstream_faults")
        for entry in tomllib.loads(file.read_text())["case"]
    ]


def lines_of(name: str) -> list[str]:
    """The inputs of a `.txt` corpus."""
    lines = (CORPUS / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("# ")]
