"""Secrets by file: wherever a secret may stand, `<key>_file` may name the file that holds it, as containers and systemd hand them out."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from gateway.settings.finding import Finding, Path, Tree

LARGEST = 64 * 1024


def read_secret_files(tree: Tree, folder: pathlib.Path) -> Iterator[Finding]:
    """Replace `url_file`, `sessions_url_file` and `basic_password_file` by what they name. (`session.secrets_file` stays: the gateway may have to make that one.)"""
    store = tree.get("store")
    if isinstance(store, dict):
        yield from _replace(store, ("store",), "url", folder)
        yield from _replace(store, ("store",), "sessions_url", folder)
    upstreams = tree.get("upstreams")
    for index, upstream in enumerate(upstreams if isinstance(upstreams, list) else ()):
        if isinstance(upstream, dict):
            yield from _replace(upstream, ("upstreams", index), "basic_password", folder)
    providers = tree.get("providers")
    for index, provider in enumerate(providers if isinstance(providers, list) else ()):
        if isinstance(provider, dict) and provider.get("type") == "sql":
            yield from _replace(provider, ("providers", index), "url", folder)


def _replace(table: dict[str, object], path: Path, key: str, folder: pathlib.Path) -> Iterator[Finding]:
    name = table.pop(f"{key}_file", None)
    if name is None:
        return
    where = (*path, f"{key}_file")
    if key in table:
        yield Finding(path=where, what=f"there is `{key}`, too", cure="give one of the two", on_key=True)
    elif not isinstance(name, str):
        yield Finding(path=where, what="it is no text", cure='write the path of the file: "/run/secrets/database"')
    else:
        try:
            text = _read(folder / name)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            yield Finding(path=where, what=f"the file can't be read: {why}", cure="name a file that the gateway's user can read")
        else:
            table[key] = text


def _read(file: pathlib.Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is too large for a secret")
    try:
        text = data.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text:
        raise ValueError("it is empty")
    return text
