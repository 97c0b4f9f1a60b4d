"""Users from a table in SQLite or PostgreSQL. A database that does not answer is a 503, at the start as well as later, never a "no"."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.core.identity import User
from gateway.providers.accounts import Account, judge, read_login
from gateway.providers.attributes import AttributesRefused, user_of
from gateway.providers.base import Accepted, Answer, Credentials, Field, NotMine
from gateway.providers.passwords import TODAY, Passwords
from gateway.providers.sql_table import UserTable

_log = logging.getLogger(__name__)


class SqlUsers:
    """`type = "sql"`: one row a user. The table is made, and brought up to date, by the gateway itself."""

    def __init__(self, *, id: str, name: str, fields: Sequence[Field], table: UserTable, passwords: Passwords) -> None:
        self.id = id
        self.name = name
        self.fields = tuple(fields)
        self._table = table
        self._passwords = passwords
        self._learned = False

    async def start(self) -> None:
        """Open the database. One that does not answer yet is asked again at each sign-in.

        Raises:
            ConfigError: It can't be used as configured: another URL, or a person's help, is needed.
        """
        try:
            await self._learn()
        except ProviderUnavailable as error:
            _log.warning("database-not-there-yet provider=%s database=%s: %s", self.id, self._table.place, error.why)

    async def authorize(self, credentials: Credentials) -> Answer:
        """Accept whom the table knows by this name and password.

        Raises:
            HashingBusy: The queue in front of the hashing is full.
            ProviderUnavailable: The database gave no answer.
        """
        asked = read_login(credentials)
        if asked is None:
            return NotMine()
        try:
            await self._learn()
            account = await self._table.by_username(asked[0])
        except ConfigError as error:  # it answers at last, and turns out to be the wrong one
            _log.error("database-refused provider=%s: %s", self.id, error)
            raise ProviderUnavailable(self.id, "the database can't be used") from error
        if account is None:
            return NotMine()
        answer, new_hash = await judge(account, asked[1], self._passwords, self.id)
        if new_hash is not None and isinstance(answer, Accepted):
            await self._upgrade(account.name, account.password, new_hash)
        return answer

    async def find(self, user_id: str) -> User | None:
        """The user of this id, else of this name."""
        account = await self._table.by_id(user_id) or await self._table.by_username(user_id)
        return None if account is None else self._user(account)

    async def find_active(self, user_id: str) -> User | None:
        """The user of this id, unless disabled."""
        account = await self._table.by_id(user_id)
        return None if account is None or account.disabled else self._user(account)

    async def close(self) -> None:
        """Close the pool."""
        await self._table.close()

    def _user(self, account: Account) -> User:
        try:
            return user_of(account.attributes, default_id=account.name)
        except AttributesRefused as refused:
            raise ProviderUnavailable(self.id, "the attributes of the user can't be read") from refused

    async def _learn(self) -> None:
        """Bring the table up to date and learn which kinds of hashes it holds, so that refusals cost the same from the first on."""
        if not self._learned:
            await self._table.prepare()
            self._passwords.expect(await self._table.old_hashes(TODAY))
            self._learned = True

    async def _upgrade(self, username: str, old: str, new: str) -> None:
        try:
            if await self._table.set_password(username, new, instead_of=old):
                _log.info("password-upgraded provider=%s user=%r", self.id, username)
        except ProviderUnavailable as error:  # the password was right: the old hash stays for now
            _log.warning("password-upgrade-failed provider=%s user=%r: %s", self.id, username, error.why)
