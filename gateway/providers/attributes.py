"""From what a provider knows of somebody (a mapping of anything) to a `User`, or a list of what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.identity import User

#: Claims that the gateway itself writes into a token (RFC 7519 4.1 and Auth.js): no provider may set them.
RESERVED = frozenset({"sub", "picture", "iss", "aud", "exp", "nbf", "iat", "jti", "sid", "auth_time", "provider"})

#: Bits of an id that is a number: a UUID fits, and what would take seconds to write out does not.
_ID_BITS = 128
#: Of lists and tables within a claim: far more than anybody needs, and far less than what copies of a token could fall over.
_MOST_DEPTH = 64

_OWN = ("name", "email", "image")
_LISTS = ("roles", "groups")


class AttributesRefused(ValueError):
    """The attributes make no user; `problems` maps each wrong key to what is wrong with it. No value is ever quoted."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{key}: {what}" for key, what in problems.items()))


def user_of(attributes: Mapping[Any, object], *, default_id: str | None = None) -> User:
    """Make a user of `id`, `name`, `email`, `image`, `roles`, `groups`; every further key becomes a claim.

    Args:
        attributes: As a file, a row or a function gave them; None stands for "not there".
        default_id: Taken where there is no `id`.

    Raises:
        AttributesRefused: A key has the wrong type, a claim is reserved or no JSON, or there is no id.
    """
    problems: dict[str, str] = {}
    identifier = _identifier(attributes.get("id"), default_id, problems)
    own = {key: _text(key, attributes.get(key), problems) for key in _OWN}
    lists = {key: _texts(key, attributes.get(key), problems) for key in _LISTS}
    claims = _claims({key: value for key, value in attributes.items() if key not in ("id", *_OWN, *_LISTS)}, problems)
    if problems:
        raise AttributesRefused(problems)
    return User(id=identifier, **own, **lists, claims=MappingProxyType(claims))  # type: ignore[arg-type]  # types were checked one by one


def _identifier(value: object, default: str | None, problems: dict[str, str]) -> str:
    if value is None:
        value = default
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _ID_BITS:
        value = str(value)  # databases count; tokens hold text (RFC 7519 4.1.2)
    if not isinstance(value, str) or not value:
        problems["id"] = f"there must be an id: text that is not empty, or a whole number of at most {_ID_BITS} bits"
        return ""
    if not _encodable(value):
        problems["id"] = "holds half a character"
    return value


def _text(key: str, value: object, problems: dict[str, str]) -> str | None:
    if value is not None and not (isinstance(value, str) and _encodable(value)):
        problems[key] = f"must be text, not {_kind(value)}"
        return None
    return value


def _texts(key: str, value: object, problems: dict[str, str]) -> tuple[str, ...]:
    if value is None:
        return ()
    # A text is iterable too: `roles = "admin"` would become five roles of one letter.
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(item, str) and _encodable(item) for item in value):
        problems[key] = f"must be a list of texts, not {_kind(value)}"
        return ()
    items: Iterable[str] = sorted(value) if isinstance(value, (set, frozenset)) else value
    return tuple(items)


def _claims(claims: Mapping[Any, object], problems: dict[str, str]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in claims.items():
        if not isinstance(key, str):
            problems[repr(key)[:40]] = "the name of a claim must be text"
        elif key in RESERVED:
            problems[key] = "the gateway sets this claim itself"
        else:
            try:
                text = json.dumps(value, allow_nan=False, ensure_ascii=False)
                text.encode()
                copied = json.loads(text)  # a copy of its own: what the caller still holds may change
            except (TypeError, ValueError, RecursionError):
                problems[key] = f"must be something that JSON can say, not {_kind(value)}"
                continue
            if _is_deeper(copied, _MOST_DEPTH):
                problems[key] = f"is nested deeper than {_MOST_DEPTH} levels"
            made[key] = copied
    return made


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_is_deeper(item, levels - 1) for item in inner))


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"
