"""`gateway run`: serve what a configuration says, or one upstream for one user without any file."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain
from gateway.cli.quick import user_name

if TYPE_CHECKING:
    from gateway.settings.load import Loaded
    from gateway.settings.model import Settings
    from gateway.web.reload import Source

DEFAULT_LISTEN = "127.0.0.1:8080"


@click.command()
@config_option
@click.option("--upstream", metavar="URL", help="Without a file: the service to put the sign-in in front of.")
@click.option("--user", metavar="NAME", callback=user_name, help="Without a file: who may sign in. The password is asked.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--listen", metavar="HOST:PORT", help=f"Without a file: where to listen. [default: {DEFAULT_LISTEN}]")
@click.option("--public-url", metavar="URL", help="Without a file: what browsers type. [default: the --listen address]")
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    config: Path | None,
    upstream: str | None,
    user: str | None,
    password_stdin: bool,
    listen: str | None,
    public_url: str | None,
    as_json: bool,
) -> None:
    """Serve.

    With a configuration file, or for one upstream and one user without any:

    \b
        gateway run --upstream http://127.0.0.1:3000 --user ada

    Ctrl-C or SIGTERM stops it: no new requests are taken, and those in flight are finished. SIGHUP, or a change of the file, makes it
    read the file again.
    """
    if upstream is None and user is None:
        for given, option in ((listen, "--listen"), (public_url, "--public-url")):
            if given is not None:
                raise click.UsageError(f"{option} goes with --upstream and --user; in a file it is a setting")
        if password_stdin:
            raise click.UsageError("--password-stdin goes with --upstream and --user; the users of a file have passwords already")
        _run_file(config, as_json=as_json)
        return
    if upstream is None or user is None:
        raise click.UsageError("without a file, both --upstream and --user are needed")
    if config is not None and ctx.get_parameter_source("config") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("either a file (-c), or --upstream and --user")
    _run_quick(upstream, user, listen or DEFAULT_LISTEN, public_url, password_stdin=password_stdin, as_json=as_json)


def _run_file(config: Path | None, *, as_json: bool) -> None:
    loaded = load_config(config)
    from gateway.cli.problems import show_problem
    from gateway.cli.secrets import warnings_on_secrets

    for warning in (*loaded.warnings, *warnings_on_secrets(loaded.settings)):
        show_problem(warning)
    steps = ("gateway explain / --as NAME   what would happen to a request",)
    _serve(loaded.settings, name=str(loaded.file), source=_source(loaded), next_steps=steps, as_json=as_json)


def _source(loaded: Loaded) -> Source | None:
    """The very file that was found, for reading it again."""
    from gateway.web.reload import Source

    file = loaded.file
    return None if file is None else Source(file, lambda: load_config(file))


def _run_quick(upstream: str, user: str, listen: str, public_url: str | None, *, password_stdin: bool, as_json: bool) -> None:
    from gateway.cli.quick import ask_password, hash_password, quick_config, users_toml

    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:  # mode 0700, gone at the end
        users_file = Path(folder) / "users.toml"
        secret = secrets.token_urlsafe(32)
        loaded = quick_config(upstream=upstream, listen=listen, public_url=public_url, users_file=users_file, secret=secret)
        password = ask_password(user, from_stdin=password_stdin)
        users_file.touch(mode=0o600)
        users_file.write_text(users_toml(user, hash_password(password)), encoding="utf-8")
        steps = (f"sign in as {user}", "gateway init   keeps all this in a file; until then a restart signs everybody out")
        _serve(loaded.settings, name="the command line", source=None, next_steps=steps, as_json=as_json)


def _serve(settings: Settings, *, name: str, source: Source | None, next_steps: tuple[str, ...], as_json: bool) -> None:
    from gateway.cli.serving import if_anybody_reads, say_draining, say_listening, say_ready_as_json, until_stopped
    from gateway.cli.worker import worker_command
    from gateway.web.serve import serve

    @if_anybody_reads()
    def ready(addresses: list[str]) -> None:
        if as_json:
            say_ready_as_json(listening=addresses, public_url=str(settings.server.public_url))
            return
        say_listening(addresses)
        click.echo(f"open {click.style(str(settings.server.public_url), bold=True, underline=True)}")
        for step in next_steps:
            click.echo(f"next: {plain(step)}")

    if not as_json:
        with if_anybody_reads():
            _say_plan(settings, name)
    until_stopped(serve(settings, on_ready=ready, on_drain=say_draining, source=source, worker_command=worker_command))


def _say_plan(settings: Settings, name: str) -> None:
    from gateway.cli.summary import provider_lines, route_lines

    click.secho(f"gateway: {name}", bold=True)
    for title, lines in (("sign-in", list(provider_lines(settings))), ("routes", list(route_lines(settings)))):
        width = max((len(left) for left, _ in lines), default=0)
        for index, (left, right) in enumerate(lines):
            click.echo(f"  {'' if index else title:<8}{plain(left):<{width}}  {click.style(plain(right), dim=True)}")
