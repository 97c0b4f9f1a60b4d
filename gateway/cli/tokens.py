"""`gateway tokens`: what programs show instead of a session, issued for a user, for some requests, until some day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import TEXT, json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from gateway.settings.model import Settings
    from gateway.tokens.sql_tokens import Issued, SqlTokens

_T = TypeVar("_T")
EXIT_NO = 1
_LIMIT_S = 5.0
EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
#: Providers that keep users themselves: whom none of them knows, nobody does.
_KEEPING = frozenset({"users", "sql"})


@click.group()
def tokens() -> None:
    """Issue, list and revoke tokens for programs.

    A token stands for a user on the routes that accept `bearer`. They live in the database of `store.url`; a running gateway sees every
    change within five seconds.
    """


@tokens.command()
@click.option("--user", "user_id", required=True, type=TEXT, metavar="ID", help="Whom the token stands for.")
@click.option("--expires", default="90d", show_default=True, metavar="DURATION", help="How long it is good, such as 12h or 365d.")
@click.option("--scope", "scopes", multiple=True, type=TEXT, metavar="SCOPE", help="What it may be used for: '/api/**', 'GET,HEAD /api/**', 'GET app.example.com/api/**'. May be repeated. [default: whatever the user may do]")  # fmt: skip
@click.option("--name", default="", type=TEXT, metavar="TEXT", help="What it is for, to know it again in the list.")
@click.option(
    "--role", "roles", multiple=True, type=TEXT, metavar="R", help="A role, where no provider can look the user up. May be repeated."
)
@click.option("--group", "groups", multiple=True, type=TEXT, metavar="G", help="A group, likewise.")
@click.option("--email", type=TEXT, metavar="ADDRESS", help="An address, likewise.")
@config_option
@json_option
def new(
    user_id: str, expires: str, scopes: tuple[str, ...], name: str, roles: tuple[str, ...], groups: tuple[str, ...], email: str | None,
    config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Issue a token, and print it: this once, and never again."""
    settings = load_config(config).settings
    life = _life(expires)
    _check_scopes(scopes, settings)
    from gateway.tokens.sql_tokens import Issued
    from gateway.tokens.token import digest_of, new_token

    given = {"email": email, "roles": list(roles), "groups": list(groups)}
    provider, attributes = asyncio.run(_whose(user_id, {key: value for key, value in given.items() if value}, settings))
    now = datetime.now(UTC).replace(microsecond=0)
    token = new_token()
    issued = Issued(
        digest=digest_of(token), user_id=user_id, provider=provider, attributes=attributes, name=name, scopes=scopes, created_at=now,
        expires_at=now + life,
    )  # fmt: skip
    _on(settings, lambda store: store.add(issued))
    if as_json:
        print_json({"token": token, **_as_json(issued, now)})
        return
    click.echo(token)
    _say(f"token {issued.id} for {user_id}, good until {issued.expires_at:%Y-%m-%d %H:%M} UTC. It is not shown again.")
    if not any("bearer" in route.accepts for route in settings.routes):
        _say('no route takes it yet: write accepts = ["session", "bearer"] in a [[routes]]')


@tokens.command("list")
@click.option("--user", "user_id", type=TEXT, metavar="ID", help="Those of one user only.")
@config_option
@json_option
def list_tokens(user_id: str | None, config: Path | None, as_json: bool) -> None:
    """List the tokens that were issued, those that were over for a month left out. Nobody can show a token itself."""
    settings, now = load_config(config).settings, datetime.now(UTC)
    found = [issued for issued in _on(settings, lambda store: store.all()) if user_id in (None, issued.user_id)]
    if as_json:
        print_json([_as_json(issued, now) for issued in found])
        return
    if not found:
        click.echo(plain(f"there are none; issue one with `gateway tokens new --user {user_id or 'ID'}`"))
        return
    print_table(("ID", "USER", "NAME", "FOR", "UNTIL", ""), (_row(issued, now) for issued in found))


@tokens.command()
@click.argument("ids", nargs=-1, type=TEXT, metavar="[ID]...")
@click.option("--user", "user_id", type=TEXT, metavar="ID", help="All tokens of a user.")
@config_option
@json_option
@click.pass_context
def revoke(ctx: click.Context, ids: tuple[str, ...], user_id: str | None, config: Path | None, as_json: bool) -> None:
    """End tokens, by the ids that `list` shows, or all of a user.

    Exits with 1 if there is no such token, and with 75 if the store of sessions could not be told: the tokens are over, but what runs with
    them is not. Say it again then.
    """
    if bool(ids) == (user_id is not None):
        raise click.UsageError("name the tokens by their ids, or a user with --user")
    settings = load_config(config).settings
    found, ended = _on(settings, lambda store: _revoke(store, ids, user_id))
    untold = asyncio.run(_end_what_runs(found, settings)) if found and settings.session.revocation != "memory" else None
    known = [issued.id for issued in found]
    missing = [asked for asked in ids if asked not in known] or ([user_id] if user_id is not None and not found else [])
    if as_json:
        print_json({"revoked": known, "ended": ended, "missing": missing, "store_not_told": untold})
    else:
        for issued in found:
            click.echo(plain(f"revoked {issued.id} of {issued.user_id}{f' ({issued.name})' if issued.name else ''}"))
        for asked in missing:
            _say(f"there is no token of {asked}" if user_id else f"there is no token {asked}; `gateway tokens list` shows which there are")
    if untold is not None:
        _say(f"no new request is let in by them, but what is open with them, WebSockets and answers that last, stays open: {untold}")
        _say("see that it runs and can be reached from here, then give the same command once more")
        ctx.exit(EXIT_AGAIN)
    if missing:
        ctx.exit(EXIT_NO)


