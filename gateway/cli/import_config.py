"""`gateway import`: another gateway's configuration becomes ours, and each line that has no equal is said, with the cure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from gateway.cli.imports.found import Found

_MOST = 1024 * 1024


@click.command("import")
@click.argument("source", type=click.Choice(["oauth2-proxy", "authelia", "tinyauth"]), metavar="oauth2-proxy|authelia|tinyauth")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--users", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE", help="Authelia's users_database.yml, if it lies elsewhere than beside FILE.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write gateway.toml, users.toml and what else there is into this folder; nothing is overwritten. [default: gateway.toml to standard output]")  # fmt: skip
@json_option
def import_config(source: str, file: Path, users: Path | None, out: Path | None, as_json: bool) -> None:
    """Turn another gateway's configuration into one of this gateway.

    FILE is oauth2-proxy's .cfg or a list of its flags or variables, Authelia's configuration.yml, or a list of tinyauth's variables.

    What has no equal is said on standard error, with the line and the cure. Whatever can't be taken over as it is stays closed.
    """
    if users is not None and source != "authelia":
        raise click.UsageError("--users goes with authelia: the others name their users in FILE")
    found = _found(source, file, users)
    from gateway.cli.imports.toml_text import configuration, users_file
    from gateway.cli.imports.unreachable import without_unreachable

    without_unreachable(found)
    found.remarks.sort(key=lambda remark: remark.line)
    texts = {"gateway.toml": configuration(found, source=file.name), "users.toml": users_file(found.users), **found.modules}
    if out is not None:
        _write(out, texts)
    if as_json:
        remarks = [
            {"line": one.line, "setting": one.name, "what": one.what, "cure": one.cure, "closes": one.closes} for one in found.remarks
        ]
        print_json({"remarks": remarks, **({"written": sorted(texts)} if out is not None else {"files": texts})})
        return
    if out is None:
        click.echo(texts["gateway.toml"], nl=False)
    _say(found, file, texts, out)


def _found(source: str, file: Path, users: Path | None) -> Found:
    try:
        with file.open("rb") as opened:
            read = opened.read(_MOST + 1)
        if len(read) > _MOST:
            raise click.UsageError(f"{file} is larger than any configuration")
        text = read.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} can't be read as text") from error
    try:
        if source == "oauth2-proxy":
            from gateway.cli.imports import oauth2_proxy

            return oauth2_proxy.read(text, file.parent)
        if source == "tinyauth":
            from gateway.cli.imports import tinyauth

            return tinyauth.read(text, file.parent)
        from gateway.cli.imports import authelia

        return authelia.read(text, file.parent, users=users)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error


def _write(folder: Path, texts: dict[str, str]) -> None:
    for name in texts:
        if os.path.lexists(folder / name):
            raise click.ClickException(f"{folder / name} exists already and stays as it is; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644 if name.endswith(".py") else 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(text)
    except OSError as error:
        raise click.ClickException(f"{folder} can't be written to: {error.strerror}; name another folder") from error


def _say(found: Found, file: Path, texts: dict[str, str], out: Path | None) -> None:
    for remark in found.remarks:
        place = click.style(f"{file}:{remark.line}", bold=True) if remark.line else click.style(str(file), bold=True)
        closed = click.style(" [closed until then]", fg="yellow") if remark.closes else ""
        click.echo(f"{place}: {plain(remark.name)}: {plain(remark.what)}; {plain(remark.cure)}{closed}", err=True)
    where = ", ".join(sorted(texts))
    if out is not None:
        click.echo(plain(f"written to {out}: {where}. Next: gateway check -c {out / 'gateway.toml'}"), err=True)
    else:
        click.echo(plain(f"{len(found.users)} users, and {where}: --out DIR writes all of it"), err=True)
