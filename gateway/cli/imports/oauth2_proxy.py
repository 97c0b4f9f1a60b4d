"""oauth2-proxy: its .cfg file, or a file of its flags or environment variables, one a line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gateway.cli.imports.found import Found, Setting, Table, texts, truth, without_equal
from gateway.cli.imports.no_equal import OAUTH2_PROXY
from gateway.cli.imports.patterns import is_path, pattern_of
from gateway.cli.imports.values import duration_of, is_host, lifetimes, listen_of, origin_of, user_of

#: As on a command line, or in a list of arguments of YAML.
_FLAG = re.compile(r"""(?:-\s+)?["']?--(?P<name>[a-z0-9-]+)(?:[= ](?P<value>.*))?\Z""")
_VARIABLE = re.compile(r"(?:export\s+|-\s+)?OAUTH2_PROXY_(?P<name>[A-Z0-9_]+)=(?P<value>.*)\Z")
#: Flags that may be repeated have the plural in the file.
_PLURAL = frozenset(
    (
        "upstream", "email_domain", "skip_auth_route", "skip_auth_regex", "api_route", "whitelist_domain", "cookie_domain", "allowed_group",
        "allowed_role", "trusted_ip", "htpasswd_user_group", "extra_jwt_issuer", "trusted_proxy_ip",
    )
)  # fmt: skip


def settings_in(text: str) -> Iterator[Setting]:
    """Every setting of a file of either form.

    Raises:
        ValueError: It can't be read.
    """
    lines = text.splitlines()
    if any(_FLAG.match(line.strip().rstrip("\\ ")) or _VARIABLE.match(line.strip()) for line in lines):
        yield from _listed(lines)
        return
    for name, value in tomllib.loads(text).items():
        line = next((number for number, line in enumerate(lines, 1) if re.match(rf'\s*"?{re.escape(name)}"?\s*=', line)), 0)
        yield Setting(name, value, line)


def _listed(lines: list[str]) -> Iterator[Setting]:
    gathered: dict[str, Setting] = {}
    for number, line in enumerate(lines, 1):
        match = _FLAG.match(line.strip().rstrip("\\ ")) or _VARIABLE.match(line.strip())
        if match is None:
            continue
        name, value = match["name"].lower().replace("-", "_"), (match["value"] or "true").strip().strip("\"'")
        many = f"{name.removesuffix('s')}s" if name.removesuffix("s") in _PLURAL else None
        if many is not None:
            before = gathered.get(many)
            gathered[many] = Setting(many, [*(texts(before.value) if before else []), *texts(value)], before.line if before else number)
        else:
            gathered[name] = Setting(name, value, number)
    yield from gathered.values()


def read(text: str, folder: Path) -> Found:
    """Turn it into ours.

    Args:
        folder: Where files lie that it names.

    Raises:
        ValueError: It can't be read.
    """
    found, settings = Found(), {setting.name: setting for setting in settings_in(text)}
    if not settings:
        raise ValueError("there is no setting of oauth2-proxy in it: its .cfg is read, or lines of --flag=value or OAUTH2_PROXY_FLAG=value")
    for name, setting in settings.items():
        taken = _TAKEN.get(name)
        if taken is not None:
            taken(found, setting, settings, folder)
        elif name not in _WITH_OTHERS:
            without_equal(found, setting, OAUTH2_PROXY)
    _session(found, settings)
    _headers(found, settings)
    _restrict(found, settings, folder)
    _routes(found, settings)
    return found


def _listen(found: Found, setting: Setting, *_: object) -> None:
    address = listen_of(setting.value)
    if address is None:
        found.say(setting, "it is no address that the gateway can listen on", 'write server.listen = "127.0.0.1:8080"')
    else:
        found.set("server", "listen", address)


def _public_url(found: Found, setting: Setting, *_: object) -> None:
    origin = origin_of(setting.value)
    if origin is not None:
        found.set("server", "public_url", origin)
    else:
        found.say(setting, "it names no origin", "write what browsers type in server.public_url")


def _admin(found: Found, setting: Setting, *_: object) -> None:
    if (address := listen_of(setting.value)) is not None:
        found.set("server", "admin_listen", address)


def _origins(found: Found, setting: Setting, *_: object) -> None:
    origins = []
    for domain in texts(setting.value):
        bare = domain.removeprefix("*").removeprefix(".")
        if "." not in bare or not is_host(bare):
            found.say(setting, f"{domain} stands for everybody's names, or for none", "list the origins in redirects.allowed_origins")
            continue
        origins += [f"https://*.{bare}"] if bare != domain else [f"https://{bare}"]
    if origins:
        found.set("redirects", "allowed_origins", origins)
    if any(origin.startswith("https://*.") for origin in origins):
        found.say(setting, "* stands for one label here, and for https", "list deeper names and http origins in redirects.allowed_origins")


