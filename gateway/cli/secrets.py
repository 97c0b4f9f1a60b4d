"""What is to be said about the session secrets before anything is served: `check` and `run` ask the same. Nothing is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.errors import ConfigError

if TYPE_CHECKING:
    from gateway.core.problem import Problem
    from gateway.settings.model import Settings


def warnings_on_secrets(settings: Settings) -> tuple[Problem, ...]:
    """Warnings about how the secrets are kept; none for a file that the first start will make.

    Raises:
        ConfigError: The gateway would not start with them: too short, easily guessed, there twice, unreadable, writable by others.
    """
    from gateway.sessions.keys import KeyRing

    if settings.session.secrets:
        return KeyRing.of([secret.get_secret_value() for secret in settings.session.secrets]).warnings
    file = settings.session.secrets_file
    if file is None:
        return ()
    try:
        return KeyRing.load(file).warnings
    except ConfigError as error:
        if isinstance(error.__cause__, FileNotFoundError) and file.parent.is_dir():
            return ()
        raise
