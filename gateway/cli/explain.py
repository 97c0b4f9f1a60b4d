"""`gateway explain`: what would happen to one request, by the very lines that judge it in a running gateway."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.cli.explained import Explained, SignIn
    from gateway.core.decision import Step

MAX_COOKIE = 64 * 1024  # characters
_LONGEST_ROW, _KEPT = 12, 3  # routes in a row that the path does not fit
_COLOURS = {"allow": "green", "redirect": "yellow", "deny": "red"}


@click.command()
@click.argument("url")
@click.option("--as", "as_user", metavar="USER", help="Somebody who is signed in. Roles and groups come from the provider that knows them.")
@click.option("--role", "roles", multiple=True, metavar="R", help="A role of --as, where no provider knows them. May be repeated.")
@click.option("--group", "groups", multiple=True, metavar="G", help="A group of --as, likewise.")
@click.option("--method", default="GET", show_default=True, metavar="M")
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A header that the request has. May be repeated.")
@click.option("--cookie", metavar="C", help="The session cookie of the request, or all of its Cookie header; - reads standard input.")
@click.option("--all", "show_all", is_flag=True, help="Show every route that was looked at, however many there are.")
@click.option("--demo", is_flag=True, help="Ask the configuration of `gateway demo`.")
@config_option
@json_option
@click.pass_context
def explain(
    ctx: click.Context,
    url: str,
    as_user: str | None,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    method: str,
    headers: tuple[str, ...],
    cookie: str | None,
    show_all: bool,
    demo: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say what would happen to one request, and why.

    URL is an address of the gateway, whole or from the slash on. Nothing is sent anywhere.

    \b
        gateway explain /admin --as ada
        gateway explain https://app.example.com/reports --header 'Accept: application/json'

    Exits with 0 if the request would reach the upstream, with 1 otherwise.
    """
    if (roles or groups) and as_user is None:
        raise click.UsageError("--role and --group go with --as")
    if as_user is not None and cookie is not None:
        raise click.UsageError("either --as or --cookie: both say who it is")
    if as_user == "":
        raise click.UsageError("--as needs the name of somebody; without it, nobody is signed in")
    if cookie == "-":
        cookie = sys.stdin.read(MAX_COOKIE).strip()
    if demo:
        from gateway.demo.configuration import demo_file

        config = demo_file()
    loaded = load_config(config)
    from gateway.cli.question import Question, answer

    question = Question(url=url, method=method, headers=headers, cookie=cookie, user=as_user, roles=roles, groups=groups)
    explained = asyncio.run(answer(question, loaded.settings))
    if as_json:
        print_json(explained.as_json())
    else:
        _show(explained, as_it_is=show_all)
    ctx.exit(0 if explained.allowed else 1)


def shortened(steps: Sequence[Step]) -> Iterator[Step | int]:
    """The steps; of many routes in a row that the path does not fit, the first and the last, and how many are left out between them."""
    row: list[Step] = []
    for step in (*steps, None):
        if step is not None and step.check == "path" and not step.hit and step.rule != "routes":
            row.append(step)
            continue
        if len(row) > _LONGEST_ROW:
            yield from row[:_KEPT]
            yield len(row) - 2 * _KEPT
            yield from row[-_KEPT:]
        else:
            yield from row
        row.clear()
        if step is not None:
            yield step


def _show(explained: Explained, *, as_it_is: bool) -> None:
    click.secho(plain(explained.title), bold=True)
    for note in explained.notes:
        click.echo(f"  {plain(note)}")
    click.echo()
    width = max((len(step.rule) for step in explained.steps), default=0)
    checks = max((len(step.check) for step in explained.steps), default=0)
    for step in explained.steps if as_it_is else shortened(explained.steps):
        if isinstance(step, int):
            click.secho(f"  ...  {step} more routes that the path does not fit; --all shows them", dim=True)
            continue
        mark = click.style("yes", fg="green") if step.hit else click.style("no ", fg="red")
        click.echo(f"  {mark}  {plain(step.rule):<{width}}  {click.style(f'{step.check:<{checks}}', dim=True)}  {plain(step.why)}")
    kind = str(explained.as_json()["decision"])
    outcome = f"{explained.status or ''} {explained.reason}".strip()
    click.echo(f"\n{click.style(kind.upper(), fg=_COLOURS[kind], bold=True)}  {plain(outcome)}")
    for sentence in explained.meaning:
        click.echo(f"  {plain(sentence)}")
    for name, value in explained.headers_set:
        click.echo(f"  tells it {click.style(plain(name), bold=True)}: {plain(value)}")
    if explained.headers_removed:
        click.echo(f"  drops from any client: {plain(', '.join(explained.headers_removed))}")
    if explained.sign_in is not None:
        _show_sign_in(explained.sign_in)


def _show_sign_in(sign_in: SignIn) -> None:
    whose = sign_in.whose or "somebody whom no role or group is known of"
    end = sign_in.destination
    hint = "" if sign_in.whose else "; --as USER asks for one person"
    click.echo(f"\n{click.style('SIGN-IN', bold=True)}  from here, {plain(whose)} would end at {plain(end.location)}{hint}")
    click.echo(f"  {click.style('won ', fg='green')}  {plain(sign_in.named(end.won))}")
    for candidate, why in sign_in.lost:
        click.echo(f"  {click.style('lost', dim=True)}  {plain(sign_in.named(candidate))}: {plain(why)}")