def _htpasswd(found: Found, setting: Setting, settings: Mapping[str, Setting], folder: Path) -> None:
    groups = texts(settings["htpasswd_user_groups"].value) if "htpasswd_user_groups" in settings else []
    file = folder / str(setting.value)
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        found.say(setting, f"{setting.value} can't be read here", "run the import beside it; users are then taken over", closes=True)
        return
    for line in lines:
        name, colon, password = line.strip().partition(":")
        if name and colon and not name.startswith("#"):
            user_of(found, setting, name, password, groups=groups)


def _trusted(found: Found, setting: Setting, *_: object) -> None:
    found.set("server", "trusted_proxies", texts(setting.value))


_TAKEN: Mapping[str, Callable[[Found, Setting, Mapping[str, Setting], Path], None]] = {
    "http_address": _listen,
    "redirect_url": _public_url,
    "metrics_address": _admin,
    "whitelist_domains": _origins,
    "htpasswd_file": _htpasswd,
    "trusted_proxy_ips": _trusted,
}
#: Looked at together, below.
_WITH_OTHERS = frozenset(
    (
        "cookie_expire", "cookie_refresh", "upstreams", "reverse_proxy", "skip_auth_routes", "skip_auth_regex", "skip_auth_preflight",
        "api_routes", "force_json_errors", "email_domains", "authenticated_emails_file", "allowed_groups", "set_xauthrequest",
        "allowed_roles", "pass_user_headers", "pass_basic_auth", "basic_auth_password", "prefer_email_to_user", "cookie_domains", "htpasswd_user_groups",
    )
)  # fmt: skip


def _session(found: Found, settings: Mapping[str, Setting]) -> None:
    if "cookie_expire" in settings:
        whole = duration_of(settings["cookie_expire"].value)
        if whole is None:
            found.say(settings["cookie_expire"], "no session ends with the browser alone", "sessions end after session.max_age")
        refresh = settings.get("cookie_refresh")
        lifetimes(found, whole=whole, renewed=duration_of(refresh.value) if refresh else None)


def _headers(found: Found, settings: Mapping[str, Setting]) -> None:
    def on(name: str, default: bool) -> bool:
        return truth(settings[name].value) if name in settings else default

    presets = [*(["x-forwarded"] if on("pass_user_headers", True) else []), *(["x-auth-request"] if on("set_xauthrequest", False) else [])]
    found.set("headers", "presets", presets)
    if on("prefer_email_to_user", False):
        for preset, header in (("x-forwarded", "X-Forwarded-User"), ("x-auth-request", "X-Auth-Request-User")):
            if preset in presets:
                found.set("headers.set", header, "{user.email}")


def _restrict(found: Found, settings: Mapping[str, Setting], folder: Path) -> None:
    """Who may sign in at all, by address: a callback of Python, for there is no setting for it."""
    domains = [domain.lower().removeprefix("*") for domain in texts(settings["email_domains"].value)] if "email_domains" in settings else []
    file = settings.get("authenticated_emails_file")
    if ("" in domains and file is None) or not (domains or file):  # "" was *: everybody
        return
    emails: list[str] = []
    if file is not None:
        try:
            emails = [line.strip().lower() for line in (folder / str(file.value)).read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            found.say(
                file, f"{file.value} can't be read here", "run the import beside it, or list the addresses in imported.py", closes=True
            )
    found.set("callbacks", "module", "imported")
    ends = sorted({domain if domain.startswith(".") else f"@{domain}" for domain in domains if domain})
    found.modules["imported.py"] = _CALLBACK.format(emails=sorted(emails), ends=tuple(ends), users=sorted(found.users))
    said = settings.get("email_domains") or file
    assert said is not None
    found.say(
        said,
        "who may sign in, by address, is decided by Python",
        "keep imported.py beside gateway.toml; without an address, only the users of htpasswd_file can sign in",
        closes=True,
    )


_CALLBACK = '''"""Who may sign in: made by `gateway import` of email_domains and authenticated_emails_file."""

EMAILS = frozenset({emails})
ENDS = {ends}
WITHOUT_ADDRESS = frozenset({users})


def sign_in(*, user):
    email = (user.get("email") or "").lower()
    return email in EMAILS or email.endswith(ENDS) if email else user["id"] in WITHOUT_ADDRESS
'''


def _routes(found: Found, settings: Mapping[str, Setting]) -> None:
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
