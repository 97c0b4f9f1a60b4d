"""Authelia: configuration.yml and its users_database.yml. PyYAML reads them, which the extra `import` brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.cli.imports.found import Found, Setting, Table, texts, without_equal
from gateway.cli.imports.no_equal import AUTHELIA, PORTAL, SECOND
from gateway.cli.imports.patterns import pattern_of, wider
from gateway.cli.imports.values import duration_of, is_host, lifetimes, listen_of, origin_of, user_of, written


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
    _rules(found, tree, lines)
    found.set("server", "trusted_proxies", ["127.0.0.1"])
    found.say(
        Setting("server", ""),
        "only listed proxies may ask, here those on this machine",
        "list the addresses of yours in server.trusted_proxies",
    )
    found.set("forward_auth", "dialects", ["authelia"])
    found.set("headers", "presets", ["remote"])
    return found


Lines = dict[tuple[str | int, ...], int]


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
    cookies = [cookie for cookie in _listed(session.get("cookies")) if isinstance(cookie, dict)] or [session]
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
            "groups": [str(group) for group in _listed(user.get("groups"))],
        }
        made = user_of(found, setting, str(name), str(user.get("password", "")), **more)
        if user.get("disabled"):
            made["disabled"] = True


def _rules(found: Found, tree: Mapping[str, Any], lines: Lines) -> None:
    control = tree.get("access_control") if isinstance(tree.get("access_control"), dict) else {}
    assert isinstance(control, dict)
    rules = _listed(control.get("rules"))
    known = list(dict.fromkeys(host for rule in rules if isinstance(rule, dict) for host in _hosts(rule) if is_host(host)))
    for index, rule in enumerate(rules):
        setting = Setting(f"access_control.rules[{index + 1}]", "", lines.get(("access_control", "rules", index), 0))
        if isinstance(rule, dict):
            found.routes += list(_routes(found, setting, rule, known))
        else:
            found.say(setting, "it is no rule", "mend the file", closes=True)
    default = str(control.get("default_policy", "deny"))
    access = _ACCESS.get(default, "deny")
    said = Setting("access_control.default_policy", "", lines.get(("access_control", "default_policy"), 0))
    if default == "two_factor":
        found.say(said, *SECOND, closes=True)
    if access != "deny":
        found.routes.append({"path": "/**", **({"host": known} if known else {}), "access": access})
        found.say(said, "it holds for the hosts that a rule names; others are not answered for", "name them in host of the last route")
    if not found.routes:
        found.routes.append({"path": "/**", "access": "deny"})


_ACCESS = {"bypass": "public", "one_factor": "signed-in"}
#: Conditions that no route has.
_CONDITIONS = ("domain_regex", "networks", "query")


def _hosts(rule: Mapping[str, Any]) -> list[str]:
    return [str(domain).lower() for domain in texts(rule.get("domain", []))]


def _where(found: Found, setting: Setting, rule: Mapping[str, Any], known: Sequence[str], *, opens: bool) -> Table | None:
    """The hosts of a rule as the key of a route; no key if it may be any host; None if the rule opens something, and no host can be told.

    `*` stands for any number of labels there, and for one here: the deeper ones are those that other rules name.
    """
    asked = _hosts(rule)
    hosts = [host for host in asked if is_host(host)]
    if len(hosts) < len(asked) or not (asked or rule.get("domain_regex")):
        found.say(setting, "a domain of it is no host name, or has a placeholder", "name its hosts in host of the route", closes=True)
    if not opens:
        hosts += [f"*.{host.partition('.')[2]}" for host in asked if not is_host(host)]
        if not hosts or rule.get("domain_regex") or not all(map(is_host, hosts)):
            return {}
    ends = {host[1:] for host in hosts if host.startswith("*.")}
    deeper = [host for host in known if any(host.endswith(end) and "." in host.removesuffix(end) for end in ends)]
    return {"host": list(dict.fromkeys([*hosts, *deeper]))} if hosts else None


def _routes(found: Found, setting: Setting, rule: Mapping[str, Any], known: Sequence[str]) -> Iterator[Table]:
    """The routes of one rule. What can't be said as it is, stays closed: what opens is left out, or is narrower; what closes is wider."""
    policy = str(rule.get("policy", "deny"))
    access = _ACCESS.get(policy, "deny")
    if policy == "two_factor":
        found.say(setting, *SECOND, closes=True)
    conditions = [name for name in _CONDITIONS if rule.get(name)]
    who = _subjects(found, setting, rule.get("subject")) if rule.get("subject") else {}
    if conditions or who is None:
        what = f"no route asks for {', '.join(conditions) or 'such a subject'}"
        cure = (
            "write the route as it should be; until then it is closed"
            if access != "public"
            else "write the route as it should be, if it has to be open"
        )
        found.say(setting, what, cure, closes=True)
        if access == "public":
            return
        access, who = "deny", {}
    if access == "deny" and policy == "deny" and who:
        found.say(
            setting,
            "a route is closed to everybody, or to nobody",
            "write roles or groups in a route of this path for those who may",
            closes=True,
        )
    hosts = _where(found, setting, rule, known, opens=access == "public")
    if hosts is None:
        return
    if not hosts or (access != "public" and not all(map(is_host, _hosts(rule)))):
        access = "deny"
    methods = [method for method in map(str, texts(rule.get("methods") or [])) if method not in ("CONNECT", "TRACE")]
    if rule.get("methods") and not methods:
        return  # of these, none reaches the rules
    regexes = [str(regex) for group in _listed(rule.get("resources")) for regex in _listed(group)]
    where: Table = {**hosts, **({"methods": methods} if methods else {})}
    for regex in regexes or [""]:
        path = pattern_of(regex)
        if path is not None:
            yield {"path": path, **where, "access": access, **(who if access == "signed-in" else {})}
        elif access == "public":
            cure = 'write a route with access = "public" if it has to stay open'
            found.say(setting, f"{regex} is no pattern of paths, and stays closed", cure, closes=True)
        else:
            path = wider(regex)
            found.say(setting, f"{regex} is no pattern of paths, so {path} is closed", "write the route as it should be", closes=True)
            yield {"path": path, **where, "access": "deny"}


def _subjects(found: Found, setting: Setting, subject: object) -> Table | None:
    """Who a rule is for: groups as groups, people as a role that each of them gets here; None where it asks for two things at once."""
    alternatives = [_listed(item) for item in _listed(subject)]
    if any(len(each) != 1 for each in alternatives):
        return None
    named = [str(each[0]) for each in alternatives]
    found.say(setting, "who is not meant by it gets a 403, and no later rule is asked", "put further roles or groups into its route")
    groups = [name.removeprefix("group:") for name in named if name.startswith("group:")]
    if len(groups) == len(named):
        return {"groups": groups}
    if any(not name.startswith(("user:", "group:")) for name in named):
        return None
    for user, attributes in found.users.items():
        member = attributes.get("groups")
        assert member is None or isinstance(member, list)
        roles = [name for name in named if name == f"user:{user}" or (member and name.removeprefix("group:") in member)]
        has = attributes.setdefault("roles", []) if roles else []
        assert isinstance(has, list)
        has += [role for role in roles if role not in has]
    return {"roles": named}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
