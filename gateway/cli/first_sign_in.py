"""Whether a user has signed in at this gateway before, as a question: nothing is written, and no database is made to answer it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings.model import Settings

_SQLITE = "sqlite:///"


async def would_be_first(settings: Settings, provider: str, user_id: str) -> bool | None:
    """True if the next sign-in would be the first; None if no rule asks, or nobody can say."""
    if all(rule.when.first_sign_in is None for rule in settings.redirects.rules):
        return None
    url = settings.store.url
    if _not_made_yet(url):
        return True
    from gateway.sessions.first_sign_ins import FirstSignIns

    record = FirstSignIns(url)
    try:
        known = await record.knows(provider, user_id)
    finally:
        await record.close()
    return None if known is None else not known


def _not_made_yet(url: str) -> bool:
    return url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE).partition("?")[0]).exists()
