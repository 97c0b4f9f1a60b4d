"""`gateway demo`: the gateway in front of an app that shows what it was told, with nothing configured."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.output import json_option

if TYPE_CHECKING:
    from gateway.settings.load import Loaded


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen. [default: 8080, or a free port if that is taken]")
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="A folder that keeps the session secret between runs.")
@json_option
def demo(port: int | None, state: Path | None, as_json: bool) -> None:
    """Show everything with nothing configured.

    Starts the gateway with demo users, and behind it an app that shows what it was told about you.
    """
    from gateway.cli.serving import until_stopped
    from gateway.demo.configuration import PORT, free_port

    chosen = port or free_port(PORT)
    if chosen != (port or PORT):
        click.echo(f"port {PORT} is taken, so this demo uses {chosen} (choose with --port)", err=True)
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as gone_at_the_end:
        folder = state or Path(gone_at_the_end)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        until_stopped(_serve(chosen, folder.resolve() / "secret", as_json=as_json))


async def _serve(port: int, secrets_file: Path, *, as_json: bool) -> None:
    """The app, then the gateway in front of it; both in this process, on two ports."""
    from aiohttp import web

    from gateway.cli.serving import if_anybody_reads, say_draining, say_listening, say_ready_as_json
    from gateway.demo.configuration import PEOPLE, demo_file, load_demo
    from gateway.demo.upstream import build_upstream, end_streams
    from gateway.settings.load import load
    from gateway.settings.policy import policy_of
    from gateway.web.serve import serve

    app = build_upstream(policy_of(load(demo_file()).settings).identity.names)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        upstream = f"http://127.0.0.1:{runner.addresses[0][1]}"
        loaded = load_demo(port=port, upstream=upstream, secrets_file=secrets_file)

        @if_anybody_reads()
        def ready(addresses: list[str]) -> None:
            if as_json:
                people = [{"name": name, "password": password} for name, password, _ in PEOPLE]
                origin = str(loaded.settings.server.public_url)
                say_ready_as_json(listening=addresses, public_url=origin, upstream=upstream, people=people)
                return
            _say_welcome(loaded, upstream)
            say_listening(addresses)

        def draining() -> None:
            say_draining()
            end_streams(app)

        await serve(loaded.settings, on_ready=ready, on_drain=draining)
    finally:
        await runner.cleanup()


def _say_welcome(loaded: Loaded, upstream: str) -> None:
    from gateway.demo.configuration import PEOPLE

    origin = str(loaded.settings.server.public_url)
    lines = [
        ("Open", click.style(origin, bold=True, underline=True)),
        *(("Sign in" if index == 0 else "", f"{name} / {password}   {what}") for index, (name, password, what) in enumerate(PEOPLE)),
        ("Try", f"{origin}/reports?x=1&y=2   a deep link survives the sign-in"),
        ("", f"{origin}/admin   for the role admin only"),
        ("", f"{origin}/public   for everybody"),
        ("Look", f"{origin}/api/auth/inspector   every sign-in as a picture, as it happens"),
        ("Why?", "gateway explain --demo /admin --as bob"),
        ("The app", f"{upstream}   shows what the gateway told it"),
        ("Settings", f"{loaded.file}   every line explained"),
        ("Yours", "gateway init   writes a configuration for your own app"),
        ("Stop", "Ctrl-C"),
    ]
    click.echo()
    for title, text in lines:
        click.echo(f"  {click.style(f'{title:<10}', fg='cyan')}{text}")
    click.echo()
