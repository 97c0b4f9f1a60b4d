"""`gateway check`: every problem of a configuration, or what it would serve. It opens nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json


@click.command()
@config_option
@json_option
def check(config: Path | None, as_json: bool) -> None:
    """Say every problem, or what would be served.

    Exits with 78 if the gateway would not start.
    """
    loaded = load_config(config)
    from gateway.cli.problems import count, problem_as_json, show_problem
    from gateway.cli.secrets import warnings_on_secrets
    from gateway.cli.summary import headers_of, provider_lines, route_lines, summary_of

    settings = loaded.settings
    told = (*loaded.warnings, *warnings_on_secrets(settings))
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
    warned = f", {count(len(told), 'warning')}" if told else ""
    click.secho(f"\n{loaded.file}: no problems{warned}", fg="green", bold=True)


def _say(title: str, lines: Sequence[tuple[str, str]]) -> None:
    click.secho(title, bold=True)
    width = min(40, max((len(left) for left, _ in lines), default=0))
    for left, right in lines:
        click.echo(f"  {plain(left):<{width}}  {plain(right)}".rstrip())
