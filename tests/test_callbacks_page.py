"""The examples of docs/callbacks.md and config/examples/my_callbacks.py do what they say."""

from __future__ import annotations

import itertools
import json
import re
import sys
import types
from pathlib import Path

import pytest

from gateway.callbacks.module import Callbacks
from gateway.callbacks.protocol import ARGUMENTS
from tests.people import ADA, BOB
from tests.web.auth.conftest import People, open_site, session_in  # noqa: F401  # a fixture

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/callbacks.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
_names = itertools.count()


def module_of(text: str) -> str:
    name = f"callbacks_of_the_page_{next(_names)}"
    module = types.ModuleType(name)
    exec(text, vars(module))  # our own page
    sys.modules[name] = module
    return name


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: re.search(r"def (\w+)", text)[1])
async def test_every_example_of_the_page_can_be_called_as_the_gateway_calls_it(text):
    callbacks = Callbacks(module_of(text))
    await callbacks.start()
    claims = {"sub": "ada", "name": "Ada Lovelace", "roles": [], "groups": []}
    arguments = {
        "user": {"id": "ada", "groups": []},
        "account": {"provider": "credentials"},
        "credentials": {},
        "url": "/",
        "base_url": "http://localhost:8080",
        "token": claims,
        "trigger": "update",
        "session": {"user": {}, "theme": "dark"},
    }
    for name in (name for name in ARGUMENTS if name in callbacks):
        answer = await callbacks.ask(name, **{key: arguments[key] for key in ARGUMENTS[name]})
        assert answer in (True, "http://localhost:8080/dashboard") or isinstance(answer, dict)


def test_every_callback_is_in_the_table():
    for name in ARGUMENTS:
        assert f"`{name}(*, " in PAGE


async def test_the_whole_example_signs_in_shows_updates_and_turns_away(open_site):  # noqa: F811  # the fixture
    text = (ROOT / "config/examples/my_callbacks.py").read_text("utf-8")
    site = await open_site(settings={"callbacks": {"module": module_of(text)}}, providers=[People(users={"ada": ADA, "bob": BOB})])
    ada, bob = site.browser(), site.browser()
    done = await ada.sign_in(path="/api/auth/signin?callbackUrl=/")
    assert done.headers["Location"] == "/home"
    shown = await (await ada.get("/api/auth/session")).json()
    assert (shown["user"]["id"], shown["user"]["team"]) == ("ada", "engines")
    csrf = (await (await ada.get("/api/auth/csrf")).json())["csrfToken"]
    body = json.dumps({"csrfToken": csrf, "data": {"name": "Countess of Lovelace"}}).encode()
    updated = await ada.send("POST", "/api/auth/session", headers={"Content-Type": "application/json"}, data=body)
    assert (await updated.json())["user"]["name"] == "Countess of Lovelace"
    assert (await bob.sign_in("bob")).headers["Location"] == "/public/not-a-member"
    assert session_in(site, bob) is None
