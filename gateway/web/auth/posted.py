"""Reading what was posted to us: a form or JSON, within limits, or a named refusal. Nothing here repairs anything.

aiohttp's own `request.post()` is not used: it also reads multipart, and odd charsets make it fail with 500.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import HttpVersion11, web

from gateway.core.reason import Reason
from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.cross_site import is_cross_site
from gateway.web.auth.visit import Visit
from gateway.web.body import BodyRefused, pieces

_MAX_NAME = 256  # bytes
_MAX_DEPTH = 64  # of JSON within JSON: far more than a token takes, and far less than what copies of it, or a callback, could fall over


@dataclass(frozen=True, slots=True)
class Refused:
    """The request can't be used."""

    reason: Reason
    status: int


@dataclass(frozen=True, slots=True)
class Update:
    """What a client wants of its session; `data` is anybody's JSON."""

    csrf_token: str | None
    data: object


class _Malformed(ValueError):
    """The body is not what its type says."""


async def read_post(request: web.Request, visit: Visit) -> Mapping[str, str] | Refused:
    """Read the fields of a POST from a page of our own; every value is text, as `authorize()` gets it.

    The csrf token is left to the caller: what a wrong one leads to is each action's own affair.
    """
    pairs = await _read_pairs(request, visit)
    if isinstance(pairs, Refused):
        return pairs
    try:
        fields = _checked([(key, _text(item)) for key, item in pairs if item is not None], visit.gateway.settings.limits.sign_in_fields)
    except ValueError:
        return Refused(Reason.CREDENTIALS_MALFORMED, 400)
    # What is asked of the gateway itself is text also in JSON: `"json": true` is no "true" (contract section 7).
    visit.fields.update({key: item for key, item in pairs if isinstance(item, str)})
    return fields


async def read_update(request: web.Request, visit: Visit) -> Update | Refused:
    """Read what a client posts to update its session: the csrf token, and data of any form."""
    pairs = await _read_pairs(request, visit)
    if isinstance(pairs, Refused):
        return pairs
    try:
        members = _members(pairs)
        # Half a character would break what the callback makes of it.
        json.dumps(members, ensure_ascii=False).encode("utf-8")
    except ValueError:
        return Refused(Reason.CREDENTIALS_MALFORMED, 400)
    token = members.get("csrfToken")
    return Update(token if isinstance(token, str) else None, members.get("data"))


async def _read_pairs(request: web.Request, visit: Visit) -> Sequence[tuple[str, object]] | Refused:
    headers = request.headers
    fetch_sites, origins = headers.getall("Sec-Fetch-Site", []), headers.getall("Origin", [])
    if is_cross_site(origins=origins, fetch_sites=fetch_sites, own_origin=visit.origin):
        return Refused(Reason.CROSS_SITE, 403)
    kind = _kind(headers.getall("Content-Type", []), headers.getall("Content-Encoding", []))
    if kind is None:
        return Refused(Reason.CONTENT_TYPE_REFUSED, 415)
    limits = visit.gateway.settings.limits
    body = await _read(request, limits)
    if isinstance(body, Refused):
        return body
    try:
        return _form(body, limits.sign_in_fields) if kind == "form" else _json(body)
    except (ValueError, RecursionError):
        return Refused(Reason.CREDENTIALS_MALFORMED, 400)


def _kind(types: list[str], codings: list[str]) -> str | None:
    """`form`, `json`, or None for whatever else a page of another site could send without asking (promise 33)."""
    if len(types) != 1 or any(coding.strip().lower() != "identity" for coding in codings):
        return None
    essence, *parameters = (part.strip().lower() for part in types[0].split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            return None
    return {"application/x-www-form-urlencoded": "form", "application/json": "json"}.get(essence)


async def _read(request: web.Request, limits: LimitSettings) -> bytes | Refused:
    too_large = Refused(Reason.REQUEST_BODY_TOO_LARGE, 413)
    if request.content_length is not None and request.content_length > limits.sign_in_body:
        return too_large
    in_all_s = limits.sign_in_body_timeout.total_seconds()
    invite = request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue"
    body = bytearray()
    try:
        async with asyncio.timeout(in_all_s):
            async for piece in pieces(request, limit=limits.sign_in_body, idle_s=in_all_s, invite=invite):
                body += piece
    except BodyRefused as error:
        return Refused(error.refusal.reason, error.refusal.status)
    except TimeoutError:
        return Refused(Reason.REQUEST_TIMED_OUT, 408)
    return bytes(body)


def _form(body: bytes, max_fields: int) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=max_fields)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with its repetitions."""


def _json(body: bytes) -> Sequence[tuple[str, object]]:
    value = json.loads(body.decode("utf-8"), object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    if not isinstance(value, _Pairs):
        raise _Malformed("not a JSON object")
    return value


def _plain(value: object, depth: int) -> object:
    """JSON as mappings and lists again."""
    if depth > _MAX_DEPTH:
        raise _Malformed("nested too deep")
    if isinstance(value, _Pairs):
        return _members(value, depth + 1)
    return [_plain(item, depth + 1) for item in value] if isinstance(value, list) else value


def _members(pairs: Sequence[tuple[str, object]], depth: int = 0) -> dict[str, object]:
    members = {key: _plain(item, depth) for key, item in pairs}
    if len(members) < len(pairs):
        raise _Malformed("a member is there twice")
    return members


def _refuse_constant(name: str) -> object:
    raise _Malformed(f"{name} is not JSON")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise _Malformed("a list or an object is no credential")


def _checked(pairs: list[tuple[str, str]], max_fields: int) -> dict[str, str]:
    fields = dict(pairs)
    if len(pairs) > max_fields or len(fields) < len(pairs):
        raise _Malformed("too many fields, or one of them twice")
    for key, value in pairs:
        if not key or len(key.encode("utf-8")) > _MAX_NAME:
            raise _Malformed("a field has no name, or too long a one")
        value.encode("utf-8")  # half a surrogate pair has no UTF-8, and no provider could compare it
    return fields
