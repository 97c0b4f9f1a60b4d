"""`gateway users`: who may sign in, where the gateway keeps that itself: in a users file or in its table."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import TEXT, json_option, plain, print_json, print_table
from gateway.cli.quick import ask_password, hash_password, user_name

if TYPE_CHECKING:
    from gateway.providers.accounts import Account
    from gateway.providers.directory import Directory
    from gateway.settings.model import Settings
    from gateway.settings.sections.providers import SqlProviderSettings, UsersProviderSettings

_T = TypeVar("_T")
_Command = TypeVar("_Command", bound=Callable[..., Any])

_GENERATED_BYTES = 15  # 20 characters; more than anybody can guess, few enough to type


@click.group()
def users() -> None:
    """Add, list and change users.

    They live where the configuration says: in a users file, or in the table of a `sql` provider. A running gateway sees every change at
    the next sign-in; who is signed in already stays so until the session ends.
    """


def _where_options(command: _Command) -> _Command:
    command = click.option(
        "--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A users file, without a configuration."
    )(command)
    command = click.option("--provider", metavar="ID", help="Which provider, if the configuration has more than one that keeps users.")(
        command
    )
    return config_option(command)


def _password_options(command: _Command) -> _Command:
    command = click.option("--generate", is_flag=True, help="Make a password and print it once.")(command)
    return click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")(command)


_name = click.argument("name", callback=user_name)


@users.command()
@_name
@click.option("--full-name", type=TEXT, metavar="TEXT", help="What people call the user.")
@click.option("--email", type=TEXT, metavar="ADDRESS")
@click.option("--image", type=TEXT, metavar="URL", help="A picture.")
@click.option("--role", "roles", multiple=True, type=TEXT, metavar="ROLE", help="May be given more than once.")
@click.option("--group", "groups", multiple=True, type=TEXT, metavar="GROUP", help="May be given more than once.")
@click.option("--id", "identifier", type=TEXT, metavar="ID", help="What upstreams are told. It can't change later. [default: NAME]")
@_password_options
@_where_options
def add(
    name: str,
    full_name: str | None,
    email: str | None,
    image: str | None,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    identifier: str | None,
    password_stdin: bool,
    generate: bool,
    config: Path | None,
    provider: str | None,
    file: Path | None,
) -> None:
    """Add a user."""
    given = {"id": identifier, "name": full_name, "email": email, "image": image, "roles": list(roles), "groups": list(groups)}
    attributes = {key: value for key, value in given.items() if value}
    directory = _directory(config, provider, file)
    _check(attributes, name)
    if name in {account.name for account in _on(directory, _accounts)}:  # said before a password is asked for
        from gateway.providers.directory import UserExists

        raise UserExists(name)
    password = _password(name, from_stdin=password_stdin, generate=generate)
    hashed = hash_password(password)
    _on(directory, lambda opened: opened.add(name, hashed, attributes))
    _done(f"added {name} to {directory.place}", password if generate else None)


@users.command("list")
@_where_options
@json_option
def list_users(config: Path | None, provider: str | None, file: Path | None, as_json: bool) -> None:
    """List users; never their passwords."""
    directory = _directory(config, provider, file)
    accounts = _on(directory, _accounts)
    if as_json:
        print_json([_as_json(account) for account in accounts])
        return
    if not accounts:
        click.echo(f"nobody yet in {plain(directory.place)}; add somebody with `gateway users add NAME`")
        return
    print_table(("NAME", "FULL NAME", "EMAIL", "ROLES", "GROUPS", ""), map(_row, accounts))


@users.command()
@_name
@_password_options
@_where_options
def passwd(name: str, password_stdin: bool, generate: bool, config: Path | None, provider: str | None, file: Path | None) -> None:
    """Give a user another password."""
    directory = _directory(config, provider, file)
    _must_exist(directory, name)
    password = _password(name, from_stdin=password_stdin, generate=generate)
    hashed = hash_password(password)
    _on(directory, lambda opened: opened.set_password(name, hashed))
    _done(f"changed the password of {name} in {directory.place}", password if generate else None)


@users.command()
@_name
@_where_options
def disable(name: str, config: Path | None, provider: str | None, file: Path | None) -> None:
    """Let a user not sign in any more."""
    directory = _directory(config, provider, file)
    _on(directory, lambda opened: opened.set_disabled(name, True))
    _done(f"{name} can't sign in any more; who is signed in already stays so until the session ends")


@users.command()
@_name
@_where_options
def enable(name: str, config: Path | None, provider: str | None, file: Path | None) -> None:
    """Let a user sign in again."""
    directory = _directory(config, provider, file)
    _on(directory, lambda opened: opened.set_disabled(name, False))
    _done(f"{name} can sign in again")


@users.command()
@_name
@click.option("--yes", is_flag=True, help="Don't ask.")
@_where_options
def remove(name: str, yes: bool, config: Path | None, provider: str | None, file: Path | None) -> None:
    """Forget a user."""
    directory = _directory(config, provider, file)
    _must_exist(directory, name)
    if not yes:
        click.confirm(f"Remove {plain(name)} from {plain(directory.place)}? `disable` keeps the entry.", abort=True, err=True)
    _on(directory, lambda opened: opened.remove(name))
    _done(f"removed {name} from {directory.place}")


def _directory(config: Path | None, provider: str | None, file: Path | None) -> Directory:
    """The users file or the table that is meant; opened only when it is used."""
    if file is not None:
        if provider is not None:
            raise click.UsageError("either a users file (--file), or a provider of a configuration (--provider)")
        from gateway.providers.file_directory import FileDirectory

        return FileDirectory(file)
    settings = load_config(config).settings
    entry = _entry(settings, provider)
    if entry.type == "users":
        from gateway.providers.file_directory import FileDirectory

        return FileDirectory(entry.file)
    from gateway.providers.build import database_url
    from gateway.providers.sql_table import UserTable

    return UserTable(database_url(entry, settings), entry.id)


def _entry(settings: Settings, provider: str | None) -> UsersProviderSettings | SqlProviderSettings:
    keeping = {entry.id: entry for entry in settings.providers if entry.type in ("users", "sql")}
    names = ", ".join(keeping)
    if not keeping:
        raise click.UsageError("the configuration has no provider that keeps users (type `users` or `sql`)")
    if provider is None and len(keeping) > 1:
        raise click.UsageError(f"which provider? Add --provider with one of: {names}")
    if provider is not None and provider not in keeping:
        raise click.UsageError(f"no provider {provider!r} keeps users; these do: {names}")
    return keeping[next(iter(keeping)) if provider is None else provider]


def _on(directory: Directory, use: Callable[[Directory], Awaitable[_T]]) -> _T:
    async def using() -> _T:
        try:
            return await use(directory)
        finally:
            await directory.close()

    return asyncio.run(using())


async def _accounts(directory: Directory) -> Sequence[Account]:
    return await directory.accounts()


def _must_exist(directory: Directory, name: str) -> None:
    """Say that there is no such user before a password is asked for. What is broken may be what the command is to mend: no matter here."""
    from gateway.core.errors import ConfigError
    from gateway.providers.directory import UserMissing

    with contextlib.suppress(ConfigError):
        if name not in {account.name for account in _on(directory, _accounts)}:
            raise UserMissing(name)


def _check(attributes: dict[str, Any], name: str) -> None:
    from gateway.providers.attributes import AttributesRefused, user_of

    try:
        user_of(attributes, default_id=name)
    except AttributesRefused as refused:
        raise click.UsageError(str(refused)) from None


def _password(name: str, *, from_stdin: bool, generate: bool) -> str:
    if generate:
        if from_stdin:
            raise click.UsageError("either --generate or --password-stdin")
        return secrets.token_urlsafe(_GENERATED_BYTES)
    return ask_password(name, from_stdin=from_stdin)


def _done(what: str, generated: str | None = None) -> None:
    click.echo(plain(what))
    if generated is not None:
        click.echo(f"password: {generated}")


def _row(account: Account) -> tuple[str, ...]:
    texts = [str(account.attributes.get(key) or "") for key in ("name", "email")]
    lists = [_listed(account.attributes.get(key)) for key in ("roles", "groups")]
    return account.name, *texts, *lists, "disabled" if account.disabled else ""


def _listed(value: object) -> str:
    """A list as people write it; what another program put into the table instead of one is shown as it is."""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")


def _as_json(account: Account) -> dict[str, object]:
    attributes = {key: value for key, value in account.attributes.items() if value is not None}
    return {"username": account.name, "id": account.name, **attributes, "disabled": account.disabled}
