"""`gateway run` without a file: one upstream, one user, one address make a whole configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from gateway.settings.load import Loaded

_Value = TypeVar("_Value")

MAX_NAME, MAX_PASSWORD = 256, 1024  # bytes; the limits of the sign-in form


def user_name(ctx: click.Context, param: click.Parameter | None, value: str | None) -> str | None:
    """A name that fits a sign-in form and a header."""
    if value is not None and (not value or not value.isprintable() or len(value.encode()) > MAX_NAME):
        raise click.BadParameter(f"a user name is 1 to {MAX_NAME} bytes of printable text", ctx, param)
    return value


def ask_password(user: str, *, from_stdin: bool) -> str:
    """The password, asked twice on the terminal, or read from standard input.

    There is no option for it: other users of the machine can read command lines.

    Raises:
        click.UsageError: Nobody is there to be asked, or what came can't be a password.
    """
    try:
        if from_stdin:
            password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
        elif sys.stdin.isatty():
            password = click.prompt(f"Password for {user}", hide_input=True, confirmation_prompt=True, err=True)
        else:
            raise click.UsageError("nobody is at the terminal to be asked for a password: use --password-stdin")
        length = len(password.encode())
    except UnicodeError:  # a strict terminal says it when it is read, a lenient one leaves half characters
        raise click.UsageError("a password is text in UTF-8: no browser could send these bytes") from None
    if not 0 < length <= MAX_PASSWORD:
        raise click.UsageError(f"a password is 1 to {MAX_PASSWORD} bytes long")
    return password


def hash_password(password: str) -> str:
    """Today's hash of a password; slow on purpose, so it is made before anything is served."""
    import asyncio

    from gateway.providers.passwords import Passwords

    async def hashed() -> str:
        passwords = Passwords()
        try:
            return await passwords.hash(password)
        finally:
            await passwords.close()

    return asyncio.run(hashed())


def users_toml(user: str, password_hash: str) -> str:
    """A users file with one user."""
    return f"[users.{toml_string(user)}]\nname = {toml_string(user)}\npassword = {toml_string(password_hash)}\n"


def toml_string(text: str) -> str:
    """A basic string of TOML 1.0: JSON's escapes are a subset of its own, and printable text needs no others."""
    return json.dumps(text, ensure_ascii=False)


def quick_config(*, upstream: str, listen: str, public_url: str | None, users_file: Path, secret: str) -> Loaded:
    """The configuration of one upstream behind one users file: everything asks for a sign-in.

    Raises:
        click.UsageError: An address can't be read.
    """
    from gateway.settings.load import load
    from gateway.settings.values.listen_address import ListenAddress
    from gateway.settings.values.origin import Origin
    from gateway.settings.values.upstream_url import UpstreamUrl

    read_option("--upstream", UpstreamUrl.parse, upstream)
    address = read_option("--listen", ListenAddress.parse, listen)
    if public_url is None and (address.path or address.port == 0 or address.host in ("0.0.0.0", "::")):  # noqa: S104  # compared, not bound
        raise click.UsageError(f"--listen {listen} does not say what browsers type: add --public-url")
    origin = read_option("--public-url", Origin.parse, public_url or f"http://{listen}")
    return load(
        None,
        overrides={
            "server.listen": listen,
            "server.public_url": str(origin),
            "session.secrets": [secret],
            "providers": [{"id": "credentials", "type": "users", "name": "Credentials", "file": str(users_file)}],
            "upstreams": [{"name": "app", "url": upstream}],
            "routes": [{"path": "/**", "access": "signed-in", "upstream": "app"}],
        },
    )


def read_option(option: str, parse: Callable[[str], _Value], text: str) -> _Value:
    """Read the value of an option.

    Raises:
        click.UsageError: It is not of the right form.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None
