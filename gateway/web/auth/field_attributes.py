"""Which attributes a sign-in field may have. `[providers.credentials.<key>]` takes any; a few can't be meant, and are left out.

Left out, with a warning in the log at the first page: event handlers (the policy forbids scripts anyway), whatever sends the form or
the field somewhere else, whatever loads something, and `id` and `name`, which belong to the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[a-z][a-z0-9_.:-]*\Z")
_NOT_MEANT = frozenset(
    {"id", "name", "style", "label", "nonce", "is", "slot", "autofocus", "form", "formaction", "formenctype", "formmethod"}
    | {"formnovalidate", "formtarget", "action", "method", "target", "enctype", "src", "srcset", "srcdoc", "href", "xlink:href"}
    | {"ping", "data", "background", "popovertarget", "popovertargetaction", "command", "commandfor", "http-equiv", "content", "dirname"}
    | {"htmlfor", "for", "accesskey", "dangerouslysetinnerhtml", "children", "ref", "key"}
)
#: React's spelling, which NextAuth configurations use.
_SPELLING = {"classname": "class"}
#: Attributes whose "no" is a word, not an absence (HTML 2.6.1, ARIA).
_WORDS = frozenset({"spellcheck", "draggable", "contenteditable", "translate", "autocorrect"})
#: Types that take something to type or to tick. `file`, `image` and buttons would change what the form does.
_TYPES = frozenset(
    {"text", "password", "email", "tel", "url", "search", "number", "date", "time", "datetime-local", "month", "week", "color", "range"}
    | {"checkbox", "radio", "hidden"}
)
#: Types whose value may be shown again after a failure, and that can name an account.
_NAMES_AN_ACCOUNT = frozenset({"text", "email", "tel"})
_SECRET_AUTOCOMPLETE = ("password", "one-time-code", "cc-")


def input_type(written: str) -> str:
    """The type of the input; `text` for one that a sign-in form can't have."""
    return written.lower() if written.lower() in _TYPES else "text"


def read_attributes(written: Mapping[str, str | bool | int]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The attributes to write, and the names of those left out (`style` is neither: see `field_style`)."""
    kept: dict[str, str] = {}
    dropped: list[str] = []
    for key, value in written.items():
        name = _SPELLING.get(key.lower(), key.lower())
        if name == "style":
            continue
        if name in _NOT_MEANT or name.startswith("on") or not _NAME.match(name):
            dropped.append(key)
        elif isinstance(value, bool):
            if name in _WORDS or name.startswith(("aria-", "data-")):
                kept[name] = "true" if value else "false"
            elif name in ("autocomplete", "autocapitalize"):
                kept[name] = "on" if value else "off"
            elif value:
                kept[name] = ""
        else:
            kept[name] = str(value)
    return kept, tuple(dropped)


def may_name_account(type_: str, attributes: Mapping[str, str]) -> bool:
    """True if the field can hold a user name, an address or a number; False for whatever may hold a secret."""
    complete = attributes.get("autocomplete", "").lower()
    return type_ in _NAMES_AN_ACCOUNT and not any(word in complete for word in _SECRET_AUTOCOMPLETE)
