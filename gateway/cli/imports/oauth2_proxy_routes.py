"""oauth2-proxy's upstreams, and what passes without a sign-in: routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from gateway.cli.imports.found import Found, Setting, Table, texts, truth
from gateway.cli.imports.patterns import is_path, pattern_of
from gateway.cli.imports.values import is_host


def routes_of(found: Found, settings: Mapping[str, Setting]) -> None:
    """Make routes and upstreams of the settings, and of what is known already: the public URL, and whether proxies are trusted."""
    domains = [domain.lstrip(".") for domain in texts(settings["cookie_domains"].value)] if "cookie_domains" in settings else []
    hosts = [f"*.{domain}" for domain in domains if is_host(domain)]
    if hosts:
        found.say(
            settings["cookie_domains"],
            "a session is for one host",
            "people sign in on each host once; each hands /oauth2/ on to the gateway",
        )
        own = str(found.get("server", "public_url") or "").partition("://")[2]
        hosts = [*([own] if own else []), *hosts]
    upstreams = list(_upstreams(found, settings))
    if not upstreams:
        found.set("forward_auth", "dialects", ["oauth2-proxy"])
        if found.get("server", "trusted_proxies") is None:
            found.set("server", "trusted_proxies", ["127.0.0.1"])
            setting = settings.get("reverse_proxy") or Setting("reverse_proxy", True)
            found.say(
                setting, "only listed proxies may ask, here those on this machine", "list the addresses of yours in server.trusted_proxies"
            )
    asked = {key: texts(settings[f"allowed_{key}"].value) for key in ("groups", "roles") if f"allowed_{key}" in settings}
    who: Table = {"access": "signed-in", **{key: names for key, names in asked.items() if names}}
    if "force_json_errors" in settings and truth(settings["force_json_errors"].value):
        who["api"] = True
    where = {"host": hosts} if hosts else {}
    nowhere: Table = {}
    opened, api = list(_open(found, settings)), [] if who.get("api") else list(_api(found, settings))
    for path, upstream in upstreams or [("/**", nowhere)]:
        for method, pattern in opened:
            if _within(pattern, path):
                found.routes.append({"path": pattern, **where, "access": "public", **({"methods": [method]} if method else {}), **upstream})
        for pattern in api:
            if _within(pattern, path):
                found.routes.append({"path": pattern, **where, **who, "api": True, **upstream})
        found.routes.append({"path": path, **where, **who, **upstream})


def _within(pattern: str, path: str) -> bool:
    return path == "/**" or pattern == path or pattern.startswith(f"{path.removesuffix('/**')}/")


def _upstreams(found: Found, settings: Mapping[str, Setting]) -> Iterator[tuple[str, Table]]:
    """The paths of upstreams, the longest first, and the key of a route that leads there."""
    setting = settings.get("upstreams")
    password = settings.get("basic_auth_password")
    entries: list[tuple[str, Table]] = []
    for number, url in enumerate(texts(setting.value) if setting else [], 1):
        assert setting is not None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "unix"):
            if parts.scheme != "static" or parts.netloc not in ("200", "202"):
                found.say(setting, f"the gateway serves no {parts.scheme or 'such'} upstream", "put a web server behind it", closes=True)
            continue
        name = "app" if number == 1 else f"app-{number}"
        ours: dict[str, object] = {
            "name": name,
            "url": f"unix:{parts.path}" if parts.scheme == "unix" else f"{parts.scheme}://{parts.netloc}",
        }
        if password is not None and (not settings.get("pass_basic_auth") or truth(settings["pass_basic_auth"].value)):
            ours |= {"authorization": "basic", "basic_password": str(password.value)}
        found.upstreams.append(ours)
        below = (parts.fragment or ("" if parts.scheme == "unix" else parts.path)).rstrip("/")
        if below and not is_path(below):
            found.say(setting, f"{below} is no path of a route", "write a [[routes]] that leads there", closes=True)
            continue
        entries.append((f"{below}/**", {"upstream": name}))
    yield from sorted(entries, key=lambda entry: -len(entry[0]))


def _open(found: Found, settings: Mapping[str, Setting]) -> Iterator[tuple[str, str]]:
    """Method and pattern of what passes without a sign-in."""
    if "skip_auth_preflight" in settings and truth(settings["skip_auth_preflight"].value):
        yield "OPTIONS", "/**"
    for name in ("skip_auth_routes", "skip_auth_regex"):
        for entry in texts(settings[name].value) if name in settings else ():
            method, _, regex = entry.partition("=") if name == "skip_auth_routes" and re.match(r"[A-Z]+=", entry) else ("", "", entry)
            pattern = None if regex.startswith("!") or method.endswith("!") else pattern_of(regex)
            if pattern is None:
                cure = 'write a [[routes]] with access = "public" if it has to stay open'
                found.say(settings[name], f"{entry} is no pattern of paths, and stays closed", cure, closes=True)
                continue
            yield method, pattern


def _api(found: Found, settings: Mapping[str, Setting]) -> Iterator[str]:
    for regex in texts(settings["api_routes"].value) if "api_routes" in settings else ():
        if (pattern := pattern_of(regex)) is not None:
            yield pattern
        else:
            found.say(settings["api_routes"], f"{regex} is no pattern of paths", "write api = true on a [[routes]] of its own")
