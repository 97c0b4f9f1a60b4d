"""What of two answers matters to a client or a browser, and in which of these aspects ours differs from the recorded one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from tests.interop.recorded import LATER
from tests.web.auth.browser import Page

#: What our own form carries from page to page in the address (docs/authjs.md, `target-per-tab`).
SEALED = {"returnTo", "filled"}


def differing(trace: dict[str, Any], ours: dict[str, Any]) -> set[str]:
    """The aspects in which the answers differ.

    Args:
        ours: `status`, `headers`, `set_cookie`, `body`, `calls`.
    """
    return set(_differing(trace, ours))


def _differing(trace: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    recorded, base = trace["response"], trace["base_url"]
    if ours["status"] != recorded["status"]:
        yield "status"
    if resolved(recorded["location"], base) != resolved(ours["headers"].get("Location"), base):
        yield "location"
    if sealed(ours["headers"].get("Location")):
        yield "sealed"
    if recorded["no_store"] and "no-store" not in ours["headers"].get("Cache-Control", ""):
        yield "cache"
    yield from _body(trace, ours)
    yield from _cookies(trace, ours["set_cookie"])
    if trace["config"] != "harness" and [call["fn"] for call in trace["calls"]] != ours["calls"]:
        yield "calls"


def resolved(location: str | None, base: str) -> str | None:
    """As a browser takes it, without what is sealed."""
    if location is None:
        return None
    parts = urlsplit(urljoin(f"{base}/", location))
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in SEALED]
    return parts._replace(path=parts.path or "/", query=urlencode(query)).geturl()


def sealed(location: str | None) -> bool:
    return bool(location) and any(name in SEALED for name, _ in parse_qsl(urlsplit(location).query))


def _body(trace: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    recorded = trace["response"]
    if "json" in recorded:
        try:
            mine = json.loads(ours["body"])
        except ValueError:
            mine = ours["body"]
        if comparable(recorded["json"], trace, timedelta(0)) != comparable(mine, trace, LATER):
            yield "body"
    elif "page" in recorded:
        yield from _page(trace, ours["body"])
    elif recorded["text"] != ours["body"]:
        yield "body"


def comparable(value: Any, trace: dict[str, Any], later: timedelta) -> Any:
    """JSON without what is new each time: addresses resolved, times as distances, csrf tokens by their form."""
    if not isinstance(value, dict):
        return value
    found = dict(value)
    if isinstance(found.get("url"), str):
        found["url"] = resolved(found["url"], trace["base_url"]), urlsplit(found["url"]).scheme != ""
    if "expires" in found:
        moment = datetime.fromisoformat(found["expires"].replace("Z", "+00:00"))
        found["expires"] = round((moment.timestamp() - trace["at"] - later.total_seconds()) / 3)
    if "csrfToken" in found and re.fullmatch("[0-9a-f]{64}", found["csrfToken"]):
        found["csrfToken"] = "a token"
    return found


def _page(trace: dict[str, Any], text: str) -> Iterator[str]:
    recorded, base = trace["response"]["page"], trace["base_url"]
    page = Page(text)
    if recorded["sentence"] is not None and recorded["sentence"] not in page.text:
        yield "sentence"
    mine = {resolved(form.action, base): form for form in page.forms}
    for form in recorded["forms"]:
        found = mine.get(resolved(form["action"], base))
        if (
            found is None
            or "csrfToken" not in found.inputs
            or {name: found.inputs.get(name, {}).get("id") for name in form["fields"]} != form["fields"]
        ):
            yield "forms"


def _cookies(trace: dict[str, Any], lines: list[str]) -> Iterator[str]:
    recorded = [Cookie(line, trace, timedelta(0)) for line in trace["response"]["set_cookie"]]
    mine = [Cookie(line, trace, LATER) for line in lines if ".sign-in-trail=" not in line]
    if len(mine) < len(lines):
        yield "trail"
    for kind in ("csrf", "callback"):
        if [str(cookie) for cookie in recorded if cookie.kind == kind] != [str(cookie) for cookie in mine if cookie.kind == kind]:
            yield kind
    wanted = [str(cookie) for cookie in recorded if cookie.kind == "session"]
    found = [str(cookie) for cookie in mine if cookie.kind == "session"]
    extra = [cookie for cookie in mine if cookie.kind == "session" and cookie.cleared and str(cookie) not in wanted]
    if extra:
        yield "cleared"
    if [text for text in found if text not in {str(cookie) for cookie in extra}] != wanted:
        yield "session"
    order = [("csrf", "callback", "session").index(cookie.kind) * 2 + (cookie.kind == "session" and not cookie.cleared) for cookie in mine]
    if order != sorted(order):
        yield "order"


class Cookie:
    """One Set-Cookie value; its text is what has to be equal."""

    def __init__(self, line: str, trace: dict[str, Any], later: timedelta) -> None:
        pair, *attributes = line.split("; ")
        self.name, _, value = pair.partition("=")
        self.cleared = "Max-Age=0" in attributes and value == ""
        self.kind = next(kind for kind in ("csrf", "callback", "session") if kind in self.name)
        shown = {"csrf": bool(re.fullmatch("[0-9a-f]{64}%7C[0-9a-f]{64}", value)), "session": bool(value)}.get(self.kind)
        self._value = resolved(unquote(value), trace["base_url"]) if shown is None else shown
        self._attributes = [_relative(attribute, trace["at"] + later.total_seconds()) for attribute in attributes]

    def __str__(self) -> str:
        return f"{self.name}={self._value}; {'; '.join(self._attributes)}"


def _relative(attribute: str, now: float) -> str:
    name, _, value = attribute.partition("=")
    if name != "Expires":
        return attribute
    return f"Expires in {round((parsedate_to_datetime(value).timestamp() - now) / 3)}"
