"""What is to be said about the session secrets before anything is served: `check` and `run` ask the same. Nothing is made here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.core.errors import ConfigError

if TYPE_CHECKING:
    from gateway.core.problem import Problem
    from gateway.settings.model import Settings


def warnings_on_secrets(settings: Settings) -> tuple[Problem, ...]:
    """Warnings about how the secrets and the keys of assertions are kept; none for a file that the first start will make.

    Raises:
        ConfigError: The gateway would not start with them: too short, easily guessed, there twice, unreadable, writable by others.
    """
    return (*_on_sessions(settings), *_on_assertions(settings))


def _on_sessions(settings: Settings) -> tuple[Problem, ...]:
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


def _on_assertions(settings: Settings) -> tuple[Problem, ...]:
    signed = settings.headers.assertion
    if signed is None or (signed.keys_file.parent.is_dir() and not signed.keys_file.exists()):
        return ()
    from gateway.assertion.keys import SETTING, load
    from gateway.sessions import key_file

    load(signed.keys_file, signed.algorithm)
    what = "others may read it, and who can read it can sign for anybody"
    return tuple(replace(warning, key=SETTING, what=what) for warning in key_file.read(signed.keys_file).warnings)
