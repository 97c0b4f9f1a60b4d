"""Finding, calling and surviving the callbacks of an operator's module."""

from __future__ import annotations

import itertools
import logging
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.callbacks.module import CallbackFailed, Callbacks
from gateway.callbacks.running import MOST_THREADS
from gateway.core.errors import ConfigError

_names = itertools.count()


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., Callbacks]:
    """Write a module, and make callbacks of it."""

    def made(text: str, **how) -> Callbacks:
        name = f"callbacks_under_test_{next(_names)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return Callbacks(name, folder=tmp_path, **how)

    return made


async def test_without_a_module_there_are_none():
    callbacks = Callbacks()
    await callbacks.start()
    assert "jwt" not in callbacks
    await callbacks.tell("on_sign_in", user={}, account={})


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_function_gets_the_arguments_that_it_takes(module, kind):
    callbacks = module(f"{kind} jwt(*, token, trigger=None): return [token, trigger]\n")
    await callbacks.start()
    assert await callbacks.ask("jwt", token={"sub": "ada"}, user=None, account=None, trigger="update", session=7) == [
        {"sub": "ada"},
        "update",
    ]


async def test_one_that_takes_anything_gets_everything(module):
    callbacks = module("def session(**all): return sorted(all)\n")
    await callbacks.start()
    assert await callbacks.ask("session", session={}, token={}) == ["session", "token"]


async def test_what_it_changes_without_giving_it_back_does_not_count(module):
    callbacks = module("def jwt(*, token): token['deep']['a'] = 2\n")
    await callbacks.start()
    token = {"deep": {"a": 1}}
    assert await callbacks.ask("jwt", token=token) is None
    assert token == {"deep": {"a": 1}}


async def test_what_can_not_be_copied_is_a_failure_like_any_other(module, caplog):
    callbacks = module("def jwt(*, token): return token\n")
    await callbacks.start()
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(CallbackFailed):
        await callbacks.ask("jwt", token={"deep": deep})
    assert "error=RecursionError" in caplog.text


async def test_plain_functions_do_not_stop_the_loop(module):
    callbacks = module("import threading\ndef redirect(*, url, base_url): return threading.current_thread().name\n")
    await callbacks.start()
    assert await callbacks.ask("redirect", url="/", base_url="x") == "callback"


@pytest.mark.parametrize(
    "does",
    [
        "raise ValueError(user['name'])",
        "raise StopIteration",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt(user['name'])",
        "import asyncio; raise asyncio.CancelledError(user['name'])",
        "return 1 / 0",
        "raise BaseExceptionGroup(user['name'], [SystemExit(1)])",
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_one_that_raises_is_named_with_its_place_and_without_its_words(module, caplog, kind, does):
    callbacks = module(f"{kind} sign_in(*, user, account, credentials):\n    {does}\n")
    await callbacks.start()
    with pytest.raises(CallbackFailed) as raised:
        await callbacks.ask("sign_in", user={"name": "hunter2-typed-here"}, account={}, credentials={})
    assert "hunter2" not in caplog.text + str(raised.value)
    assert "callback-failed callback=sign_in" in caplog.text


@pytest.mark.parametrize("does", ["raise SystemExit", "raise KeyboardInterrupt", "raise BaseExceptionGroup('', [SystemExit()])"])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_what_would_end_a_program_is_named_with_its_place_too(module, caplog, kind, does):
    callbacks = module(f"{kind} jwt(*, token):\n    {does}\n")
    await callbacks.start()
    with pytest.raises(CallbackFailed):
        await callbacks.ask("jwt", token={})
    assert "callbacks_under_test" in caplog.text.partition("where=")[2]


@pytest.mark.parametrize(
    "text",
    [
        "import time\ndef jwt(*, token): time.sleep(0.5)",
        "import asyncio\nasync def jwt(*, token): await asyncio.sleep(60)",
        "import asyncio\nasync def jwt(*, token):\n    while True:\n        try: await asyncio.sleep(0.2)\n        except BaseException: break",
    ],
)
async def test_one_that_takes_too_long_is_left_behind(module, caplog, text):
    callbacks = module(text, time_limit_s=0.05)
    await callbacks.start()
    with pytest.raises(CallbackFailed):
        await callbacks.ask("jwt", token={})
    assert "it took too long" in caplog.text


async def test_a_machine_that_was_short_of_threads_is_forgiven(module, monkeypatch):
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    callbacks = module("def jwt(*, token): return token\n", time_limit_s=5)
    await callbacks.start()
    with monkeypatch.context() as scarce:
        scarce.setattr(threading.Thread, "start", no_thread)
        for _ in range(MOST_THREADS + 1):
            with pytest.raises(CallbackFailed):
                await callbacks.ask("jwt", token={})
    assert await callbacks.ask("jwt", token={"sub": "ada"}) == {"sub": "ada"}


async def test_an_event_that_raises_changes_nothing(module, caplog):
    callbacks = module("def on_sign_out(*, token): raise RuntimeError\n")
    await callbacks.start()
    await callbacks.tell("on_sign_out", token={})
    assert "callback=on_sign_out" in caplog.text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("import nothing_of_this_name", "can't be imported: ModuleNotFoundError", id="a-missing-import"),
        pytest.param("raise SystemExit", "can't be imported: SystemExit", id="it-exits"),
        pytest.param("jtw = None", "defines no callback", id="nothing-known"),
        pytest.param("jwt = 7", "jwt is no function", id="no-function"),
        pytest.param("def jwt(token, /): ...", "can't be called", id="by-position"),
        pytest.param("def jwt(*, token, tenant): ...", "can't be called: missing a required argument: 'tenant'", id="another-argument"),
    ],
)
async def test_a_module_that_can_not_work_stops_the_start(module, text, problem):
    with pytest.raises(ConfigError) as raised:
        await module(text).start()
    assert problem in str(raised.value)
    assert all(problem.cure for problem in raised.value.problems)


async def test_all_problems_are_told_at_once(module):
    with pytest.raises(ConfigError) as raised:
        await module("jwt = 7\nsession = 8\n").start()
    assert len(raised.value.problems) == 2


async def test_the_log_has_the_whole_way_to_where_it_was_raised(module, caplog):
    caplog.set_level(logging.ERROR)
    callbacks = module("def helper():\n    raise KeyError\ndef jwt(*, token):\n    helper()\n")
    await callbacks.start()
    with pytest.raises(CallbackFailed):
        await callbacks.ask("jwt", token={})
    assert ":2 < " in caplog.text
    assert ":4 < " in caplog.text
