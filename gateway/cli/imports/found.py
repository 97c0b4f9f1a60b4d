"""What a foreign configuration came to: our tables, users, and a remark for each setting that has no equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Table = dict[str, object]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands there: its name in that gateway's words, its value, and the line."""

    name: str
    value: object
    line: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """What can't be taken over as it is, and the cure. `closes`: until that is done, less is open than before."""

    line: int
    name: str
    what: str
    cure: str
    closes: bool = False


@dataclass(slots=True)
class Found:
    """What is built up while settings are read.

    Attributes:
        tables: The sections of our file but routes and upstreams: `{"server": {"listen": ...}}`.
        users: By name, as in a users file.
        modules: Further files by name: Python of callbacks.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    upstreams: list[Table] = field(default_factory=list)
    routes: list[Table] = field(default_factory=list)
    users: dict[str, Table] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def set(self, section: str, key: str, value: object) -> None:
        """Write one key of a section."""
        self.tables.setdefault(section, {})[key] = value

    def get(self, section: str, key: str) -> object:
        """What was written there; None if nothing."""
        return self.tables.get(section, {}).get(key)

    def say(self, setting: Setting, what: str, cure: str, *, closes: bool = False) -> None:
        """Remark on a setting. Its value is not repeated: it may be a secret."""
        self.remarks.append(Remark(setting.line, setting.name, what, cure, closes))


#: Prefixes of names → what is wrong with all of them, and the cure.
Silent = Mapping[str, tuple[str, str]]


def texts(value: object) -> list[str]:
    """A list of texts of whatever stands there: a list, one text, or one with commas."""
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [part.strip() for part in str(value).split(",") if part.strip()]


def truth(value: object) -> bool:
    """True for what Go and YAML take for it."""
    return value is True or str(value).strip().lower() in ("true", "1", "t", "yes", "on")


def without_equal(found: Found, setting: Setting, known: Silent) -> None:
    """Remark on a setting that is not taken over, by the longest prefix that is known."""
    prefixes: Iterable[str] = sorted((prefix for prefix in known if setting.name.startswith(prefix)), key=len, reverse=True)
    what, cure = next(
        (known[prefix] for prefix in prefixes), ("the importer does not know it", "look it up there, and in docs/configuration.md here")
    )
    if what:
        found.say(setting, what, cure)
