"""`gateway authjs`: what an app that runs Auth.js itself has to be told, and why its `getToken()` gives null."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.dotenv import dotenv_value
from gateway.cli.output import TEXT, json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.sessions.doctor import Finding
    from gateway.sessions.keys import KeyRing
    from gateway.settings.model import Settings

EXIT_NO = 1
_MOST = 64 * 1024  # characters of standard input: any Cookie header fits
_CLEARS = re.compile(r"\s*set-cookie:.*;\s*max-age=0\s*(;|$)", re.IGNORECASE)
_HIDDEN = "(hidden: --show-secret)"


@click.group()
def authjs() -> None:
    """What an app with Auth.js of its own needs to read sessions."""


@authjs.command()
@config_option
@click.option("--show-secret", is_flag=True, help="Print the secret itself. Whoever reads it can sign in as anybody.")
@json_option
def env(config: Path | None, show_secret: bool, as_json: bool) -> None:
    """Print the environment that an app behind the gateway needs to read its sessions.

    The app gets the session cookie only if its upstream has session_cookie = true.
    """
    from gateway.sessions.cookies import CookieNames
    from gateway.sessions.flavour import FLAVOURS

    settings = load_config(config).settings
    flavour = FLAVOURS[settings.session.format]
    keys = _keys(settings)
    url = str(settings.server.public_url)
    secure = settings.server.public_url.scheme == "https"
    prefix = "AUTH" if flavour.salted else "NEXTAUTH"
    variables = {f"{prefix}_URL": url, f"{prefix}_SECRET": keys.secrets[0] if show_secret else _HIDDEN}
    cookie = CookieNames.of(secure=secure, flavour=flavour).session
    told = [upstream.name for upstream in settings.upstreams if upstream.session_cookie]
    if as_json:
        facts = {"package": flavour.package, "cookie": cookie, "secure_cookie": secure, "secrets": len(keys.secrets), "upstreams": told}
        print_json({"environment": variables, **facts})
        return
    click.echo(f"# for {flavour.package}")
    click.echo(f"{prefix}_URL={plain(url)}")
    click.echo(_secret_line(f"{prefix}_SECRET", keys.secrets[0]) if show_secret else f"{prefix}_SECRET={_HIDDEN}")
    click.echo(f"# the session cookie is {cookie}")
    if flavour.salted:
        click.echo(f"# getToken({{ req, secret: process.env.AUTH_SECRET, secureCookie: {str(secure).lower()} }})")
    if len(keys.secrets) > 1:
        click.echo(f"# there are {len(keys.secrets)} secrets; the app reads what the newest sealed, and the others once they are renewed")
    if not told:
        click.echo("# no upstream gets the cookie yet: write session_cookie = true in its [[upstreams]]")


def _secret_line(name: str, secret: str) -> str:
    value = dotenv_value(secret)
    if value is None:
        return f"# {name} holds what no .env file can hold: set it in the environment, as --json prints it, or `gateway keys new` another"
    return f"{name}={value}" + ("\n# written for Next.js: other programs may keep the \\ in front of $" if "$" in secret else "")


def _web_address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.lower().startswith(("http://", "https://")):
        raise click.BadParameter("write it whole, with http:// or https:// as browsers see it")
    return value


@authjs.command()
@click.argument("cookie")
@config_option
@click.option(
    "--secret", type=TEXT, metavar="TEXT", help="The app's secret. Other users of the machine can read command lines: better a file."
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="A file that holds the app's secret.",
)
@click.option("--format", "format_", type=click.Choice(["authjs-v5", "authjs-v4"]), help="What the app runs. [default: the cookie's]")
@click.option("--url", metavar="URL", callback=_web_address, help="The app's AUTH_URL or NEXTAUTH_URL. [default: the cookie's scheme]")
@json_option
@click.pass_context
def doctor(
    ctx: click.Context,
    cookie: str,
    config: Path | None,
    secret: str | None,
    secret_file: Path | None,
    format_: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Say why an app's getToken() would give null for a cookie.

    COOKIE is a Cookie header, or - to read it from standard input, which keeps it out of the shell's history. Without a secret, that of the
    configuration is taken.

    Exits with 1 if getToken() would give null.
    """
    from gateway.sessions.cookie_header import CookieHeader
    from gateway.sessions.doctor import App, examine
    from gateway.sessions.flavour import FLAVOURS

    if secret is not None and secret_file is not None:
        raise click.UsageError("either --secret or --secret-file")
    text = sys.stdin.read(_MOST) if cookie == "-" else cookie
    app = App(
        secret=_secret(config, secret, secret_file),
        flavour=FLAVOURS[format_] if format_ else None,
        secure=url.lower().startswith("https://") if url else None,
    )
    findings = examine(CookieHeader.parse(_lines(text)), app, now=datetime.now(UTC))
    good = all(finding.good for finding in findings)
    if as_json:
        print_json({"reads": good, "checks": [_as_json(finding) for finding in findings]})
    else:
        _show(findings, good=good)
    if not good:
        ctx.exit(EXIT_NO)


def _secret(config: Path | None, secret: str | None, secret_file: Path | None) -> str:
    if secret_file is not None:
        text = secret_file.read_text("utf-8", "replace").strip("\r\n")
        secret = text.partition("\n")[0].rstrip("\r")  # of a file of ours, the newest
    if secret is None:
        secret = _keys(load_config(config).settings).secrets[0]
    if not secret:
        raise click.UsageError("the secret is empty: Auth.js refuses that, too")
    return secret


def _keys(settings: Settings) -> KeyRing:
    from gateway.sessions.keys import KeyRing

    if settings.session.secrets:
        return KeyRing.of([secret.get_secret_value() for secret in settings.session.secrets])
    return KeyRing.load(settings.session.secrets_file or Path("secret"))


def _lines(text: str) -> list[str]:
    """Cookie lines, whether or not they begin with the name of the header; of `Set-Cookie` those that set one."""
    if text.count(".") == 4 and "=" not in text:
        raise click.UsageError("this is a value alone: write name=value, since the name of the cookie is part of the key")
    lines = [line.strip() for line in text.splitlines() if not _CLEARS.match(line)]
    return [line.partition(":")[2] if line.lower().startswith(("cookie:", "set-cookie:")) else line for line in lines]


def _as_json(finding: Finding) -> dict[str, object]:
    return {"check": finding.check, "good": finding.good, "what": finding.what, "cure": finding.cure or None}


def _show(findings: list[Finding], *, good: bool) -> None:
    for finding in findings:
        mark = click.style("good", fg="green") if finding.good else click.style("bad ", fg="red", bold=True)
        click.echo(f"{mark}  {finding.check:<8} {plain(finding.what)}")
        if finding.cure:
            click.echo(f"      {'':<8} {plain(finding.cure)}")
    click.echo("getToken() gives the claims" if good else "getToken() gives null")
