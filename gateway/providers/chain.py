"""The chain of providers: the named one is asked first, then those with the same form, until one knows whose credentials these are."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gateway.core.errors import ConfigError
from gateway.core.identity import User
from gateway.core.problem import Problem
from gateway.providers.accounts import PASSWORD_KEY
from gateway.providers.base import Answer, Credentials, NotMine, Provider, Rejected
from gateway.providers.passwords import Passwords


class Chain:
    """All configured providers, in the order of the configuration."""

    def __init__(self, providers: Sequence[Provider], passwords: Passwords) -> None:
        self.providers = tuple(providers)
        self._passwords = passwords
        self._by_id = {provider.id: provider for provider in providers}

    async def start(self) -> None:
        """Start every provider.

        Raises:
            ConfigError: One or more can't work as configured; the problems of all of them, and none is left open.
        """
        problems: list[Problem] = []
        try:
            await self._passwords.start()
            for provider in self.providers:
                try:
                    await provider.start()
                except ConfigError as error:
                    problems += error.problems
            if problems:
                raise ConfigError(problems)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every provider, also if one of them fails at it; safe to call twice."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._passwords.close)
            for provider in self.providers:
                stack.push_async_callback(provider.close)

    async def authorize(self, provider_id: str, credentials: Credentials) -> Answer:
        """Say whose credentials these are.

        Where no provider knows the user, a hash is computed all the same: the time must not tell who exists (promise 45).

        Raises:
            KeyError: There is no provider of this id.
            ProviderUnavailable: A provider gave no answer. Those after it are not asked: they could let in whom it would refuse.
        """
        named = self._by_id[provider_id]
        keys = {field.key for field in named.fields}
        others = [other for other in self.providers if other is not named and {field.key for field in other.fields} == keys]
        for provider in (named, *others):
            answer = await provider.authorize(credentials)
            if not isinstance(answer, NotMine):
                return answer
        await self._passwords.waste(credentials.fields.get(PASSWORD_KEY, ""))
        return Rejected("unknown-user", provider_id)

    async def find_active(self, provider_id: str, user_id: str) -> User | None:
        """The user of an id at one provider, if it is there and may sign in.

        Raises:
            ProviderUnavailable: The provider gave no answer.
        """
        provider = self._by_id.get(provider_id)
        return None if provider is None else await provider.find_active(user_id)

    async def find(self, user_id: str) -> tuple[User, str] | None:
        """Look a user up without credentials; with it comes the id of the provider that knows it.

        Raises:
            ProviderUnavailable: A provider gave no answer.
        """
        for provider in self.providers:
            user = await provider.find(user_id)
            if user is not None:
                return user, provider.id
        return None
