"""Origins beside our own that are trusted: exact ones, `*.` for one label more, `:*` for any port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.host import read_host


@dataclass(frozen=True, slots=True)
class OriginPattern:
    """`https://app.example.com`, `https://*.example.com`, `http://localhost:*`; from the settings, in canonical spelling."""

    text: str

    @property
    def exact(self) -> bool:
        """True if it names one origin."""
        return "*" not in self.text

    def matches(self, origin: str) -> bool:
        """True if a canonical origin is meant. The scheme and all labels but the first always compare exactly."""
        scheme, _, host = self.text.partition("://")
        asked_scheme, _, asked = origin.partition("://")
        if scheme != asked_scheme:
            return False
        if host.endswith(":*"):
            host = host.removesuffix(":*")
            name, colon, port = asked.rpartition(":")
            asked = name if colon and port.isdigit() else asked
        if not host.startswith("*."):
            return asked == host
        label, dot, rest = asked.partition(".")
        return bool(label and dot) and rest == host.removeprefix("*.")


class Origins:
    """All of them: asked as a set is (`origin in origins`), listed as they are written."""

    def __init__(self, texts: tuple[str, ...] = ()) -> None:
        patterns = tuple(OriginPattern(text) for text in dict.fromkeys(texts))
        self._texts = tuple(pattern.text for pattern in patterns)
        self._exact = frozenset(pattern.text for pattern in patterns if pattern.exact)
        self._patterns = tuple(pattern for pattern in patterns if not pattern.exact)

    def __contains__(self, origin: object) -> bool:
        """True for an origin in its canonical spelling that one of them means; `null` and other spellings are none."""
        if not isinstance(origin, str):
            return False
        if origin in self._exact:
            return True
        return bool(self._patterns) and _canonical(origin) and any(pattern.matches(origin) for pattern in self._patterns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins) and self._texts == other._texts

    def __hash__(self) -> int:
        return hash(self._texts)


def _canonical(origin: str) -> bool:
    scheme, mark, host = origin.partition("://")
    return bool(mark) and scheme in ("http", "https") and read_host(host, scheme=scheme) == host
