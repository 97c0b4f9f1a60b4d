"""`gateway session decode`: what a session cookie says, which secret it was made with, and why the gateway would not take it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.config_file import config_option, load_config
from gateway.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.core.lifetime import Lifetime
    from gateway.sessions.diagnosis import Diagnosis
    from gateway.sessions.keys import KeyRing

EXIT_NO = 1
_MOST = 64 * 1024  # characters of standard input: any Cookie header fits


@click.group()
def session() -> None:
    """Look into a session cookie."""


@session.command()
@click.argument("cookie")
@config_option
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file of secrets, instead of a configuration.",
)
@json_option
@click.pass_context
def decode(ctx: click.Context, cookie: str, config: Path | None, secret_file: Path | None, as_json: bool) -> None:
    """Show what a session cookie says.

    COOKIE is the cookie's value, a whole Cookie header, or - to read it from standard input, which keeps it out of the shell's history.

    Exits with 1 if the gateway can't read it. An expired session it can: that is shown with what is wrong.
    """
    from gateway.sessions.diagnosis import diagnose

    keys, lifetime, expected = _keys(config, secret_file)
    found = _token(sys.stdin.read(_MOST) if cookie == "-" else cookie, expected)
    if found is None:
        raise click.UsageError(
            "there is no session cookie in this: no name is authjs.session-token or next-auth.session-token, with __Secure- or without"
        )
    token, name = found
    now = datetime.now(UTC)
    diagnosis = diagnose(token, keys, lifetime=lifetime, now=now, cookie=name)
    if as_json:
        print_json(_as_json(diagnosis, lifetime))
    else:
        _show(diagnosis, lifetime, secrets=len(keys.secrets), now=now)
    if not _readable(diagnosis):
        ctx.exit(EXIT_NO)


def _keys(config: Path | None, secret_file: Path | None) -> tuple[KeyRing, Lifetime, str | None]:
    from gateway.core.lifetime import Lifetime
    from gateway.sessions.cookies import CookieNames
    from gateway.sessions.flavour import FLAVOURS
    from gateway.sessions.keys import KeyRing

    if secret_file is not None:
        return KeyRing.load(secret_file), Lifetime(), None
    settings = load_config(config).settings
    given = settings.session
    # Not `load_or_make`: to look into a cookie must not make a secret.
    keys = KeyRing.of([secret.get_secret_value() for secret in given.secrets]) if given.secrets else KeyRing.load(_file(given.secrets_file))
    lifetime = Lifetime(sliding=given.max_age, absolute=given.absolute_max_age, renewal=given.update_age)
    return keys, lifetime, CookieNames.of(secure=settings.server.public_url.scheme == "https", flavour=FLAVOURS[given.format]).session


def _file(file: Path | None) -> Path:
    return file or Path("secret")


def _token(text: str, expected: str | None) -> tuple[str, str | None] | None:
    """The token in what was given, and the name of its cookie as far as known."""
    from gateway.sessions.chunks import token_in
    from gateway.sessions.cookie_header import CookieHeader
    from gateway.sessions.cookies import CookieNames
    from gateway.sessions.flavour import FLAVOURS

    text = text.strip()
    for label in ("set-cookie:", "cookie:"):
        if text.lower().startswith(label):
            text = text[len(label) :].strip()
    if "=" not in text:  # no base64url without padding has one
        return text, expected
    header = CookieHeader.parse(text.splitlines())
    names = [CookieNames.of(secure=secure, flavour=flavour).session for flavour in FLAVOURS.values() for secure in (True, False)]
    for name in sorted(names, key=lambda name: name != expected):
        chunk = next(flavour.chunk for flavour in FLAVOURS.values() if flavour.session in name)
        if (token := token_in(header, name, chunk=chunk)) is not None:
            return token, name
    return None


def _readable(diagnosis: Diagnosis) -> bool:
    return diagnosis.reason != "session-unreadable"


def _as_json(diagnosis: Diagnosis, lifetime: Lifetime) -> dict[str, object]:
    session = diagnosis.session
    times = (
        {}
        if session is None
        else {
            "signed_in_at": session.signed_in_at.isoformat(),
            "issued_at": session.issued_at.isoformat(),
            "expires_at": session.expires_at.isoformat(),
            "ends_at": (session.signed_in_at + lifetime.absolute).isoformat(),
        }
    )
    return {
        "readable": _readable(diagnosis),
        "reason": diagnosis.reason.value,
        "why": diagnosis.why,
        "cookie": diagnosis.cookie,
        "secret": diagnosis.secret,
        "header": diagnosis.header,
        **times,
        "claims": diagnosis.claims,
    }


def _show(diagnosis: Diagnosis, lifetime: Lifetime, *, secrets: int, now: datetime) -> None:
    good = diagnosis.reason == "session-accepted"
    click.echo(f"{click.style(diagnosis.reason.value, fg='green' if good else 'red', bold=True)}: {plain(diagnosis.why)}")
    if diagnosis.header is not None:
        _line("header", ", ".join(f"{key} {value}" for key, value in diagnosis.header.items()))
    if diagnosis.cookie is not None:
        _line("cookie", diagnosis.cookie)
        _line("secret", f"{diagnosis.secret} of {secrets}" + (", the newest" if diagnosis.secret == 1 else ""))
    if (session := diagnosis.session) is not None:
        for what, when in (
            ("signed in", session.signed_in_at),
            ("issued", session.issued_at),
            ("expires", session.expires_at),
            ("ends", session.signed_in_at + lifetime.absolute),
        ):
            _line(what, f"{when:%Y-%m-%d %H:%M:%S} UTC ({_ago(now - when)})")
    if diagnosis.claims is not None:
        click.secho("claims", bold=True)
        for name, value in diagnosis.claims.items():
            _line(f"  {name}", json.dumps(value, ensure_ascii=False))


def _line(name: str, value: str) -> None:
    click.echo(f"{plain(name):<12} {plain(value)}")


def _ago(age: timedelta) -> str:
    seconds = int(abs(age).total_seconds())
    number, unit = next(
        ((seconds // size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size), (seconds, "s")
    )
    return f"{number} {unit} ago" if age >= timedelta(0) else f"in {number} {unit}"
