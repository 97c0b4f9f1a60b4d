"""`gateway check`: every problem of a configuration, or what it would serve. Or whose access another one would change. It starts nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.settings.model import Settings


@click.command()
@config_option
@click.option(
    "--diff", "other", type=click.Path(path_type=Path, dir_okay=False), metavar="OTHER", help="Say whose access would change with OTHER."
)
@click.option("--log", "logs", type=click.File("r", errors="replace"), multiple=True, metavar="FILE",
              help="With --diff: the requests to ask about, an access log or a list of URLs; - reads standard input. May be repeated.")  # fmt: skip
@json_option
@click.pass_context
def check(ctx: click.Context, config: Path | None, other: Path | None, logs: tuple[IO[str], ...], as_json: bool) -> None:
    """Say every problem, or what would be served.

    With --diff, say which requests would open with OTHER, which would close, and for whom. They come from --log: an access log in the common or
    combined form, a log of the gateway, or a list of URLs, one a line. Without it, each route of both configurations is tried.

    Users files are read, and functions and callbacks of your own imported. The start-up self-test is run as well: a forged request goes through
    the configured chain, and nothing of it may reach an upstream. Databases and upstreams are not asked.

    Exits with 78 if the gateway would not start; with --diff, with 1 if anybody's access changes.
    """
    if logs and other is None:
        raise click.UsageError("--log goes with --diff")
    loaded = load_config(config)
    if other is not None:
        from gateway.cli.check_diff import show_diff

        changed = show_diff(loaded.settings, load_config(other).settings, logs, as_json=as_json)
        ctx.exit(1 if changed else 0)
    from gateway.cli.inspector_roles import warnings_on_inspector
    from gateway.cli.own_files import require_own_files
    from gateway.cli.problems import count, problem_as_json, show_problem
    from gateway.cli.secrets import warnings_on_secrets
    from gateway.cli.summary import headers_of, provider_lines, route_lines, summary_of

    settings = loaded.settings
    require_own_files(settings)
    self_test(settings)
    told = (*loaded.warnings, *warnings_on_secrets(settings), *warnings_on_inspector(settings))
    if as_json:
        warnings = [problem_as_json(warning) for warning in told]
        print_json({"ok": True, "file": str(loaded.file), "problems": warnings, "serves": summary_of(settings)})
        return
    for warning in told:
        show_problem(warning)
    _say("listens on", [(str(address), "") for address in settings.server.listen])
    _say("browsers open", [(str(settings.server.public_url), "")])
    _say("signs in with", list(provider_lines(settings)))
    _say("routes, the first that fits decides", [*route_lines(settings), ("everything else", "404: what is not listed is closed")])
    _say("tells the upstream", [(name, template) for name, template in headers_of(settings).items()])
    _say("and drops", [("these names from every request, in every spelling", ""), ("identity headers of other gateways", "")])
    if settings.inspector.enabled:
        may = "everybody who is signed in" if "*" in settings.inspector.roles else ", ".join(settings.inspector.roles) or "nobody"
        _say("records sign-ins", [("/api/auth/why", "everybody sees their own"), ("/api/auth/inspector", f"all of them, for {may}")])
    warned = f", {count(len(told), 'warning')}" if told else ""
    click.secho(f"\n{loaded.file}: no problems{warned}", fg="green", bold=True)


def self_test(settings: Settings) -> None:
    """As at the start, with secrets of the moment: nothing is written.

    Raises:
        ConfigError: An upstream would believe a client's claim.
    """
    import secrets

    from gateway.cli.question import with_assertion
    from gateway.sessions.cookies import SessionCookies
    from gateway.sessions.flavour import FLAVOURS
    from gateway.sessions.keys import KeyRing
    from gateway.settings.policy import policy_of
    from gateway.web.self_test import chain_of, require_no_leak

    policy = with_assertion(policy_of(settings), settings)
    cookies = SessionCookies(
        KeyRing.of([secrets.token_urlsafe(48)]),
        secure=policy.hosts.scheme == "https",
        lifetime=policy.lifetime,
        flavour=FLAVOURS[settings.session.format],
    )
    require_no_leak(chain_of(settings, policy, cookies.owns))


def _say(title: str, lines: Sequence[tuple[str, str]]) -> None:
    click.secho(title, bold=True)
    width = min(40, max((len(left) for left, _ in lines), default=0))
    for left, right in lines:
        click.echo(f"  {plain(left):<{width}}  {plain(right)}".rstrip())
