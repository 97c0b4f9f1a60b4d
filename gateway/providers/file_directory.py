"""A users file on disk: read with every problem at once, written as a whole or not at all, by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import stat
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.providers.accounts import Account
from gateway.providers.attributes import AttributesRefused, user_of
from gateway.providers.directory import DirectoryError, IdTaken, UserExists, UserMissing
from gateway.providers.passwords import HashRefused, kind_of
from gateway.providers.users_document import CannotEdit, place_of, with_user, with_value, without_user

_NEW_FILE = "# Users who may sign in. Written by `gateway users`; your own comments and changes stay.\n"
_TEMPORARY = ".users-"


class FileDirectory:
    """The users of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._file)

    async def accounts(self) -> Sequence[Account]:
        """All users, by name; none if there is no file yet.

        Raises:
            ConfigError: The file can't be used.
        """
        try:
            accounts = await asyncio.to_thread(read_accounts, self._file)
        except ConfigError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return ()
            raise
        return sorted(accounts.values(), key=lambda account: account.name)

    async def add(self, name: str, password_hash: str, attributes: Mapping[str, object]) -> None:
        """Add a user; the file is made, readable for its owner only, if there is none."""

        def change(text: str) -> str:
            _require_own_id(text, name, attributes)
            return with_user(text, name, {"password": password_hash, **attributes})

        try:
            await asyncio.to_thread(self._change, change)
        except KeyError:
            raise UserExists(name) from None

    async def set_password(self, name: str, password_hash: str, *, instead_of: str | None = None) -> bool:
        """Store another hash; with `instead_of` only if that one is still stored."""

        def change(text: str) -> str:
            stored = tomllib.loads(text)["users"][name].get("password")
            if instead_of is not None and stored != instead_of:
                raise _Changed
            return with_value(text, name, "password", password_hash)

        try:
            await self._change_user(name, change)
        except _Changed:
            return False
        return True

    async def set_disabled(self, name: str, disabled: bool) -> None:
        """Let a user sign in or not."""
        await self._change_user(name, lambda text: with_value(text, name, "disabled", disabled))

    async def remove(self, name: str) -> None:
        """Take a user out of the file."""
        await self._change_user(name, lambda text: without_user(text, name))

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _change_user(self, name: str, change: Callable[[str], str]) -> None:
        def change_table(text: str) -> str:
            users = tomllib.loads(text).get("users", {})
            if not isinstance(users, dict) or not isinstance(users.get(name, {}), dict):
                raise CannotEdit("a user is a table `[users.<name>]`, and here it is something else")
            return change(text)

        try:
            await asyncio.to_thread(self._change, change_table)
        except KeyError:
            raise UserMissing(name) from None

    def _change(self, change: Callable[[str], str]) -> None:
        try:
            target = self._file.resolve()  # a symbolic link stays one; what it points to is replaced
            with _locked(target.parent):
                _replace(target, change(_text(target)).encode())
        except UnicodeDecodeError as error:
            raise DirectoryError(f"{self._file} can't be changed: it is no UTF-8") from error
        except (CannotEdit, tomllib.TOMLDecodeError) as error:
            raise DirectoryError(f"{self._file} can't be changed: {error}") from error
        except OSError as error:
            raise DirectoryError(f"{self._file} can't be written: {error.strerror}") from error
        except RuntimeError as error:  # pathlib's word for symbolic links in a circle, before Python 3.13
            raise DirectoryError(f"{self._file} can't be written: {error}") from error


class _Changed(Exception):
    """Another process stored another hash in the meantime."""


def read_accounts(file: Path) -> dict[str, Account]:
    """Read a users file: its accounts by the name that is typed at sign-in.

    Raises:
        ConfigError: There are problems; all of them, with their places. No value is quoted.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        cure = "name the file in `file`, or write it with `gateway users add`" if missing else "let the user that runs the gateway read it"
        raise ConfigError([Problem(key="users", what=f"the file can't be read: {error.strerror}", cure=cure, file=str(file))]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(key="users", what="the file is no UTF-8", file=str(file))]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(key="users", what=f"the file is no TOML: {error}", file=str(file))]) from error
    except RecursionError as error:
        raise ConfigError([Problem(key="users", what="the file is nested too deeply", file=str(file))]) from error
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    accounts = _accounts(content, found)
    if found:
        places = {path: place_of(text, path) for path in found}
        problems = [
            Problem(key=".".join(path), what=what, cure=cure, file=str(file), line=places[path][0], column=places[path][1])
            for path, (what, cure) in found.items()
        ]
        raise ConfigError(problems)
    return accounts


def _require_own_id(text: str, name: str, attributes: Mapping[str, object]) -> None:
    """Refuse a user for whom the gateway would refuse the whole file.

    Raises:
        IdTaken: Another user has the id.
    """
    identifier = str(attributes.get("id", name))
    others = _accounts(tomllib.loads(text), {}).values()
    if any(str(other.attributes.get("id", other.name)) == identifier for other in others if other.name != name):
        raise IdTaken(identifier)


def _accounts(content: Mapping[str, object], found: dict[tuple[str, ...], tuple[str, str]]) -> dict[str, Account]:
    for key in content:
        if key != "users":
            found[(key,)] = ("unknown key", "a user is a table `[users.<name>]`")
    users = content.get("users", {})
    if not isinstance(users, dict):
        found[("users",)] = ("must be a table of users", "a user is a table `[users.<name>]`")
        return {}
    accounts: dict[str, Account] = {}
    ids: dict[str, str] = {}
    for name, entry in users.items():
        if not isinstance(entry, dict):
            found["users", name] = ("must be a table", "a user is a table `[users.<name>]`")
            continue
        accounts[name] = account = _account(name, entry, found)
        identifier = str(entry.get("id", name))
        if ids.setdefault(identifier, name) != name:
            found["users", name, "id"] = (f"{ids[identifier]!r} has this id too", "give each user an id of their own")
        if not name or "\0" in name:
            found["users", name] = ("nobody can type this name", "")
        try:
            user_of(account.attributes, default_id=name or "x")
        except AttributesRefused as refused:
            found.update({("users", name, key): (what, "") for key, what in refused.problems.items()})
    return accounts


def _account(name: str, entry: Mapping[str, object], found: dict[tuple[str, ...], tuple[str, str]]) -> Account:
    password, disabled = entry.get("password"), entry.get("disabled", False)
    cure = f"set one with `gateway users passwd {name}`"
    if not isinstance(password, str):
        found["users", name, "password"] = ("there must be a password hash", cure)
    else:
        try:
            kind_of(password)
        except HashRefused as refused:
            found["users", name, "password"] = (str(refused), cure)
    if not isinstance(disabled, bool):
        found["users", name, "disabled"] = ("must be true or false", "")
    attributes = {key: value for key, value in entry.items() if key not in ("password", "disabled")}
    return Account(name=name, password=str(password), disabled=disabled is not False, attributes=attributes)


def _text(file: Path) -> str:
    """What is to be changed. Only a file that is not there is begun: one in a circle of links would take the place of a link."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return _NEW_FILE


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other gateways and commands out. The folder is locked, not the file: the file is another one after each change."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(target: Path, content: bytes) -> None:
    """Write the whole content under another name, then rename: readers see the old file or the new one, also after a power cut."""
    handle, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=target.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(content)
            new.flush()
            if target.exists():
                before = target.stat()
                with contextlib.suppress(PermissionError):  # the group is not ours to give; then the file stays closed to it
                    os.fchown(new.fileno(), before.st_uid, before.st_gid)
                    os.fchmod(new.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(new.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
