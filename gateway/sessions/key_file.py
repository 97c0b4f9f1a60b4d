"""The file of secrets: one a line, newest first, made and replaced in one step, never half written.

Others may not write it, or they could sign anybody in: refused. Others may read it only with a warning, because mounted secrets
(Docker 0444, Kubernetes 0644) come that way and the operator can't help it.
"""

from __future__ import annotations

import os
import secrets as random
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem

KEY = "session.secrets_file"
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """What the file held, and what is doubtful about it."""

    secrets: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def read(file: Path) -> Kept:
    """Read the secrets; blank lines don't count.

    Raises:
        ConfigError: There is no such file, it can't be read, or others may write it.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place must not hang the start
    except OSError as error:
        cure = "let the user that runs the gateway read it" if isinstance(error, PermissionError) else ""
        raise ConfigError([_unreadable(file, error.strerror, cure=cure)]) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError([_unreadable(file, "it is not a regular file")])
        data = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MAX_BYTES:
        raise ConfigError([_unreadable(file, f"it has more than {_MAX_BYTES} bytes")])
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        what = f"others may write it (mode {mode:04o}), so they could sign anybody in"
        raise ConfigError([Problem(key=KEY, what=what, cure=f"chmod 600 {file}, then make a new secret: gateway keys new", file=str(file))])
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError([_unreadable(file, "it is no UTF-8 text")]) from None
    return Kept(tuple(line.strip() for line in lines if line.strip()), _warnings(file, mode))


def make(file: Path, secret: str) -> bool:
    """Make the file with one secret, unless it is there already; True if it was made.

    Of several processes that do this at once, one makes it, complete, and the others find it.

    Raises:
        ConfigError: The folder is missing or can't be written.
    """
    if file.exists():
        return False
    try:
        draft = _draft(file, (secret,), mode=0o600)
        try:
            os.link(draft, file)  # unlike a rename, this fails where somebody was faster
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        _settle(file.parent)
    except OSError as error:
        raise ConfigError([_unmakable(file, error.strerror)]) from error
    return True


def add(file: Path, secret: str, *, limit: int, place: int = 0) -> tuple[int, int]:
    """Put a secret into an existing file and drop the oldest beyond `limit`; gives how many there are now, and how many went.

    Args:
        place: 0: on top, it is used from now on. 1: behind the first, it is only known.

    Raises:
        ConfigError: The file can't be read or replaced.
    """
    held = read(file.resolve()).secrets
    secrets = (*held[:place], secret, *held[place:])
    kept = secrets[:limit]
    _replace(file, kept)
    return len(kept), len(secrets) - len(kept)


def promote(file: Path) -> int:
    """Put the second secret on top; gives how many there are.

    Raises:
        ConfigError: There is no second one, or the file can't be read or replaced.
    """
    first, *others = read(file.resolve()).secrets or ("",)
    if not others:
        what, cure = "there is no second secret that could be put on top", "add one with: gateway keys rotate --stage"
        raise ConfigError([Problem(key=KEY, what=what, cure=cure, file=str(file))])
    _replace(file, (others[0], first, *others[1:]))
    return len(others) + 1


def _replace(file: Path, secrets: tuple[str, ...]) -> None:
    """Owner and mode stay: a file that root rotates must still be readable to the gateway."""
    target = file.resolve()
    try:
        status = target.stat()
        draft = _draft(target, secrets, mode=stat.S_IMODE(status.st_mode) & 0o644, owner=(status.st_uid, status.st_gid))
        try:
            draft.replace(target)
        except OSError:
            draft.unlink()
            raise
        _settle(target.parent)
    except OSError as error:
        raise ConfigError([_unmakable(file, error.strerror)]) from error


def _draft(file: Path, secrets: tuple[str, ...], *, mode: int, owner: tuple[int, int] | None = None) -> Path:
    draft = file.with_name(f".{file.name}.{random.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write("".join(f"{secret}\n" for secret in secrets))
            opened.flush()
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
    except OSError:
        draft.unlink()
        raise
    return draft


def _settle(folder: Path) -> None:
    """Make a new name in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _warnings(file: Path, mode: int) -> tuple[Problem, ...]:
    if not mode & 0o044:
        return ()
    what = f"others may read it (mode {mode:04o}), and who can read it can sign in as anybody"
    return (Problem(key=KEY, what=what, cure=f"chmod 600 {file}", file=str(file), warning=True),)


def _unreadable(file: Path, why: str | None, *, cure: str = "") -> Problem:
    cure = cure or f"make it with: gateway keys new --file {file}"
    return Problem(key=KEY, what=f"the file of secrets can't be read: {why}", cure=cure, file=str(file))


def _unmakable(file: Path, why: str | None) -> Problem:
    cure = "make its folder writable, or give the secret in session.secrets or GATEWAY_SESSION__SECRETS"
    return Problem(key=KEY, what=f"the file of secrets can't be written: {why}", cure=cure, file=str(file))
