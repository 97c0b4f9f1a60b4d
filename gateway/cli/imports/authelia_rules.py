"""Authelia's access control: its rules, in their order, as routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.cli.imports.found import Found, Setting, Table, texts
from gateway.cli.imports.no_equal import SECOND
from gateway.cli.imports.patterns import pattern_of, wider
from gateway.cli.imports.values import is_host

#: The line of each key, by the way to it.
Lines = dict[tuple[str | int, ...], int]


def rules_of(found: Found, tree: Mapping[str, Any], lines: Lines) -> None:
    """Make routes of `access_control`. What can't be said as it is, stays closed: what opens is left out, or is narrower; what closes is wider."""
    control = tree.get("access_control") if isinstance(tree.get("access_control"), dict) else {}
    assert isinstance(control, dict)
    rules = listed(control.get("rules"))
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
    deeper = [host for host in known if any(host.endswith(end) and "." in host.removesuffix(end) for end in ends)] if ends else []
    return {"host": list(dict.fromkeys([*hosts, *deeper]))} if hosts else None


def _routes(found: Found, setting: Setting, rule: Mapping[str, Any], known: Sequence[str]) -> Iterator[Table]:
    """The routes of one rule."""
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
    regexes = [str(regex) for group in listed(rule.get("resources")) for regex in listed(group)]
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
    alternatives = [listed(item) for item in listed(subject)]
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


def listed(value: object) -> list[Any]:
    """A list of what may stand alone."""
    return value if isinstance(value, list) else [] if value is None else [value]
