"""Identity headers: from the signed-in user to header lines, by preset names and by templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from gateway.core.decision import Header
from gateway.core.headers import ValueRefused, encode_value
from gateway.core.identity import Session

MAX_VALUE = 8190  # bytes of one header value: what a common server takes for a whole field

#: Header name → template, as the apps that read them document it.
PRESETS: Mapping[str, Mapping[str, str]] = {
    "x-forwarded": {
        "X-Forwarded-User": "{user.id}",
        "X-Forwarded-Preferred-Username": "{user.name}",
        "X-Forwarded-Email": "{user.email}",
        "X-Forwarded-Groups": "{user.groups}",
    },
    "x-auth-request": {
        "X-Auth-Request-User": "{user.id}",
        "X-Auth-Request-Preferred-Username": "{user.name}",
        "X-Auth-Request-Email": "{user.email}",
        "X-Auth-Request-Groups": "{user.groups}",
    },
    "remote": {
        "Remote-User": "{user.id}",
        "Remote-Name": "{user.name}",
        "Remote-Email": "{user.email}",
        "Remote-Groups": "{user.groups}",
    },
    "authentik": {
        "X-authentik-username": "{user.id}",
        "X-authentik-name": "{user.name}",
        "X-authentik-email": "{user.email}",
        "X-authentik-groups": "{user.groups:|}",
        "X-authentik-uid": "{user.id}",
    },
    # The claims that every token has, by their own names.
    "token": {
        "X-Token-Sub": "{user.id}",
        "X-Token-Name": "{user.name}",
        "X-Token-Email": "{user.email}",
        "X-Token-Picture": "{user.image}",
        "X-Token-Roles": "{user.roles}",
        "X-Token-Groups": "{user.groups}",
    },
}

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")  # RFC 9110 5.6.2: token
_PLACEHOLDER = re.compile(r"\{([a-z_][A-Za-z0-9_.-]*)(?::([^{}]))?\}")
#: Printable ASCII of which no encoded item is made: a letter, a digit or % would be found inside of %2C, too.
_SEPARATOR = re.compile(r"[ -~](?<![0-9A-Za-z%])")
_LITERAL = re.compile(r"[\x20-\x7e]*\Z")
#: What `encode_value` leaves as it is, and no longer than a value may be.
_PLAIN = re.compile(rf"(?! )[ -$&-~]{{1,{MAX_VALUE}}}(?<! )")
_USER = frozenset({"id", "name", "email", "image", "roles", "groups"})
_SHARED = frozenset({"roles", "groups"})  # texts that many people have in common


class TemplateError(ValueError):
    """A `[headers.set]` entry can't work; the message says why, in words for the operator."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Where a value comes from, and what joins it if it is a list."""

    source: str  # "user" or "session"
    key: str
    separator: str
    pick: Callable[[Session], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pick", _picker(self.source, self.key))

    def read(self, session: Session) -> str:
        """The value of a session, made safe for a header."""
        value = self.pick(session)
        if value is None:
            return ""
        if self.key in _SHARED and type(value) is tuple:
            return _joined(value, self.separator)
        if type(value) is not str and isinstance(value, (list, tuple)):
            return _join(value, self.separator)
        return encode_value(value)


def _join(items: Iterable[object], separator: str) -> str:
    return separator.join([encode_value(item, separator=separator) for item in items])


_joined = functools.lru_cache(maxsize=1024)(_join)


def _picker(source: str, key: str) -> Callable[[Session], object]:
    """What finds a value in a session, looked up once."""
    if source == "session":
        return attrgetter("provider")
    if key in _USER:
        return attrgetter(f"user.{key}")

    def claim(session: Session) -> object:
        return session.user.claims.get(key)

    return claim


@dataclass(frozen=True, slots=True)
class HeaderTemplate:
    """One identity header. `{user.id}`, `{user.name}`, ... any claim as `{user.<claim>}`, and `{session.provider}`.

    A list is joined by commas, or by the one character after a colon: `{user.groups:|}`.
    """

    name: str
    parts: tuple[str | Placeholder, ...]

    @classmethod
    def parse(cls, name: str, template: str) -> HeaderTemplate:
        """Compile a header.

        Raises:
            TemplateError: The name is no token, a brace has no partner, a placeholder is unknown, or a separator can't be told from items.
        """
        if not _FIELD_NAME.match(name):
            raise TemplateError(f"{name!r} is no header name")
        parts: list[str | Placeholder] = []
        end = 0
        for match in _PLACEHOLDER.finditer(template):
            parts += [template[end : match.start()], _placeholder(match[1], match[2] or ",")]
            end = match.end()
        parts.append(template[end:])
        for part in parts:
            if isinstance(part, str) and (set(part) & set("{}") or not _LITERAL.match(part)):
                raise TemplateError(f"{part!r} is neither plain text nor a placeholder such as {{user.id}}")
        return cls(name, tuple(part for part in parts if part != ""))

    @property
    def only(self) -> Placeholder | None:
        """The placeholder of a header that says one thing and nothing else; None if a reader could not tell what is what."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder) else None

    def render(self, session: Session) -> str:
        """The value for this session; empty if the user has nothing to say there.

        Raises:
            ValueRefused: A claim can't be made a header value, or the value is longer than `MAX_VALUE`.
        """
        if len(self.parts) == 1 and type(first := self.parts[0]) is Placeholder:
            return self._bounded(first.read(session))
        texts = [part if isinstance(part, str) else part.read(session) for part in self.parts]
        if not any(text for text, part in zip(texts, self.parts, strict=True) if not isinstance(part, str)) and any(
            not isinstance(part, str) for part in self.parts
        ):
            return ""
        return self._bounded("".join(texts))

    def _bounded(self, text: str) -> str:
        value = text.strip(" ")  # of a text that stands beside a value
        if len(value) > MAX_VALUE:
            raise ValueRefused(f"the value for {self.name} is longer than {MAX_VALUE} bytes")
        return value


def _placeholder(path: str, separator: str) -> Placeholder:
    source, dot, key = path.partition(".")
    if not _SEPARATOR.fullmatch(separator):
        raise TemplateError(f"{separator!r} can't join a list; take a mark such as , ; or |")
    if source == "user" and dot and key:
        return Placeholder(source, key.removeprefix("claims."), separator)
    if path == "session.provider":
        return Placeholder("session", "provider", separator)
    raise TemplateError(f"{{{path}}} is unknown: there are {{user.<attribute or claim>}} and {{session.provider}}")


@dataclass(frozen=True, slots=True)
class IdentityHeaders:
    """All identity headers of a gateway."""

    templates: tuple[HeaderTemplate, ...]
    _plan: tuple[tuple[str, Callable[[Session], object] | None, Callable[[Session], str]], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        plan = ((template.name, template.only.pick if template.only else None, template.render) for template in self.templates)
        object.__setattr__(self, "_plan", tuple(plan))

    @classmethod
    def of(cls, presets: Iterable[str], custom: Mapping[str, str]) -> IdentityHeaders:
        """Put presets and `[headers.set]` together; a custom header replaces a preset's of the same name.

        Raises:
            TemplateError: A custom entry is wrong.
            KeyError: A preset is unknown.
        """
        chosen: dict[str, tuple[str, str]] = {}
        for mapping in (*(PRESETS[preset] for preset in presets), custom):
            chosen |= {name.lower(): (name, template) for name, template in mapping.items()}
        return cls(tuple(HeaderTemplate.parse(*entry) for entry in chosen.values()))

    @property
    def names(self) -> Sequence[str]:
        """The header names that belong to the gateway: no client's may pass."""
        return [template.name for template in self.templates]

    def render(self, session: Session) -> tuple[Header, ...]:
        """The header lines for a session; a header with nothing to say is left out.

        Raises:
            ValueRefused: As `HeaderTemplate.render`.
        """
        lines: list[Header] = []
        for name, pick, render in self._plan:
            if pick is not None:
                value = pick(session)
                if value is None:
                    continue
                if type(value) is str and _PLAIN.fullmatch(value):  # as most are: it is what it is
                    lines.append((name, value))
                    continue
            if text := render(session):
                lines.append((name, text))
        return tuple(lines)
