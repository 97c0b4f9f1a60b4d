"""The key ring: the secrets that sessions are sealed with, newest first, and every key that is derived from them.

What this file decides: which secrets are good enough to start with. Where they are kept is left to `key_file.py`.
"""

from __future__ import annotations

import re
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.sessions import key_file

MIN_LENGTH = 32  # characters: 128 bits if it was written in hex, 192 in base64
MAX_SECRETS = 5  # the current one and four before it
_CURE = "make one with: gateway keys new"
#: What guides and examples put where a secret should be: text of such words and nothing else, folded to letters and digits.
#: Longer words come first, as the match never goes back (`++`): a long secret must not cost time.
_PLACEHOLDER_WORDS = (
    "development characters production password nextauth generate replace example default authjs insert random secret "
    "secure session string change should before please "
    "super least value short local this that your with long goes here must some very auth test demo prod fake "
    "put set top key jwt min dev and for the not use me my it is in at to be or do a"
)
_PLACEHOLDER = re.compile("(?:" + "|".join([*_PLACEHOLDER_WORDS.split(), "[0-9]"]) + r")++\Z")


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Secrets, newest first: the first one seals, all of them open. Use `of` or `load_or_make`: they check; this does not.

    Attributes:
        warnings: What an operator should hear about how the secrets are kept.
    """

    secrets: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, secrets: Sequence[str]) -> KeyRing:
        """Take the secrets of `session.secrets`.

        Raises:
            ConfigError: A secret is short, a placeholder, or there twice; or there are none, or too many.
        """
        if problems := problems_of(secrets):
            raise ConfigError(problems)
        return cls(tuple(secrets))

    @classmethod
    def load_or_make(cls, file: Path) -> KeyRing:
        """Take the secrets of a file, one a line, newest first; where there is no file, make it, for its owner's eyes only.

        Processes that start at once end with the same secret.

        Raises:
            ConfigError: The file can't be read or made, others may write it, or a secret in it is no good.
        """
        key_file.make(file, new_secret())
        return cls.load(file)

    @classmethod
    def load(cls, file: Path) -> KeyRing:
        """As `load_or_make`, but the file has to be there."""
        kept = key_file.read(file)
        if problems := problems_of(kept.secrets, key="session.secrets_file", file=str(file)):
            raise ConfigError(problems)
        return cls(kept.secrets, kept.warnings)

    def derive(self, *, info: str, salt: str, length: int) -> tuple[bytes, ...]:
        """One key of `length` bytes for each secret: HKDF with SHA-256 (RFC 5869)."""
        return tuple(
            HKDF(SHA256(), length, salt.encode("utf-8"), info.encode("utf-8")).derive(secret.encode("utf-8")) for secret in self.secrets
        )

    def __repr__(self) -> str:
        return f"KeyRing({len(self.secrets)} secrets)"


def new_secret() -> str:
    """A fresh secret: 256 random bits in 43 characters."""
    return random.token_urlsafe(32)


def problems_of(secrets: Sequence[str], *, key: str = "session.secrets", file: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with a list of secrets; never quotes one."""
    found: list[Problem] = []

    def wrong(index: int, what: str, cure: str = _CURE) -> None:
        found.append(Problem(key=f"{key}[{index + 1}]", what=what, cure=cure, value="(hidden)", file=file))

    if not secrets:
        found.append(Problem(key=key, what="there is no secret", cure=_CURE, file=file))
    if len(secrets) > MAX_SECRETS:
        what = f"there are {len(secrets)} secrets, and at most {MAX_SECRETS} are tried"
        found.append(Problem(key=key, what=what, cure="remove the oldest ones, at the end", file=file))
    for index, secret in enumerate(secrets):
        if len(secret) < MIN_LENGTH:
            wrong(index, f"the secret has {len(secret)} characters and needs {MIN_LENGTH}")
        elif _guessable(secret):
            wrong(index, "the secret is a placeholder or a pattern that anybody could guess")
        elif not _encodable(secret):
            wrong(index, "the secret is no Unicode text")
        elif secret in secrets[:index]:
            wrong(index, "the secret is there twice, so removing one would not retire it", "remove one of the two")
    return tuple(found)


def _guessable(secret: str) -> bool:
    folded = re.sub(r"[^a-z0-9]", "", secret.lower())
    # A short piece over and over has no more to guess than the piece.
    return (
        len(set(secret)) < 8
        or _PLACEHOLDER.match(folded) is not None
        or re.fullmatch(r"(.{1,15}?)\1+.{0,15}", secret, re.DOTALL) is not None
    )


def _encodable(secret: str) -> bool:
    try:
        secret.encode("utf-8")
    except UnicodeEncodeError:  # bytes of the environment that are no UTF-8
        return False
    return True
