"""The recordings of the real packages, and a gateway that is configured as the recorded server was."""

from __future__ import annotations

import json
import re
import sys
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.providers.base import Field, SignInRefused
from gateway.providers.python_function import PythonFunction
from gateway.sessions.keys import KeyRing
from tests.web.auth.conftest import Clock, Site, make_site

DATA = Path(__file__).parent / "data"
RECORDED: dict[str, Any] = json.loads((DATA / "traces.json").read_text("utf-8"))
TRACES: list[dict[str, Any]] = RECORDED["traces"]
SECRET: str = RECORDED["secret"]
#: The request is sent this much later than it was recorded, so that a token that was made just before is due for renewal.
LATER = timedelta(seconds=60)
FIELDS = (
    Field(key="username", label="User name"),
    Field(key="password", label="Password", type="password"),
    Field(key="otp", label="otp"),
)
PAGES = {"pages": {"sign_in": "/login", "sign_out": "/bye", "error": "/oops"}, "pages_query": {"sign_in": "/login?brand=x"}}
MAX_AGE = {"maxage_1h": timedelta(hours=1)}


def max_age_of(trace: dict[str, Any]) -> timedelta:
    """How long the recorded sessions lasted."""
    return MAX_AGE.get(trace["config"], timedelta(days=30))


def site_for(trace: dict[str, Any], calls: list[str]) -> Site:
    """The gateway; what it calls is noted by the names of the recording."""
    name = f"recorded_{trace['config']}"
    module = types.ModuleType(name)
    vars(module).update(callbacks_of(trace["config"], calls))
    module.authorize = authorize_of(trace, calls)
    sys.modules[name] = module
    declared = [("credentials", "Test Login", FIELDS), ("ldap", "LDAP", (Field(key="user", label="User"),))]
    providers = [
        PythonFunction(id=id, name=called, fields=fields, authorize=f"{name}:authorize", folder=Path())
        for id, called, fields in declared[: 2 if trace["config"] == "second_provider" else 1]
    ]
    secrets = (SECRET,) if trace["config"] != "rotated" else ("rotated-in-secret-2222222222222222222222", SECRET)
    return make_site(
        providers=providers,
        public_url=trace["base_url"],
        keys=KeyRing(secrets),
        clock=Clock(now=datetime.fromtimestamp(trace["at"], UTC) + LATER),
        settings={
            "session": {
                "format": "authjs-v5" if trace["family"] == "v5" else "authjs-v4",
                "max_age": max_age_of(trace),
                "absolute_max_age": timedelta(days=90),
                "update_age": "0s",
            },
            "callbacks": {} if trace["config"] == "bare" else {"module": name},
            "pages": PAGES.get(trace["config"], {}),
            "redirects": {"allowed_origins": ["https://partner.example"] if trace["config"] == "redirect_custom" else []},
        },
    )


def host_of(trace: dict[str, Any]) -> str:
    """What the browser had typed."""
    return urlsplit(trace["base_url"]).netloc


def authorize_of(trace: dict[str, Any], calls: list[str]):
    """An `authorize()` that gives what the recorded one gave."""
    recorded = next((call for call in trace["calls"] if call["fn"] == "authorize"), None)

    async def authorize(credentials, request):
        calls.append("authorize")
        if trace["config"] == "harness":  # its calls were not recorded
            right = credentials["password"] == RECORDED["password"]
            return RECORDED["users"][credentials["username"]] if right else None
        assert recorded is not None, "the recorded server did not ask"
        if "threw" in recorded and trace["name"].endswith("custom_code"):
            raise SignInRefused("custom" if trace["family"] == "v4" else "account_locked")
        if "threw" in recorded:
            raise RuntimeError(recorded["threw"])
        return whole(recorded["returned"])

    return authorize


def whole(user: Any) -> Any:
    """A recorded user; long texts were cut, with their length behind."""
    if not isinstance(user, dict):
        return user
    cut = {key: re.fullmatch(r"(.*)\.\.\.\((\d+)\)", value) if isinstance(value, str) else None for key, value in user.items()}
    return {key: (found[1] * 200)[: int(found[2])] if (found := cut[key]) else value for key, value in user.items()}


def callbacks_of(config: str, calls: list[str]) -> dict[str, Any]:
    """The callbacks that the configuration had, in our spelling."""

    async def sign_in(*, user, account, credentials):
        calls.append("callbacks.signIn")
        if config == "signin_throws":
            raise RuntimeError("Not today")
        return {
            "signin_false": False,
            "signin_path": "/unauthorized?why=1",
            "signin_external": "https://evil.example/landing",
        }.get(config, True)

    async def jwt(*, token, user, trigger, session):
        calls.append("callbacks.jwt")
        if config == "jwt_null_always" or (config.startswith("jwt_null") and trigger != "signIn"):
            return None
        if config == "jwt_throws_signin" or (config == "jwt_throws" and trigger != "signIn"):
            raise RuntimeError("boom")
        if user and user.get("role"):
            token["role"] = user["role"]
        if trigger == "update" and isinstance(session, dict) and session.get("name"):
            token["name"] = session["name"]
        return token

    async def session(*, session, token):
        calls.append("callbacks.session")
        if config == "session_throws":
            raise RuntimeError("boom")
        if config == "session_null":
            return None
        shown = {"id": token["sub"], "role": token.get("role")}
        return session | {"user": session["user"] | {key: value for key, value in shown.items() if value is not None}}

    async def on_sign_in(**_):
        calls.append("events.signIn")
        if config == "event_throws":
            raise RuntimeError("boom")

    async def on_sign_out(**_):
        calls.append("events.signOut")

    async def on_session(**_):
        calls.append("events.session")

    async def redirect(*, url, base_url):
        calls.append("callbacks.redirect")
        if config == "redirect_custom":
            return url if url.startswith("https://partner.example/") else f"{base_url}/home"
        return f"{base_url}{url}" if url.startswith("/") else url

    found = {"on_sign_in": on_sign_in, "on_sign_out": on_sign_out, "on_session": on_session, "sign_in": sign_in, "jwt": jwt}
    if config != "jwt_null_default_session":
        found["session"] = session
    if config.startswith("redirect_"):
        found["redirect"] = redirect
    return found
