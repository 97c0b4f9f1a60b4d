"""What differs between two configurations, by key; values are nobody's business here, some are secrets."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.model import Settings
from gateway.settings.section import Section
from gateway.settings.shape import NO_KEYS


def changed_keys(old: Settings, new: Settings) -> Iterator[str]:
    """Every key that is set to something else: `limits.drain`; of lists the whole, as in `routes`."""
    for key in Settings.model_fields:
        before, after = getattr(old, key), getattr(new, key)
        if before == after or key in NO_KEYS:
            continue
        if isinstance(after, Section):
            yield from (f"{key}.{name}" for name in type(after).model_fields if getattr(before, name) != getattr(after, name))
        else:
            yield key
