"""`[inspector]`: who may look must be said, and rightly."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.settings.finding import Finding, Path
from gateway.settings.model import Settings

EVERYBODY = "*"
_FLOW = 16 * 1024  # bytes that one flow may take


def check_inspector(settings: Settings) -> Iterator[Finding]:
    """What is wrong or doubtful with `[inspector]`."""
    inspector = settings.inspector
    path: Path = ("inspector", "roles")
    if inspector.roles and not inspector.enabled:
        yield Finding(
            path=path,
            what="nothing is recorded, so there is nothing to look at",
            cure="write enabled = true, or leave roles out",
            on_key=True,
        )
        return
    if inspector.enabled and not inspector.roles:
        yield Finding(
            path=("inspector", "enabled"),
            what="no role may look into /api/auth/inspector, so people see their own sign-in (/api/auth/why) and nobody sees all",
            cure='write roles = ["admin"], or leave it so if that is meant',
            warning=True,
        )
    for index, role in enumerate(inspector.roles):
        place = (*path, index)
        if role in inspector.roles[:index]:
            yield Finding(path=place, what="it stands there twice", cure="remove one of the two")
        elif role != EVERYBODY and ("*" in role or not role.strip() or re.search(r"[\x00-\x1f,]", role)):
            yield Finding(
                path=place,
                what="no user has such a role",
                cure='write a role as it stands with the users, or "*" for everybody who is signed in',
            )
    if EVERYBODY in inspector.roles and len(inspector.roles) > 1:
        yield Finding(path=path, what='"*" is everybody already', cure='leave the others out, or "*"')
    if EVERYBODY in inspector.roles:
        yield Finding(
            path=path,
            what="everybody who can sign in sees who else did, from where, and why others failed",
            cure="name the role of those who run the site",
            warning=True,
        )
    if inspector.enabled and inspector.bytes < _FLOW:
        yield Finding(
            path=("inspector", "bytes"), what="one sign-in may take 16KiB, so some could not be kept at all", cure="write 16KiB or more"
        )
