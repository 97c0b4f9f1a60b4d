"""`gateway keys`: fresh secrets, and putting one on top of the list without signing anybody out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

_FILE = click.Path(path_type=Path, dir_okay=False)
#: By whether it is for assertions, and whether it is staged.
_WHAT_NOW = {
    (False, False): "a running gateway seals with it within seconds; give every replica the same file",
    (True, False): "a running gateway signs with it within seconds, and publishes all of them; give every replica the same file",
    (False, True): "a running gateway opens with it within seconds, and seals with the first as before\n"
    "next: give every replica the same file, then: gateway keys rotate --promote",
    (True, True): "a running gateway publishes it within seconds, and signs with the first as before\n"
    "next: give every replica the same file, wait the five minutes for which keys may be cached, then: gateway keys rotate --assertion --promote",
}


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
        _tell(file, "a new secret is on top", kept=1, as_json=as_json)
    else:
        _change(file, secret, as_json=as_json)


@keys.command()
@config_option
@click.option("--file", "file", type=_FILE, metavar="FILE", help="The file of secrets. [default: the configuration's]")
@click.option("--assertion", is_flag=True, help="Rotate the keys of the signed assertion instead.")
@click.option("--stage", "step", flag_value="stage", help="Put it second: known everywhere before anybody uses it.")
@click.option("--promote", "step", flag_value="promote", help="Make no new one: let the second be used, which was staged before.")
@json_option
def rotate(config: Path | None, file: Path | None, assertion: bool, step: str | None, as_json: bool) -> None:
    """Put a fresh secret on top of the list; the older ones still open the sessions they sealed.

    Five secrets are kept. Who is signed in stays so; removing an old secret signs out exactly those whom it sealed.

    Where several gateways get the file one after the other, --stage it, and --promote it once all of them have it: so none meets a cookie
    or an assertion of another's that it can't read yet.
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
    _change(file, None if step == "promote" else new_secret(), staged=step == "stage", as_json=as_json, assertion=assertion)


def _change(file: Path, secret: str | None, *, staged: bool = False, as_json: bool, assertion: bool = False) -> None:
    """Add a secret, or without one put the second on top."""
    from gateway.core.errors import ConfigError
    from gateway.sessions import key_file
    from gateway.sessions.keys import MAX_SECRETS, problems_of

    dropped = 0
    try:
        held = key_file.read(file).secrets[:MAX_SECRETS]
        if held and (problems := problems_of(held, key=key_file.KEY, file=str(file))):
            raise ConfigError(problems)  # some other file, of which a few lines would be left
        if secret is None:
            kept = key_file.promote(file)
        else:
            kept, dropped = key_file.add(file, secret, limit=MAX_SECRETS, place=int(staged))
    except ConfigError as error:
        key = "headers.assertion.keys_file" if assertion else key_file.KEY
        raise ConfigError([replace(problem, key=problem.key.replace(key_file.KEY, key)) for problem in error.problems]) from error
    done = "the second secret is on top now" if secret is None else f"a new secret is {'second' if staged else 'on top'}"
    _tell(file, done, kept=kept, dropped=dropped, staged=staged, as_json=as_json, assertion=assertion)


def _tell(file: Path, done: str, *, kept: int, dropped: int = 0, staged: bool = False, as_json: bool, assertion: bool = False) -> None:
    if as_json:
        print_json({"file": str(file), "secrets": kept, "dropped": dropped})
        return
    click.echo(f"{plain(str(file))}: {done}, {kept} in all")
    if dropped and not assertion:
        click.echo(f"{dropped} of the oldest went: sessions that it sealed have to sign in again")
    click.echo(_WHAT_NOW[assertion, staged])
