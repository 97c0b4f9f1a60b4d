"""`gateway try-login`: a sign-in without a browser, a session or a gateway that runs: what the providers say, how long it takes, what would come of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.cli.tried import Tried

MAX_PASSWORD = 64 * 1024  # characters read; the sign-in form's own limit is looked at later


@click.command("try-login")
@click.argument("user")
@click.option("--provider", metavar="ID", help="Which provider's form is filled in. [default: the first]")
@click.option("--field", "fields", multiple=True, metavar="KEY=VALUE", help="A further field of the form. May be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@config_option
@json_option
@click.pass_context
def try_login(
    ctx: click.Context,
    user: str,
    provider: str | None,
    fields: tuple[str, ...],
    password_stdin: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Ask the providers whether somebody may sign in.

    And what would come of it. The providers are really asked, as at a sign-in: an older password hash is made anew, a function of yours is called. Callbacks are not, and no session
    is made. The page and the log would tell a guesser less.

    Exits with 0 if the sign-in is good, with 1 otherwise.
    """
    settings = load_config(config).settings
    from gateway.cli.tried import Attempt, try_it

    further = dict(_pair(field) for field in fields)
    attempt = Attempt(user=user, provider=provider, password=_password(user, from_stdin=password_stdin), fields=further)
    tried = asyncio.run(try_it(attempt, settings))
    if as_json:
        print_json(tried.as_json())
    else:
        _show(tried)
    ctx.exit(0 if tried.good else 1)


def _pair(field: str) -> tuple[str, str]:
    key, equals, value = field.partition("=")
    if not equals or not key:
        raise click.UsageError(f"--field {field!r} is not KEY=VALUE")
    return key, value


def _password(user: str, *, from_stdin: bool) -> str:
    """As it is typed, whatever it is: a wrong one is worth trying, too."""
    if from_stdin:
        return sys.stdin.readline(MAX_PASSWORD).removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is at the terminal to be asked for a password: use --password-stdin")
    asked: str = click.prompt(f"Password for {user}", hide_input=True, default="", show_default=False, err=True)
    return asked


def _show(tried: Tried) -> None:
    colour = "green" if tried.good else "red"
    click.echo(f"{click.style(tried.outcome.upper(), fg=colour, bold=True)}  {plain(tried.reason)}, after {tried.milliseconds:.0f} ms")
    for line in tried.lines:
        click.echo(f"  {plain(line)}")
    for name, value in tried.headers:
        click.echo(f"  tells upstreams {click.style(plain(name), bold=True)}: {plain(value)}")
    if not tried.good:
        click.echo(f"  docs/reasons.md says more about {tried.reason}")
