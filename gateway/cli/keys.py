"""`gateway keys`: fresh secrets, and putting one on top of the list without signing anybody out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def keys() -> None:
    """Make and rotate the secrets that sessions are sealed with."""


@keys.command()
@click.option(
    "--file", "file", type=_FILE, metavar="FILE", help="Put it on top of this file of secrets, made if it is missing; print nothing."
)
@json_option
def new(file: Path | None, as_json: bool) -> None:
    """Make a fresh secret and print it.

    A secret is 256 random bits. Everybody who has it can sign in as anybody.
    """
    from gateway.sessions import key_file
    from gateway.sessions.keys import new_secret

    secret = new_secret()
    if file is None:
        if as_json:
            print_json({"secret": secret})
        else:
            click.echo(secret)
    elif key_file.make(file, secret):
        _tell(file, kept=1, dropped=0, as_json=as_json)
    else:
        _put_on_top(file, secret, as_json=as_json)


@keys.command()
@config_option
@click.option("--file", "file", type=_FILE, metavar="FILE", help="The file of secrets. [default: the configuration's]")
@click.option("--assertion", is_flag=True, help="Rotate the keys of the signed assertion instead.")
@json_option
def rotate(config: Path | None, file: Path | None, assertion: bool, as_json: bool) -> None:
    """Put a fresh secret on top of the list; the older ones still open the sessions they sealed.

    Five secrets are kept. Who is signed in stays so; removing an old secret signs out exactly those whom it sealed.
    """
    from gateway.sessions.keys import new_secret

    if file is None and assertion:
        signed = load_config(config).settings.headers.assertion
        if signed is None:
            raise click.UsageError("nothing is signed: there is no [headers.assertion] in the configuration")
        file = signed.keys_file
    if file is None:
        given = load_config(config).settings.session
        if given.secrets:
            raise click.UsageError("the secrets stand in the configuration: put the output of `gateway keys new` in front of them there")
        file = given.secrets_file or Path("secret")
    _put_on_top(file, new_secret(), as_json=as_json, assertion=assertion)


def _put_on_top(file: Path, secret: str, *, as_json: bool, assertion: bool = False) -> None:
    from gateway.core.errors import ConfigError
    from gateway.sessions import key_file
    from gateway.sessions.keys import MAX_SECRETS, problems_of

    try:
        held = key_file.read(file).secrets[:MAX_SECRETS]
        if held and (problems := problems_of(held, key=key_file.KEY, file=str(file))):
            raise ConfigError(problems)  # some other file, of which a few lines would be left
        kept, dropped = key_file.add(file, secret, limit=MAX_SECRETS)
    except ConfigError as error:
        key = "headers.assertion.keys_file" if assertion else key_file.KEY
        raise ConfigError([replace(problem, key=problem.key.replace(key_file.KEY, key)) for problem in error.problems]) from error
    _tell(file, kept=kept, dropped=dropped, as_json=as_json, assertion=assertion)


def _tell(file: Path, *, kept: int, dropped: int, as_json: bool, assertion: bool = False) -> None:
    if as_json:
        print_json({"file": str(file), "secrets": kept, "dropped": dropped})
        return
    click.echo(f"{plain(str(file))}: a new secret is on top, {kept} in all")
    if assertion:
        click.echo("a running gateway signs with it within seconds, and publishes all of them; give every replica the same file")
        return
    if dropped:
        click.echo(f"{dropped} of the oldest went: sessions that it sealed have to sign in again")
    click.echo("next: restart every gateway that uses this file; until then they seal with the old one")
