"""`gateway sessions`: who is signed in, and ending it; by way of the store that the gateway uses, so that no gateway need run."""

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
    from gateway.sessions.ledger import Ledger
    from gateway.sessions.register import Register, SignIn
    from gateway.settings.model import Settings

_T = TypeVar("_T")
_LIMIT_S = 5.0
_MOST = 10_000
_AT_ONCE = 1000
#: Beyond the longest life: clocks differ.
_LONGER = timedelta(minutes=2)


@click.group()
def sessions() -> None:
    """List who is signed in, and end it.

    Both work on the store of the configuration, so with `session.revocation = "store"` only. Running gateways hear of it within seconds.
    """


@sessions.command("list")
@click.option("--user", type=TEXT, metavar="ID", help="Those of one user only.")
@config_option
@json_option
def list_sessions(user: str | None, config: Path | None, as_json: bool) -> None:
    """List sign-ins that have not ended, last seen first."""
    from gateway.sessions.sign_ins import living

    async def found(_: Ledger, register: Register) -> Sequence[SignIn]:
        return await register.of(user, limit_s=_LIMIT_S, most=_MOST + 1)

    all_found = _on(load_config(config).settings, found)
    if len(all_found) > _MOST:
        whose = "; --user ID lists those of one user" if user is None else ""
        click.echo(f"there are more than {_MOST} sign-ins: not all are listed{whose}", err=True)
    sign_ins = living(all_found[:_MOST], now=datetime.now(UTC))
    if as_json:
        print_json([_as_json(sign_in) for sign_in in sign_ins])
        return
    if not sign_ins:
        click.echo("nobody is signed in" if user is None else plain(f"{user} is not signed in"))
        return
    print_table(("ID", "USER", "SIGNED IN", "LAST SEEN", "FROM", "BROWSER"), map(_row, sign_ins))


@sessions.command()
@click.argument("ids", nargs=-1, type=TEXT, metavar="[ID]...")
@click.option("--user", type=TEXT, metavar="ID", help="Whatever this user is signed in to, listed or not.")
@click.option("--all", "everybody", is_flag=True, help="Everybody. They have to sign in again.")
@config_option
@json_option
def revoke(ids: tuple[str, ...], user: str | None, everybody: bool, config: Path | None, as_json: bool) -> None:
    """End sign-ins: by their IDs as `list` shows them, all of a user, or all."""
    if sum((bool(ids), user is not None, everybody)) != 1:
        raise click.UsageError("say what to end: IDs, or --user ID, or --all")
    if user == "" or any(not id or " " in id for id in ids):  # what a script says whose variable is empty
        raise click.UsageError("an id is never empty, and that of a sign-in holds no space; `gateway sessions list` shows them")
    settings = load_config(config).settings
    until = datetime.now(UTC) + settings.session.absolute_max_age + _LONGER

    async def end(ledger: Ledger, register: Register) -> list[str]:
        from gateway.sessions.cutoff import Cutoff

        if ids:
            listed = [id for id in ids if await register.find(id, limit_s=_LIMIT_S) is not None]
            await ledger.write(dict.fromkeys(ids, until), limit_s=_LIMIT_S)
            if listed:
                await register.remove(listed, limit_s=_LIMIT_S)
            return listed
        await ledger.write({Cutoff(datetime.now(UTC), user).entry: until}, limit_s=_LIMIT_S)
        ended: list[str] = []
        # What is listed is ended by its id, too: the clock that a sign-in was made by may be ahead of this one.
        while listed := [sign_in.id for sign_in in await register.of(user, limit_s=_LIMIT_S, most=_AT_ONCE)]:
            await ledger.write(dict.fromkeys(listed, until), limit_s=_LIMIT_S)
            await register.remove(listed, limit_s=_LIMIT_S)
            ended += listed
        return ended

    ended = _on(settings, end)
    if as_json:
        print_json({"ended": ended, "not_listed": [id for id in ids if id not in ended]})
        return
    for id in ids:
        if id not in ended:
            click.echo(plain(f"{id} is not listed; if there is such a sign-in, it is over"), err=True)
    if user is not None and not ended:
        click.echo(plain(f"{user} is not signed in, as far as is listed; is that the id that upstreams are told?"), err=True)
    whose = "" if ids else " of everybody" if everybody else f" of {user}"
    click.echo(plain(f"ended {len(ended)} sign-in{'' if len(ended) == 1 else 's'}{whose}; running gateways refuse them within seconds"))


def _on(settings: Settings, use: Callable[[Ledger, Register], Awaitable[_T]]) -> _T:
    """Open the store, use it, close it.

    Raises:
        ConfigError: The store can't be used as configured.
        GatewayError: It does not answer.
    """
    from gateway.core.errors import ConfigError, GatewayError
    from gateway.core.problem import Problem
    from gateway.sessions.stores import ports_of
    from gateway.store.errors import StoreAway, WrongDatabase

    if settings.session.revocation != "store":
        raise click.UsageError("the configuration names no store, so nobody writes down who is signed in: add [store] url")

    async def using() -> _T:
        ledger, register = ports_of(settings.store.for_sessions)
        try:
            await ledger.prepare()
            return await use(ledger, register)
        except WrongDatabase as error:
            problem = Problem(key=settings.store.sessions_key, what=str(error), cure=error.cure, value=ledger.place)
            raise ConfigError([problem]) from error
        except StoreAway as error:
            raise GatewayError(f"the store does not answer ({ledger.place}): see that it runs and can be reached from here") from error
        finally:
            await ledger.close()

    return asyncio.run(using())


def _row(sign_in: SignIn) -> tuple[str, ...]:
    from gateway.core.browser_name import browser_name

    moments = (f"{moment:%Y-%m-%d %H:%M}" for moment in (sign_in.signed_in_at, sign_in.seen_at))
    return sign_in.id, sign_in.user_id, *moments, sign_in.address, browser_name(sign_in.browser)


def _as_json(sign_in: SignIn) -> dict[str, object]:
    moments = {name: getattr(sign_in, name).isoformat() for name in ("signed_in_at", "seen_at", "ends_at")}
    facts = {name: getattr(sign_in, name) for name in ("address", "browser")}
    return {"id": sign_in.id, "user": sign_in.user_id, "provider": sign_in.provider, **moments, **facts}
