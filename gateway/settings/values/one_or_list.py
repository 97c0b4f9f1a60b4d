"""Where a list may stand, and one value alone as well."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field


def listed(value: object) -> object:
    """One value as a list of one; a list as it is."""
    return value if isinstance(value, (list, tuple)) else (value,)


#: One text, or a list of texts.
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(listed)]
