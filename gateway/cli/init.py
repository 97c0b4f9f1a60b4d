"""`gateway init`: a first configuration in the current folder. What exists is never touched."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from gateway.cli.output import json_option, print_json
from gateway.cli.quick import ask_password, hash_password, toml_string, user_name, users_toml

CONFIG, USERS = Path("gateway.toml"), Path("users.toml")
DEFAULT_UPSTREAM = "http://127.0.0.1:3000"
DEFAULT_PUBLIC_URL = "http://localhost:8080"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@click.command()
@click.option("--upstream", metavar="URL", help=f"The app to put the sign-in in front of. [asked; default: {DEFAULT_UPSTREAM}]")
@click.option("--public-url", metavar="URL", help=f"What browsers type. [asked; default: {DEFAULT_PUBLIC_URL}]")
@click.option("--user", metavar="NAME", callback=user_name, help="The first user. [asked; default: your login name]")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def init(upstream: str | None, public_url: str | None, user: str | None, password_stdin: bool, as_json: bool) -> None:
    """Write a first configuration into this folder.

    Writes gateway.toml and users.toml, and asks for what the options don't say. Existing files are never overwritten.
    """
    for file in (CONFIG, USERS):
        if os.path.lexists(file):
            raise click.ClickException(f"{file} exists already and stays as it is; go to another folder, or move it away")
    from gateway.settings.values.origin import Origin
    from gateway.settings.values.upstream_url import UpstreamUrl

    upstream = upstream or _ask("The address of your app", DEFAULT_UPSTREAM, UpstreamUrl.parse)
    public_url = public_url or _ask("What browsers will type", DEFAULT_PUBLIC_URL, Origin.parse)
    config = config_text(upstream, public_url)
    user = user or _ask("The first user's name", _login_name(), lambda name: user_name(click.get_current_context(), None, name))
    password_hash = hash_password(ask_password(user, from_stdin=password_stdin))
    _write(USERS, users_toml(user, password_hash), mode=0o600)
    try:
        _write(CONFIG, config, mode=0o644)
    except BaseException:
        USERS.unlink()
        raise
    if as_json:
        print_json({"written": [str(CONFIG), str(USERS)]})
        return
    click.echo(f"written: {CONFIG} (every line explained) and {USERS} (for your eyes only)")
    for command, why in (
        ("gateway check", "what it will serve"),
        ("gateway run", f"start it, then open {public_url}"),
        (f"gateway explain / --as {user}", "what would happen to a request"),
        ("gateway users add NAME", "more users"),
    ):
        click.echo(f"  {click.style(f'{command:<28}', bold=True)} {why}")


def config_text(upstream: str, public_url: str) -> str:
    """The configuration for one app.

    Raises:
        click.UsageError: An address can't be read.
    """
    from gateway.cli.quick import read_option
    from gateway.settings.values.origin import Origin
    from gateway.settings.values.upstream_url import UpstreamUrl

    read_option("--upstream", UpstreamUrl.parse, upstream)
    origin = read_option("--public-url", Origin.parse, public_url)
    name, _, port = origin.host.rpartition(":") if origin.host.rpartition(":")[2].isdigit() else (origin.host, "", "80")
    # On this machine, the gateway itself is what browsers talk to; elsewhere there is most often a proxy that speaks TLS in front.
    direct = origin.scheme == "http" and name in _LOOPBACK
    proxies = "" if direct else 'trusted_proxies = ["127.0.0.1"] # the proxy in front, whose X-Forwarded-For is believed\n'
    template = Template(files("gateway.cli").joinpath("templates/gateway.toml").read_text("utf-8"))
    return template.substitute(
        upstream=upstream,
        listen=toml_string(f"127.0.0.1:{port if direct else 8080}"),
        public_url=toml_string(str(origin)),
        proxies=proxies,
        upstream_url=toml_string(upstream),
    )


def _ask(what: str, default: str, parse: Callable[[str], object]) -> str:
    """Ask on a terminal, again if it is of the wrong form; elsewhere the default stands."""

    def read(text: str) -> str:
        try:
            parse(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return text

    return str(click.prompt(what, default=default, value_proc=read, err=True)) if sys.stdin.isatty() else default


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in this container
        return "admin"


def _write(file: Path, text: str, *, mode: int) -> None:
    """Make a file that does not exist yet.

    Raises:
        FileExistsError: Somebody was faster.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