async def _revoke(store: SqlTokens, ids: Sequence[str], user_id: str | None) -> tuple[Sequence[Issued], int]:
    found = [issued for issued in await store.all() if issued.id in ids or issued.user_id == user_id]
    return found, await store.revoke([issued.digest for issued in found], now=datetime.now(UTC))


async def _end_what_runs(found: Sequence[Issued], settings: Settings) -> str | None:
    """Where sign-outs are shared, what the tokens opened is over at once, too; the record of tokens is what counts in any case.

    Returns:
        Why it is not; None if it is.
    """
    from gateway.sessions.stores import ports_of
    from gateway.store.errors import StoreAway, WrongDatabase

    ledger, _ = ports_of(settings.store.for_sessions)
    try:
        await ledger.prepare()
        await ledger.write({f"token:{issued.id}": issued.expires_at for issued in found}, limit_s=_LIMIT_S)
    except (StoreAway, WrongDatabase) as error:
        why = "gives no answer" if isinstance(error, StoreAway) else f"can't be used, {error}"
        return f"the store of sessions {why} ({settings.store.sessions_key}, {ledger.place})"
    finally:
        await ledger.close()
    return None


def _on(settings: Settings, use: Callable[[SqlTokens], Awaitable[_T]]) -> _T:
    from gateway.tokens.sql_tokens import PATIENT_LIMIT_S, SqlTokens

    async def using() -> _T:
        store = SqlTokens(settings.store.url, time_limit_s=PATIENT_LIMIT_S)
        try:
            await store.start()
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(using())


async def _whose(user_id: str, given: dict[str, object], settings: Settings) -> tuple[str, dict[str, object]]:
    """The provider that knows the user; or none, and who the command line says that it is."""
    from gateway.providers.attributes import AttributesRefused, user_of
    from gateway.providers.build import build_chain

    chain = build_chain(settings)
    await chain.start()
    try:
        found = await chain.find(user_id)
        if found is not None and await chain.find_active(found[1], user_id) is None:
            _say(f"{user_id} is disabled: no token is good until they may sign in again")
    finally:
        await chain.close()
    if found is not None:
        user, provider = found
        if user.id != user_id:
            raise click.UsageError(f"{user_id} is a name to sign in with; the user's id is {user.id}")
        if given:
            raise click.UsageError(f"provider {provider} knows {user_id}: leave --role, --group and --email out")
        return provider, {}
    if all(entry.type in _KEEPING for entry in settings.providers) and settings.providers:
        raise click.UsageError(f"there is no user {user_id}; `gateway users list` shows which there are")
    try:
        user_of(given, default_id=user_id)
    except AttributesRefused as refused:
        raise click.UsageError(str(refused)) from None
    return "", given


def _life(text: str) -> timedelta:
    from pydantic import TypeAdapter, ValidationError

    from gateway.settings.values.duration import DURATION_FORM, Span

    try:
        found: timedelta = TypeAdapter(Span).validate_python(text)
    except ValidationError:
        raise click.UsageError(f"--expires {text}: {DURATION_FORM}, and at most 3650d") from None
    return found


def _check_scopes(scopes: Sequence[str], settings: Settings) -> None:
    from gateway.core.credentials import Scope

    for text in scopes:
        try:
            Scope.parse(text, scheme=settings.server.public_url.scheme)
        except ValueError as error:
            raise click.UsageError(f"--scope {text!r}: {error}") from None


def _state(issued: Issued, now: datetime) -> str:
    if issued.revoked_at is not None:
        return "revoked"
    return "expired" if now >= issued.expires_at else "good"


def _row(issued: Issued, now: datetime) -> tuple[str, ...]:
    state, scopes = _state(issued, now), ", ".join(issued.scopes) or "everything"
    return issued.id, issued.user_id, issued.name, scopes, f"{issued.expires_at:%Y-%m-%d %H:%M}", "" if state == "good" else state


def _as_json(issued: Issued, now: datetime) -> dict[str, object]:
    return {
        "id": issued.id,
        "user": issued.user_id,
        "name": issued.name,
        "scopes": list(issued.scopes),
        "created_at": issued.created_at.isoformat(),
        "expires_at": issued.expires_at.isoformat(),
        "state": _state(issued, now),
    }


def _say(text: str) -> None:
    """To people; standard output is for the token alone."""
    click.echo(plain(text), err=True)
