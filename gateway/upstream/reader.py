"""From header lines back to the user: the other end of `gateway.core.identity_headers`, and as strict as that is exact."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from gateway.core.headers import ValueRefused, decode_value, fold
from gateway.core.identity import User
from gateway.core.identity_headers import PRESETS, HeaderTemplate
from gateway.upstream.peers import Peers
from gateway.upstream.request_view import RequestView, view_of
from gateway.upstream.session import IdentityRefused, Session

_LISTS = frozenset({"roles", "groups"})
_TEXTS = frozenset({"id", "name", "email", "image"})
#: What `gateway init` writes. A gateway without these drops a client's lines of these names all the same.
_USUAL = MappingProxyType({"X-User-Id": "{user.id}", "X-User-Roles": "{user.roles}"})


class AssertionVerifier(Protocol):
    """Checks a signed assertion of the gateway. Where one is given, the plain headers are not looked at."""

    @property
    def header(self) -> str:
        """The name of the header that carries it."""

    def verify(self, assertion: str) -> Session:
        """Who it is about.

        Raises:
            IdentityRefused: The assertion is not good, and why.
        """


@dataclass(frozen=True, slots=True)
class _Source:
    """One header, and what it tells."""

    header: str
    key: str
    separator: str | None  # None: one text
    of_user: bool

    def read(self, text: str) -> object:
        if self.separator is None:
            return decode_value(text)
        return tuple(decode_value(item) for item in text.split(self.separator) if item)


class IdentityReader:
    """Reads who is signed in. Made once, when the app starts; asked for each request.

    Args:
        presets: As `headers.presets` in gateway.toml.
        set: As `[headers.set]` there: header → template. Only templates of one placeholder, such as `{user.department}`, can be read back;
            a list that is neither roles nor groups needs its separator written: `{user.tags:|}`.
        trusted: Addresses, CIDR ranges or `unix`: the only peers that are believed. Empty: not asked.
        assertion: Reads a signed assertion in the place of all this.

    Raises:
        ValueError: A preset is unknown, a template can't be read back, or an entry of `trusted` is no address.
    """

    def __init__(
        self,
        presets: Iterable[str] = ("x-forwarded",),
        set: Mapping[str, str] = _USUAL,  # the key of gateway.toml
        *,
        trusted: Iterable[str] = (),
        assertion: AssertionVerifier | None = None,
    ) -> None:
        templates: dict[str, tuple[str, str]] = {}
        for mapping in (*(_preset(name) for name in presets), set):
            templates |= {name.lower(): (name, template) for name, template in mapping.items()}
        self._sources = {lower: _source(*entry) for lower, entry in templates.items()}
        self._folded = frozenset(fold(lower) for lower in self._sources)
        self._peers = Peers.of(trusted)
        self._assertion = assertion
        if assertion is None and not any(source.key == "id" and source.of_user for source in self._sources.values()):
            raise ValueError("none of these headers tells the user's id: add one with {user.id}")

    @classmethod
    def of_file(cls, file: str | Path, *, trusted: Iterable[str] = ()) -> IdentityReader:
        """Read the headers that a gateway.toml sets, so that both sides have one list. Templates that can't be read back are passed over.

        Raises:
            OSError: The file can't be read.
            ValueError: It is no TOML, the gateway would refuse it, or as for the class.
        """
        table = tomllib.loads(Path(file).read_text("utf-8")).get("headers", {})
        presets, custom = (table.get("presets", ["x-forwarded"]), table.get("set", {})) if isinstance(table, dict) else (None, None)
        if not isinstance(presets, list) or not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
            raise ValueError(f"{file}: [headers] can't be read; `gateway check` says what is wrong with it")
        readable = {header: template for header, template in custom.items() if HeaderTemplate.parse(header, template).only is not None}
        return cls(presets, readable, trusted=trusted)

    def read(self, request: object) -> Session | None:
        """Who sends a request; None if it names nobody.

        Args:
            request: An ASGI scope, a WSGI environ, or a request of a framework that is made of one; or of aiohttp.

        Raises:
            IdentityRefused: It names somebody, and not as the gateway does. Take it for nobody's.
            TypeError: It is no request.
        """
        return self.read_view(view_of(request))

    def read_view(self, view: RequestView) -> Session | None:
        """As `read`, of what was made of a request.

        Raises:
            IdentityRefused: As `read`.
        """
        if self._assertion is not None:
            return self._read_assertion(view, self._assertion)
        found = self._lines(view)
        if not found:
            return None
        self._ask_peer(view)
        told: dict[tuple[bool, str], tuple[str, object]] = {}
        for lower, text in found.items():
            source = self._sources[lower]
            try:
                value = source.read(text)
            except ValueRefused as error:
                raise IdentityRefused(f"{source.header}: {error}") from None
            before = told.setdefault((source.of_user, source.key), (source.header, value))
            if before[1] != value:
                raise IdentityRefused(f"{before[0]} and {source.header} contradict each other")
        return _session({key: value for key, (_, value) in told.items()})

    def _lines(self, view: RequestView) -> dict[str, str]:
        """The value of each of our headers that is there."""
        found: dict[str, str] = {}
        for name, value in view.fields:
            if name not in self._sources:
                if fold(name) in self._folded:
                    raise IdentityRefused(f"a header is spelt like one of the gateway's and is none: {name!r}")
                continue
            if name in found:
                raise IdentityRefused(f"{self._sources[name].header} came twice; the gateway sends it once")
            found[name] = value.strip(" \t")
        return {name: value for name, value in found.items() if value}

    def _ask_peer(self, view: RequestView) -> None:
        if not self._peers.cover(view.peer):
            raise IdentityRefused("it comes from a peer that is not in `trusted`; only the gateway may say who somebody is")

    def _read_assertion(self, view: RequestView, verifier: AssertionVerifier) -> Session | None:
        values = [value for name, value in view.fields if name == verifier.header.lower()]
        if not values:
            return None
        if len(values) > 1:
            raise IdentityRefused(f"{verifier.header} came twice; the gateway sends it once")
        self._ask_peer(view)
        return verifier.verify(values[0])


def _preset(name: str) -> Mapping[str, str]:
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def _source(header: str, template: str) -> _Source:
    only = HeaderTemplate.parse(header, template).only
    if only is None:
        raise ValueError(f"{header}: {template!r} can't be read back: only one placeholder and nothing beside it can")
    of_user = only.source == "user"
    is_list = of_user and only.key not in _TEXTS and (only.key in _LISTS or template.endswith(f":{only.separator}}}"))
    return _Source(header, only.key, only.separator if is_list else None, of_user)


def _session(told: Mapping[tuple[bool, str], object]) -> Session:
    user = {key: value for (of_user, key), value in told.items() if of_user}
    if not user.get("id"):
        raise IdentityRefused("there are headers about a user and none with the user's id: does gateway.toml have the same [headers]?")
    known = {key: user.pop(key) for key in (*_TEXTS, *_LISTS) if key in user}
    provider = told.get((False, "provider"), "")
    # Each key was read as its template says, so the types are those of `User`.
    return Session(user=User(**known, claims=MappingProxyType(user)), provider=str(provider))  # type: ignore[arg-type]
