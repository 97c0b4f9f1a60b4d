"""The `gateway` command: which commands there are, and what its exit codes mean.

0: good. 1: the answer is no. 2: the command line is wrong. 78: the configuration is wrong (EX_CONFIG of sysexits.h).
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Any, NoReturn

import click

from gateway import __version__
from gateway.cli.lazy import LazyCommand, LazyGroup
from gateway.cli.standard_files import keep_open
from gateway.core.errors import ConfigError, GatewayError

EXIT_NO = 1
EXIT_CONFIG = 78
EXIT_TERMINATED = 143  # 128 + SIGTERM, as shells count

COMMANDS = {
    "demo": LazyCommand("gateway.cli.demo:demo", "Show everything with nothing configured."),
    "init": LazyCommand("gateway.cli.init:init", "Write a first configuration into this folder."),
    "import": LazyCommand("gateway.cli.import_config:import_config", "Turn another gateway's configuration into one of this gateway."),
    "run": LazyCommand("gateway.cli.run:run", "Serve."),
    "check": LazyCommand("gateway.cli.check:check", "Say every problem, or what would be served."),
    "explain": LazyCommand("gateway.cli.explain:explain", "Say what would happen to one request, and why."),
    "try-login": LazyCommand("gateway.cli.try_login:try_login", "Ask the providers whether somebody may sign in."),
    "users": LazyCommand("gateway.cli.users:users", "Add, list and change users."),
    "tokens": LazyCommand("gateway.cli.tokens:tokens", "Issue, list and revoke tokens for programs."),
    "session": LazyCommand("gateway.cli.session:session", "Look into a session cookie."),
    "sessions": LazyCommand("gateway.cli.sessions:sessions", "List who is signed in, and end it."),
    "authjs": LazyCommand("gateway.cli.authjs:authjs", "What an app with Auth.js of its own needs to read sessions."),
    "keys": LazyCommand("gateway.cli.keys:keys", "Make and rotate the secrets that sessions are sealed with."),
}


class GatewayGroup(LazyGroup):
    """The place where errors become a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            from gateway.cli.problems import show_problems

            show_problems(error.problems, as_json=bool(ctx.meta.get("gateway.json")))
            ctx.exit(EXIT_CONFIG)
        except GatewayError as error:
            _fail(ctx, str(error))
        except OSError as error:  # of the machine: no room on the disk, a folder that may not be read, an address that is taken
            if error.errno == errno.EPIPE:  # nobody reads any more: click ends without a word
                raise
            _fail(ctx, _of_the_machine(error))


def _of_the_machine(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)


def _fail(ctx: click.Context, why: str) -> NoReturn:
    _say(why)
    ctx.exit(EXIT_NO)


def _say(why: str) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {why}", err=True)


@click.group(
    cls=GatewayGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `gateway demo`. Each command has its own --help.",
)
@click.version_option(__version__, prog_name="gateway")
@click.pass_context
def gateway(ctx: click.Context) -> None:
    """A login in front of any HTTP service."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        ctx.color = False


def main() -> None:
    """Run the command line and exit."""
    keep_open()
    if os.getpid() == 1:  # of a container: there the kernel drops a SIGTERM that nobody handles, and the start could not be stopped
        signal.signal(signal.SIGTERM, _end)
    try:
        gateway(prog_name="gateway")
    except OSError as error:  # met while options were read: --help and --version write there and then
        _say(_of_the_machine(error))
        sys.exit(EXIT_NO)


def _end(_: int, __: object) -> NoReturn:
    os._exit(EXIT_TERMINATED)  # at once, as the kernel would: an exception could be taken for one of a module that is being imported
