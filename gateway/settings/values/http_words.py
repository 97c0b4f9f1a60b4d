"""Words of HTTP: methods, and names of headers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from gateway.settings.values.one_or_list import listed


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]*", value):
        raise ValueError('a header name is letters, digits and "-", for example "X-Gateway-Assertion"')
    return value


def _method(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
        raise ValueError('a method is one word, such as "GET" or "POST"')
    if value != value.upper():
        raise ValueError(f'methods compare exactly, and this one would never match: write "{value.upper()}"')
    if value in ("CONNECT", "TRACE"):
        raise ValueError(f"{value} is refused before the rules are read (RFC 9110 9.3.6, 9.3.8), so no route can be for it")
    return value


#: One method, or a list, in capitals.
Methods = Annotated[tuple[Annotated[str, AfterValidator(_method)], ...], BeforeValidator(listed)]
#: A field name (RFC 9110 5.6.2).
HeaderName = Annotated[str, AfterValidator(_header_name)]
