"""Authelia: configuration.yml and its users_database.yml. PyYAML reads them, which the extra `import` brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.cli.imports.authelia_rules import Lines, listed, rules_of
from gateway.cli.imports.found import Found, Setting, without_equal
from gateway.cli.imports.no_equal import AUTHELIA, PORTAL
from gateway.cli.imports.values import duration_of, lifetimes, listen_of, origin_of, user_of, written


def read(text: str, folder: Path, *, users: Path | None = None) -> Found:
    """Turn it into ours.

    Args:
        folder: Where files lie that it names.
        users: The file of users, if it does not lie where the configuration says.

    Raises:
        ValueError: It can't be read.
    """
    found, tree, lines = Found(), *_parsed(text)
    if not isinstance(tree, dict) or not {"access_control", "authentication_backend", "session"} & tree.keys():
        raise ValueError("this is no configuration of Authelia: it has neither access_control nor authentication_backend nor session")
    _listen(found, tree)
    for setting in _flat(tree, lines):
        taken = _TAKEN.get(setting.name)
        if taken is not None:
            taken(found, setting)
        elif not setting.name.startswith(_WITH_OTHERS):
            without_equal(found, setting, AUTHELIA)
    found.tables.setdefault("server", {}).setdefault("public_url", "http://localhost:9091")
    _session(found, tree)
    _regulation(found, tree, lines)
    _users(found, tree, lines, folder, users)
    rules_of(found, tree, lines)
    found.set("server", "trusted_proxies", ["127.0.0.1"])
    found.say(
        Setting("server", ""),
        "only listed proxies may ask, here those on this machine",
        "list the addresses of yours in server.trusted_proxies",
    )
    found.set("forward_auth", "dialects", ["authelia"])
    found.set("headers", "presets", ["remote"])
    return found


def _parsed(text: str) -> tuple[Any, Lines]:
    """The document, and the line of each key."""
    try:
        import yaml
    except ImportError as error:
        raise ValueError("YAML needs a reader that is not installed: pip install 'auth-gateway[import]'") from error
    lines: Lines = {}

    def walk(node: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                lines[inner] = key.start_mark.line + 1
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                lines[(*path, index)] = value.start_mark.line + 1
                walk(value, (*path, index))

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):  # a few lines of these can be billions of values
            raise ValueError("it uses aliases of YAML (*name): write out what they stand for")
        walk(yaml.compose(text, Loader=yaml.SafeLoader), ())
        return yaml.safe_load(text), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"it is no YAML{f' (line {mark.line + 1})' if mark else ''}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _flat(tree: Mapping[str, Any], lines: Lines) -> Iterator[Setting]:
    """The settings, sections taken apart as far as the table of those without an equal tells them apart."""
    for key, value in tree.items():
        if isinstance(value, dict) and key in ("session", "server", "authentication_backend", "telemetry"):
            for inner, given in value.items():
                if inner == "metrics" and isinstance(given, dict):
                    yield from (Setting(f"{key}.{inner}.{name}", item, lines.get((key, inner, name), 0)) for name, item in given.items())
                else:
                    yield Setting(f"{key}.{inner}", given, lines.get((key, str(inner)), 0))
        else:
            yield Setting(str(key), value, lines.get((str(key),), 0))


def _address(found: Found, setting: Setting) -> None:
    address = listen_of(setting.value)
    if address is not None:
        found.set("server", "listen", address)


def _metrics(found: Found, setting: Setting) -> None:
    address = listen_of(setting.value)
    if address is not None:
        found.set("server", "admin_listen", address)


def _cookies(found: Found, setting: Setting) -> None:
    cookies = setting.value if isinstance(setting.value, list) else []
    urls = [origin for cookie in cookies if isinstance(cookie, dict) and (origin := origin_of(cookie.get("authelia_url")))]
    if urls:
        found.set("server", "public_url", urls[0])
    found.say(setting, *PORTAL)


def _listen(found: Found, tree: Mapping[str, Any]) -> None:
    """Its default, which proxies ask at, or as versions before 4.38 name it; `server.address` comes later, and counts."""
    server = tree.get("server")
    given = server if isinstance(server, dict) else {}
    found.set("server", "listen", listen_of(f"{given.get('host') or ''}:{given.get('port') or 9091}") or "0.0.0.0:9091")  # as there


_TAKEN = {"server.address": _address, "telemetry.metrics.address": _metrics, "session.cookies": _cookies}
_WITH_OTHERS = (
    "session.expiration",
    "session.inactivity",
    "access_control",
    "regulation",
    "authentication_backend.file",
    "server.host",
    "server.port",
)


def _session(found: Found, tree: Mapping[str, Any]) -> None:
    session = tree.get("session") if isinstance(tree.get("session"), dict) else {}
    assert isinstance(session, dict)
    # Each domain may have its own, and else has that of the section: the shortest holds for everybody.
    whole, idle = session.get("expiration", "1h"), session.get("inactivity", "5m")
    cookies = [cookie for cookie in listed(session.get("cookies")) if isinstance(cookie, dict)] or [session]
    wholes = filter(None, (duration_of(cookie.get("expiration", whole)) for cookie in cookies))
    idles = filter(None, (duration_of(cookie.get("inactivity", idle)) for cookie in cookies))
    lifetimes(found, whole=min(wholes, default=None), idle=min(idles, default=None))


def _regulation(found: Found, tree: Mapping[str, Any], lines: Lines) -> None:
    regulation = tree.get("regulation")
    if not isinstance(regulation, dict):
        return
    tries = regulation.get("max_retries")
    if isinstance(tries, int) and tries > 0:
        found.set("limits", "failed_sign_ins_per_address", tries)
    if window := duration_of(regulation.get("find_time", "")):
        found.set("limits", "failed_sign_ins_window", written(window))
    setting = Setting("regulation", "", lines.get(("regulation",), 0))
    found.say(setting, "failures are counted for an address; an account is slowed down, and never locked", "nothing, if that is right")


def _users(found: Found, tree: Mapping[str, Any], lines: Lines, folder: Path, file: Path | None) -> None:
    backend = tree.get("authentication_backend")
    given = backend.get("file") if isinstance(backend, dict) else None
    said = Setting("authentication_backend.file", "", lines.get(("authentication_backend", "file"), 0))
    if file is None:
        if not isinstance(given, dict):
            return
        file = folder / Path(str(given.get("path", "users_database.yml"))).name
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        found.say(said, f"{file} can't be read", "name the file of users with --users; they are then taken over", closes=True)
        return
    try:
        document, at = _parsed(text)
    except ValueError as error:
        raise ValueError(f"its users, {file}: {error}") from error
    entries = document.get("users") if isinstance(document, dict) else None
    for name, user in entries.items() if isinstance(entries, dict) else ():
        setting = Setting(f"users.{name}", "", at.get(("users", str(name)), 0))
        if not isinstance(user, dict):
            found.say(setting, "it is no user", "mend the file", closes=True)
            continue
        more = {
            "name": user.get("displayname"),
            "email": user.get("email"),
            "groups": [str(group) for group in listed(user.get("groups"))],
        }
        made = user_of(found, setting, str(name), str(user.get("password", "")), **more)
        if user.get("disabled"):
            made["disabled"] = True
