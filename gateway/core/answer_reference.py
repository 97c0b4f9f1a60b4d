"""The table of 401 or 302 as Markdown, made from the rows that decide. A test holds `docs/redirects.md` to it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.facts import Wants
from gateway.core.sign_in_answer import ANSWERS, SignInAnswer
from gateway.core.wants import ACCEPT, SIGNS, Sign

START = "<!-- table: written from gateway/core/wants.py and gateway/core/sign_in_answer.py -->\n"
END = "<!-- end of table -->\n"
_WANTS = {Wants.PAGE: "a page", Wants.DATA: "data", Wants.UNSAID: "something unsaid"}
_NAMES = {401: "**401**", 302: "**302** to the sign-in page", 303: "**303** to the sign-in page"}


def render() -> str:
    """Both tables."""
    return "\n".join((*_signs(), "", *_answers(), ""))


def rewritten(page: str) -> str:
    """A page with its tables made anew."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{render()}\n{END}{rest.partition(END)[2]}"


def _signs() -> Iterator[str]:
    yield "| the request says | so it wants | who that is |"
    yield "| --- | --- | --- |"
    for sign in SIGNS:
        yield f"| {_said(sign)} | {_WANTS[sign.wants]} | {sign.who} |"


def _said(sign: Sign) -> str:
    if not sign.header:
        return "none of these"
    if sign.header == ACCEPT:
        return f"`{ACCEPT}`: {sign.says}"
    return f"`{sign.header}: {sign.says}`" if sign.says else f"`{sign.header}`, anything else"


def _answers() -> Iterator[str]:
    yield "| the request | the route | the answer | ends at the page | why |"
    yield "| --- | --- | --- | --- | --- |"
    for row in ANSWERS:
        api = "" if row.api is None else f"`api = {str(row.api).lower()}`"
        comes_back = "" if row.status == 401 else ("yes" if row.comes_back else "no")
        yield f"| {_request(row)} | {api} | {_NAMES[row.status]} | {comes_back} | {row.why} |"


def _request(row: SignInAnswer) -> str:
    parts = []
    if row.upgrade:
        parts.append("a WebSocket handshake")
    if row.methods is not None:
        parts.append(" or ".join(f"`{method}`" for method in sorted(row.methods)))
    if row.front_door:
        parts.append("of `/`")
    if row.wants is not None:
        parts.append("wants " + " or ".join(sorted(_WANTS[wants] for wants in row.wants)))
    return ", ".join(parts) or "all else"
