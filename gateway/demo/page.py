"""The page that the demo app answers with, and the policy that a browser is told to hold it to."""

from __future__ import annotations

import base64
import hashlib
import shlex
from importlib.resources import files
from urllib.parse import unquote

import jinja2
from markupsafe import Markup

from gateway.demo.told import Told


class Page:
    """The compiled page. Its one style and its one script are inline, and named by their hashes in the policy (CSP3 6.7.3)."""

    def __init__(self) -> None:
        folder = files("gateway.demo")
        self._style, self._script = (folder.joinpath(name).read_text("utf-8") for name in ("style.css", "live.js"))
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters["decoded"] = unquote
        self._template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every answer."""
        policy = (
            f"default-src 'none'; style-src '{_hash(self._style)}'; script-src '{_hash(self._script)}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        }

    def render(self, told: Told) -> str:
        """The page for one request."""
        who = f" --as {shlex.quote(told.user_id)}" if told.user_id else ""
        explain = f"gateway explain --demo {shlex.quote(told.target)}{who}"
        return self._template.render(told=told, explain=explain, style=Markup(self._style), script=Markup(self._script))  # noqa: S704  # our own files, not what was sent  # our own files


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
