"""The module of `[callbacks]`: imported once at the start, and asked by name. What it does wrong is never a yes, and never ends us."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.callbacks.protocol import ARGUMENTS
from gateway.callbacks.running import NoAnswer, Runner, places_of
from gateway.core.errors import ConfigError, GatewayError
from gateway.core.problem import Problem

_log = logging.getLogger(__name__)


class CallbackFailed(GatewayError):
    """A callback gave no answer that can be used; the log says why."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the callback {name!r} gave no answer")


class Callbacks:
    """The functions that there are. Without a module there are none.

    Args:
        module: The name of the module; None for none.
        folder: Where it may lie, beside the import path that there is; installed modules of the same name win.
        time_limit_s: Seconds that each call may take.
    """

    def __init__(self, module: str | None = None, *, folder: Path = Path(), time_limit_s: float = 5.0) -> None:
        self._module = module
        self._folder = folder
        self._runner = Runner("callback", time_limit_s)
        self._functions: dict[str, tuple[Callable[..., object], frozenset[str]]] = {}

    async def start(self) -> None:
        """Import the module.

        Raises:
            ConfigError: It can't be imported, defines no callback, or one of them can't be called; all problems at once.
        """
        if self._module is None:
            return
        folder = str(self._folder.absolute())
        if folder not in sys.path:
            sys.path.append(folder)
        try:
            module = importlib.import_module(self._module)
        except (Exception, SystemExit) as error:
            cure = f"modules are found beside the configuration, in {folder}"
            raise ConfigError([self._problem(f"can't be imported: {type(error).__name__}: {error}", cure)]) from error
        problems = [problem for name in ARGUMENTS if hasattr(module, name) and (problem := self._take(name, getattr(module, name)))]
        if not problems and not self._functions:
            problems = [self._problem("defines no callback", f"define one of {', '.join(ARGUMENTS)}")]
        if problems:
            raise ConfigError(problems)

    def __contains__(self, name: object) -> bool:
        """True if there is a function of this name."""
        return name in self._functions

    async def ask(self, name: str, **arguments: object) -> object:
        """Call a function that is there, with those of the arguments that it takes, as copies.

        Raises:
            CallbackFailed: It raised, or took too long. It is in the log.
        """
        function, takes = self._functions[name]
        try:
            given = {key: copy.deepcopy(value) for key, value in arguments.items() if key in takes}
            return await self._runner.run(functools.partial(function, **given))
        except NoAnswer as error:
            _log.error("callback-failed callback=%s module=%s why=%r seconds=%g", name, self._module, str(error), self._runner.time_limit_s)
            raise CallbackFailed(name) from error
        except Exception as error:
            # The message of the exception may hold what was typed: only its kind and place are logged.
            where = " < ".join(reversed(places_of(error)))
            _log.error("callback-failed callback=%s module=%s error=%s where=%r", name, self._module, type(error).__name__, where)
            raise CallbackFailed(name) from error

    async def tell(self, name: str, **arguments: object) -> None:
        """Let an event be heard, if anybody listens. Whatever comes of it, nothing changes."""
        if name in self._functions:
            try:
                await self.ask(name, **arguments)
            except CallbackFailed:
                return

    def refuse(self, name: str, what: str) -> CallbackFailed:
        """The exception for an answer that can't be used, once it is in the log."""
        _log.error("callback-failed callback=%s module=%s why=%r", name, self._module, what)
        return CallbackFailed(name)

    def _take(self, name: str, function: object) -> Problem | None:
        if not callable(function):
            return self._problem(f"{name} is no function", f"write it as `def {name}(*, {', '.join(ARGUMENTS[name])})`")
        offered = ARGUMENTS[name]
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some functions written in C say nothing about themselves
            self._functions[name] = (function, frozenset(offered))
            return None
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            takes = frozenset(offered)
        else:
            takes = frozenset(parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY) & {*offered}
        try:
            inspect.signature(function).bind(**dict.fromkeys(takes))
        except TypeError as error:
            what = f"{name} can't be called: {error}"
            return self._problem(what, f"it is offered {', '.join(offered)}, by name; give any other parameter a default")
        self._functions[name] = (function, takes)
        return None

    def _problem(self, what: str, cure: str) -> Problem:
        return Problem(key="callbacks.module", what=what, cure=cure, value=self._module)
