"""`gateway sessions`: on a store, with no gateway that runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.identity import Session, User
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.kept_cookies import KeptSessionCookies
from gateway.sessions.keys import KeyRing
from gateway.sessions.register import SignIn
from gateway.sessions.stores import open_session_store, ports_of
from gateway.web.clock import utc_now
from tests.cli.conftest import CONFIG

NOW = datetime.now(UTC).replace(microsecond=0)
ADA = SignIn(
    id="ada-1", user_id="ada", provider="credentials", signed_in_at=NOW - timedelta(hours=2), seen_at=NOW - timedelta(minutes=3),
    ends_at=NOW + timedelta(days=1), address="192.0.2.7", browser="Mozilla/5.0 (X11; Linux) Firefox/140.0\x1b[2J",
)  # fmt: skip
BOB = replace(ADA, id="bob-1", user_id="bob")
ENDED = replace(ADA, id="ada-0", ends_at=NOW - timedelta(minutes=1))
#: A sign-in that nobody wrote down.
UNLISTED = Session(
    user=User(id="ada"), token_id="t", sign_in_id="ada-9", signed_in_at=NOW - timedelta(hours=1), issued_at=NOW, expires_at=NOW
)


@pytest.fixture
def url(configured: Path) -> str:
    """The address of a store with some sign-ins."""
    url = f"sqlite:///{configured}/gateway.db"
    (configured / "gateway.toml").write_text(CONFIG + f'[store]\nurl = "{url}"\n')

    async def fill() -> None:
        ledger, register = ports_of(url)
        await ledger.prepare()
        for sign_in in (ADA, BOB, ENDED):
            await register.add(sign_in, None, limit_s=5)
        await ledger.close()

    asyncio.run(fill())
    return url


def refusals(url: str, *sessions: Session) -> list[Reason | None]:
    """What a gateway would say to these."""

    async def ask() -> list[Reason | None]:
        store = open_session_store(url, clock=utc_now)
        await store.revocations.start()
        try:
            return [store.revocations.refusal_of(session) for session in sessions]
        finally:
            await store.revocations.close()

    return asyncio.run(ask())


def session_of(sign_in: SignIn) -> Session:
    return replace(UNLISTED, user=User(id=sign_in.user_id), sign_in_id=sign_in.id, signed_in_at=sign_in.signed_in_at)


def ids(run, *arguments: str) -> list[str]:
    result = run("sessions", "list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return sorted(entry["id"] for entry in json.loads(result.stdout))


def test_who_is_signed_in_is_listed_with_where_from_and_since_when(url, run):
    shown = run("sessions", "list").stdout
    assert f"ada-1  ada   {ADA.signed_in_at:%Y-%m-%d %H:%M}  {ADA.seen_at:%Y-%m-%d %H:%M}  192.0.2.7  Firefox on Linux" in shown
    assert "\x1b" not in shown
    assert "ada-0" not in shown
    assert ids(run) == ["ada-1", "bob-1"]
    assert ids(run, "--user", "ada") == ["ada-1"]
    assert run("sessions", "list", "--user", "cyd").stdout == "cyd is not signed in\n"


def test_one_is_ended_by_its_id_and_no_other(url, run):
    assert run("sessions", "revoke", "ada-1").exit_code == 0
    assert refusals(url, session_of(ADA), session_of(BOB)) == [Reason.SESSION_REVOKED, None]
    assert ids(run) == ["bob-1"]


def test_an_id_that_is_not_listed_is_refused_all_the_same_and_that_is_said(url, run):
    result = run("sessions", "revoke", "ada-9")
    assert (result.exit_code, "ada-9 is not listed" in result.stderr) == (0, True)
    assert refusals(url, UNLISTED) == [Reason.SESSION_REVOKED]


def test_a_user_of_whom_nothing_is_listed_is_said(url, run):
    result = run("sessions", "revoke", "--user", "Ada")
    assert (result.exit_code, "Ada is not signed in" in result.stderr) == (0, True)


def test_all_of_a_user_is_ended_listed_or_not_and_a_later_sign_in_is_good(url, run):
    """Promise 38."""
    result = run("sessions", "revoke", "--user", "ada", "--json")
    assert "ada-1" in json.loads(result.stdout)["ended"]
    later = replace(UNLISTED, signed_in_at=datetime.now(UTC) + timedelta(seconds=1))
    found = refusals(url, session_of(ADA), UNLISTED, later, session_of(BOB))
    assert found == [Reason.SESSION_REVOKED, Reason.SESSION_REVOKED, None, None]


def test_everybody_is_ended(url, run):
    """Promise 38."""
    assert run("sessions", "revoke", "--all").exit_code == 0
    later = replace(UNLISTED, signed_in_at=datetime.now(UTC) + timedelta(seconds=1))
    assert refusals(url, session_of(ADA), session_of(BOB), UNLISTED, later) == [Reason.SESSION_REVOKED] * 3 + [None]
    assert ids(run) == []


@pytest.mark.parametrize("arguments", [(), ("ada-1", "--user", "ada"), ("--user", "ada", "--all")])
def test_what_to_end_has_to_be_said_in_one_way(url, run, arguments):
    result = run("sessions", "revoke", *arguments)
    assert (result.exit_code, "say what to end" in result.stderr) == (2, True)
    assert refusals(url, session_of(ADA)) == [None]


@pytest.mark.parametrize("arguments", [("--user", ""), ("",), ("ada-1", "before 1 all")])
def test_what_is_no_id_ends_nothing(url, run, arguments):
    result = run("sessions", "revoke", *arguments)
    assert (result.exit_code, "never empty" in result.stderr) == (2, True)
    assert refusals(url, session_of(ADA), UNLISTED) == [None, None]


def test_without_a_store_it_says_what_is_missing(configured, run):
    result = run("sessions", "list")
    assert (result.exit_code, "add [store] url" in result.stderr) == (2, True)


def test_a_store_that_does_not_answer_is_said_without_its_password(configured, run):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}/0"
        (configured / "gateway.toml").write_text(CONFIG + f'[store]\nsessions_url = "redis://gateway:hunter2@{address}"\n')
        result = run("sessions", "list")
    assert (result.exit_code, f"the store does not answer (redis://{address})" in result.stderr) == (1, True)
    assert "hunter2" not in result.output


@pytest.fixture
def id_cookie(configured: Path) -> str:
    """The cookie of somebody whose session lives in the store."""
    url = f"sqlite:///{configured}/gateway.db"
    config = CONFIG.replace("[session]", '[session]\nstrategy = "server"')
    (configured / "gateway.toml").write_text(config + f'[store]\nurl = "{url}"\n')

    async def sign_in() -> str:
        store = open_session_store(url, clock=utc_now)
        await store.revocations.start()
        try:
            cookies = KeptSessionCookies(
                KeyRing.of(["a-test-secret-that-is-long-enough-for-anybody"]), secure=False, lifetime=Lifetime(),
                sign_ins=store.sign_ins, revocations=store.revocations,
            )  # fmt: skip
            session = cookies.new(User(id="ada", roles=("admin",)), "credentials", now=utc_now())
            line = cookies.write(session, now=utc_now())[-1]
            await cookies.save(session, new=True)
            return line.partition(";")[0]
        finally:
            await store.revocations.close()

    return asyncio.run(sign_in())


def test_explain_asks_the_store_for_a_session_that_lives_there(id_cookie, run):
    shown = run("explain", "/admin/x", "--cookie", id_cookie, "--json")
    assert json.loads(shown.stdout)["decision"] == "allow", shown.output
    made_up = id_cookie[:-3] + ("AAA" if not id_cookie.endswith("AAA") else "BBB")
    assert json.loads(run("explain", "/admin/x", "--cookie", made_up, "--json").stdout)["reason"] == "session-unreadable"


@pytest.mark.parametrize("command", [("session", "decode"), ("authjs", "doctor")])
def test_whoever_looks_into_the_cookie_is_told_that_it_is_an_id(id_cookie, run, command):
    result = run(*command, id_cookie)
    assert (result.exit_code, "no token but an id" in result.stdout) == (1, True)


def test_thousands_are_listed_as_far_as_is_said_and_all_of_them_end(url, run):
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        seconds = [int(moment.timestamp()) for moment in (ADA.signed_in_at, ADA.seen_at, ADA.ends_at)]
        rows = ((f"many-{number}", "ada", "credentials", *seconds, "", "") for number in range(10_100))
        database.executemany("insert into signed_in values (?, ?, ?, ?, ?, ?, ?, ?, null, null)", rows)
    listed = run("sessions", "list", "--json")
    assert len(json.loads(listed.stdout)) == 10_000 - 1  # one of these has ended by itself
    assert "more than 10000 sign-ins: not all are listed; --user ID" in listed.stderr
    assert "ended 10103 sign-ins of everybody" in run("sessions", "revoke", "--all").stdout
    assert run("sessions", "list").stdout == "nobody is signed in\n"
    assert refusals(url, session_of(replace(ADA, id="many-7"))) == [Reason.SESSION_REVOKED]
