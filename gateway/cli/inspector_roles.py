"""Roles of `[inspector]` that nobody has, where that can be known: every user is in a file, and no callback gives roles."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from gateway.core.problem import Problem

if TYPE_CHECKING:
    from gateway.settings.model import Settings


def warnings_on_inspector(settings: Settings) -> tuple[Problem, ...]:
    """Warnings about roles that no user has."""
    from gateway.settings.sections.providers import UsersProviderSettings

    if not settings.inspector.enabled or settings.callbacks.module or not settings.providers:
        return ()
    known: set[str] = set()
    for provider in settings.providers:
        if not isinstance(provider, UsersProviderSettings):
            return ()
        try:
            users = tomllib.loads(provider.file.read_text("utf-8")).get("users", {})
        except (OSError, ValueError):
            return ()  # the provider itself says what is wrong with its file
        known.update(role for user in users.values() if isinstance(user, dict) for role in user.get("roles", ()) if isinstance(role, str))
    cure = f"write a role that somebody has ({', '.join(sorted(known)) or 'nobody has any'}), or give it to a user"
    return tuple(
        Problem(key=f"inspector.roles[{number}]", value=role, what="no user has this role", cure=cure, warning=True)
        for number, role in enumerate(settings.inspector.roles, 1)
        if role != "*" and role not in known
    )
