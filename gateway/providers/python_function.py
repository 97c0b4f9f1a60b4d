"""`authorize(credentials, request)` of the operator's own, as NextAuth has it. What it does wrong is never a yes, and never ends us."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.callbacks.running import NoAnswer, Runner, place_of
from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.core.identity import User
from gateway.core.problem import Problem
from gateway.providers.attributes import AttributesRefused, user_of
from gateway.providers.base import Accepted, Answer, Credentials, Field, Rejected, SignInRefused

_log = logging.getLogger(__name__)

TIME_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeRequest:
    """The request that the credentials came with, as far as an `authorize()` may see it.

    Attributes:
        method: Always `POST`.
        url: The address that was posted to, as the browser knows it.
        headers: By lower-case name.
        query: The parameters of `url`.
        client: The address of the client, as far as listed proxies are believed.
    """

    method: str = "POST"
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: str = ""


class PythonFunction:
    """`type = "python"`: a function that takes the posted fields and gives a user, or None.

    Args:
        authorize: `module:function`; the function may be async. It takes `credentials` (a dict of all posted fields, as text)
            and, if it has a second parameter, an `AuthorizeRequest`.
        folder: Where the module may lie, beside the import path that there is; installed modules of the same name win.
        time_limit_s: Seconds after which there is no answer.
    """

    def __init__(
        self, *, id: str, name: str, fields: Sequence[Field], authorize: str, folder: Path, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        self.id = id
        self.name = name
        self.fields = tuple(fields)
        self._place = authorize
        self._folder = folder
        self._function: Callable[..., object] | None = None
        self._takes_request = True
        self._runner = Runner(f"authorize-{id}", time_limit_s)

    async def start(self) -> None:
        """Import the function.

        Raises:
            ConfigError: It can't be imported, or can't be called with the credentials.
        """
        module_name, _, path = self._place.partition(":")
        folder = str(self._folder.absolute())
        if folder not in sys.path:
            sys.path.append(folder)
        try:
            function: Any = importlib.import_module(module_name)
            for part in path.split("."):
                function = getattr(function, part)
        except (Exception, SystemExit) as error:
            cure = f'write it as "module:function"; modules are found beside the configuration, in {folder}'
            raise self._refused(f"can't be imported: {type(error).__name__}: {error}", cure) from error
        self._takes_request = self._parameters(function) == 2
        self._function = function

    async def authorize(self, credentials: Credentials) -> Answer:
        """Accept whom the function gives; None and False refuse, as in NextAuth, and so does `Rejected(code=...)`, given or raised.

        Raises:
            ProviderUnavailable: It raised, took too long, or gave something that is no user.
        """
        if self._function is None:
            raise ProviderUnavailable(self.id, "not started")
        request = AuthorizeRequest(
            url=credentials.url, headers=dict(credentials.headers), query=dict(credentials.query), client=credentials.client
        )
        fields = dict(credentials.fields)  # its own copy: what it changes is not seen by the providers after it
        call = functools.partial(self._function, fields, request) if self._takes_request else functools.partial(self._function, fields)
        given = await self._answer(call)
        if given is None or given is False:
            return Rejected("refused-by-function", self.id)
        if isinstance(given, Rejected):
            return replace(given, why=given.why or "refused-by-function", provider=self.id)
        return Accepted(self._user(given), self.id)

    async def find_active(self, user_id: str) -> User | None:
        """Nobody: a function is asked with credentials only."""
        return None

    async def find(self, user_id: str) -> User | None:
        """None: a function that checks credentials can't look anybody up."""
        return None

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _answer(self, call: Callable[[], object]) -> object:
        try:
            return await self._runner.run(call)
        except NoAnswer as error:
            if error.timed_out:
                _log.error("authorize-timed-out provider=%s function=%s seconds=%g", self.id, self._place, self._runner.time_limit_s)
            raise ProviderUnavailable(self.id, str(error)) from error
        except SignInRefused as refused:
            return Rejected("refused-by-function", self.id, code=refused.code)
        except Exception as error:
            raise self._raised(error) from error

    def _raised(self, error: Exception) -> ProviderUnavailable:
        # The message of the exception may hold what was typed: only its kind and place are logged.
        kind = type(error).__name__
        _log.error("authorize-raised provider=%s function=%s error=%s at=%s", self.id, self._place, kind, place_of(error))
        return ProviderUnavailable(self.id, f"{self._place} raised {kind}")

    def _user(self, given: object) -> User:
        if isinstance(given, User):
            given = {**given.claims, **{item.name: getattr(given, item.name) for item in dataclasses.fields(User) if item.name != "claims"}}
        if not isinstance(given, Mapping):
            _log.error("authorize-gave-no-user provider=%s function=%s type=%s", self.id, self._place, type(given).__name__)
            raise ProviderUnavailable(self.id, f"{self._place} gave something that is no user")
        try:
            return user_of(given)
        except AttributesRefused as refused:
            _log.error("authorize-gave-no-user provider=%s function=%s: %s", self.id, self._place, refused)
            raise ProviderUnavailable(self.id, f"{self._place} gave something that is no user") from refused
        except Exception as error:  # a mapping of the operator's own, which works only now: a lazy row, a proxy
            raise self._raised(error) from error

    def _parameters(self, function: object) -> int:
        if not callable(function):
            raise self._refused("is no function", "name one that takes `credentials` and `request`")
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # some functions written in C say nothing about themselves
            return 2
        for count in (2, 1):
            with contextlib.suppress(TypeError):
                signature.bind(*[None] * count)
                return count
        raise self._refused("can't be called with `credentials` and `request`", "write it as `def authorize(credentials, request)`")

    def _refused(self, what: str, cure: str) -> ConfigError:
        return ConfigError([Problem(key=f"providers[{self.id}].authorize", what=what, cure=cure, value=self._place)])
