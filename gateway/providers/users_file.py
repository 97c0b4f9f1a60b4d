"""Users from a TOML file: read at the start, read again when it changes, and old hashes in it replaced as people sign in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.identity import User
from gateway.core.problem import Problem
from gateway.providers.accounts import Account, judge, read_login
from gateway.providers.attributes import user_of
from gateway.providers.base import Accepted, Answer, Credentials, Field, NotMine
from gateway.providers.directory import DirectoryError
from gateway.providers.file_directory import FileDirectory, read_accounts
from gateway.providers.passwords import Passwords

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]


class UsersFile:
    """`type = "users"`: one table `[users.<name>]` a user, with `password` (a hash), attributes and `disabled`.

    Once it has started, a file that has become unreadable or wrong changes nothing: the users it had stay, and the log says so.
    """

    def __init__(self, *, id: str, name: str, fields: Sequence[Field], file: Path, passwords: Passwords) -> None:
        self.id = id
        self.name = name
        self.fields = tuple(fields)
        self._file = file
        self._passwords = passwords
        self._accounts: Mapping[str, Account] = {}
        self._stamp: _Stamp | None = None
        self._reading = asyncio.Lock()
        self._read_only = False

    async def start(self) -> None:
        """Read the file.

        Raises:
            ConfigError: It can't be read, or something in it is wrong; all of it at once.
        """
        stamp = _stamp(self._file)
        self._take(await asyncio.to_thread(read_accounts, self._file), stamp)

    async def authorize(self, credentials: Credentials) -> Answer:
        """Accept whom the file knows by this name and password."""
        asked = read_login(credentials)
        if asked is None:
            return NotMine()
        await self._refresh()
        name, password = asked
        account = self._accounts.get(name)
        if account is None:
            return NotMine()
        answer, new_hash = await judge(account, password, self._passwords, self.id)
        if new_hash is not None and isinstance(answer, Accepted):
            await self._upgrade(account, new_hash)
        return answer

    async def find(self, user_id: str) -> User | None:
        """The user of this id, else of this name."""
        await self._refresh()
        users = {name: user_of(account.attributes, default_id=name) for name, account in self._accounts.items()}
        by_id = {user.id: user for user in users.values()}
        return by_id.get(user_id) or users.get(user_id)

    async def find_active(self, user_id: str) -> User | None:
        """The user of this id, unless disabled."""
        await self._refresh()
        users = ((account, user_of(account.attributes, default_id=name)) for name, account in self._accounts.items())
        return next((user for account, user in users if user.id == user_id and not account.disabled), None)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _take(self, accounts: Mapping[str, Account], stamp: _Stamp | None) -> None:
        self._accounts, self._stamp = accounts, stamp
        self._passwords.expect(account.password for account in accounts.values())

    async def _refresh(self) -> None:
        """Read the file again if it is another one, or was changed, since it was read last."""
        if _stamp(self._file) == self._stamp:
            return
        async with self._reading:
            stamp = _stamp(self._file)  # before reading: a change meanwhile is seen at the next sign-in
            if stamp == self._stamp:
                return
            try:
                self._take(await asyncio.to_thread(read_accounts, self._file), stamp)
            except ConfigError as error:
                self._stamp = stamp
                _log.error(
                    "users-file-refused provider=%s: its users stay as they were: %s", self.id, "; ".join(map(_line, error.problems))
                )
            else:
                _log.info("users-file-read provider=%s users=%d", self.id, len(self._accounts))

    async def _upgrade(self, account: Account, new_hash: str) -> None:
        if self._read_only:
            return
        try:
            if await FileDirectory(self._file).set_password(account.name, new_hash, instead_of=account.password):
                _log.info("password-upgraded provider=%s user=%r", self.id, account.name)
        except DirectoryError as error:
            self._read_only = True  # said once: it would be the same at every sign-in
            _log.warning("password-upgrade-failed provider=%s: old hashes stay: %s", self.id, error)


def _stamp(file: Path) -> _Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _line(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    return f"{place}: {problem.key}: {problem.what}"
