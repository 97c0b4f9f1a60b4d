"""tinyauth: a file of its environment variables or flags, one a line; those of older versions too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.cli.imports.found import Found, Setting, texts, without_equal
from gateway.cli.imports.no_equal import TINYAUTH
from gateway.cli.imports.values import bare, duration_of, is_host, lifetimes, origin_of, user_of, written

_LINE = re.compile(r"(?:export\s+|-\s+)?(?:--)?(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?:[=:]\s*|\s+)(?P<value>.*)\Z")
_APP = re.compile(r"APPS_(?P<app>.+?)_(?P<key>(?:CONFIG|USERS|OAUTH|IP|PATH|LDAP|RESPONSE)_.+)\Z")
#: Names as they have been called, without separators and the word AUTH or SERVER in front, → ours below.
_NAMES = {
    "APPURL": "app-url", "PORT": "port", "SERVERPORT": "port", "ADDRESS": "address", "SERVERADDRESS": "address", "USERS": "users",
    "AUTHUSERS": "users", "USERSFILE": "users-file", "AUTHUSERSFILE": "users-file", "SESSIONEXPIRY": "expiry", "AUTHSESSIONEXPIRY": "expiry",
    "AUTHSESSIONMAXLIFETIME": "life", "LOGINTIMEOUT": "timeout", "AUTHLOGINTIMEOUT": "timeout", "LOGINMAXRETRIES": "retries",
    "AUTHLOGINMAXRETRIES": "retries", "TRUSTEDPROXIES": "proxies", "SERVERTRUSTEDPROXIES": "proxies", "SERVERSOCKETPATH": "socket",
    "COOKIESECURE": "", "SECURECOOKIE": "", "AUTHSECURECOOKIE": "",
}  # fmt: skip


def settings_in(text: str) -> Iterator[Setting]:
    """Every setting of a file."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line.strip().rstrip("\\ "))
        if match is not None and not line.strip().startswith("#"):
            name = re.sub(r"[.-]", "_", match["name"]).upper().removeprefix("TINYAUTH_")
            yield Setting(name, bare(match["value"]).replace("$$", "$"), number)


def read(text: str, folder: Path) -> Found:
    """Turn it into ours.

    Args:
        folder: Where files lie that it names.

    Raises:
        ValueError: There is no setting in it.
    """
    found, given, apps = Found(), dict[str, Setting](), dict[str, dict[str, Setting]]()
    for setting in settings_in(text):
        kind = _NAMES.get(setting.name.replace("_", ""))
        if app := _APP.match(setting.name):
            apps.setdefault(app["app"], {})[app["key"]] = setting
        elif kind is None:
            without_equal(found, setting, TINYAUTH)
        elif kind:
            given[kind] = setting
    if not given and not apps:
        raise ValueError("there is no setting of tinyauth in it: lines of TINYAUTH_NAME=value, or --name=value, are read")
    _users(found, given, folder)
    _server(found, given)
    _limits(found, given)
    found.set("forward_auth", "dialects", ["nginx", "caddy", "traefik"])
    asked = Setting("/api/auth/nginx, /api/auth/traefik, ...", "")
    found.say(asked, "proxies ask at other addresses here", "set yours up as in docs/forward-auth.md, and leave the other dialects out")
    found.set("headers", "presets", ["remote"])
    host = str(found.get("server", "public_url")).partition("://")[2]
    domain = host.partition(":")[0].partition(".")[2]
    hosts = [host, f"*.{domain}"] if "." in domain else [host]
    for called, keys in apps.items():
        _app(found, f"{called.lower().replace('_', '-')}.{domain}", keys)
    found.routes.append({"path": "/**", "host": hosts, "access": "signed-in"})
    said = given.get("app-url") or Setting("APPURL", "")
    found.say(said, "a session is for one host, and the sign-in page is on it", "each host of an app hands /api/auth/ on to the gateway")
    return found


def _server(found: Found, given: Mapping[str, Setting]) -> None:
    port, address = given.get("port"), given.get("address")
    if "socket" in given and given["socket"].value:
        found.set("server", "listen", f"unix:{given['socket'].value}")
    else:
        found.set("server", "listen", f"{address.value if address else '0.0.0.0'}:{port.value if port else 3000}")  # noqa: S104  # as there
    origin = origin_of(given["app-url"].value) if "app-url" in given else None
    if origin is None:
        found.say(given.get("app-url") or Setting("APPURL", ""), "it names no origin", "write what browsers type in server.public_url")
    found.set("server", "public_url", origin or "http://localhost:3000")
    proxies = texts(given["proxies"].value) if "proxies" in given else []
    found.set("server", "trusted_proxies", proxies or ["127.0.0.1"])
    if not proxies:
        said = given.get("proxies") or Setting("TRUSTEDPROXIES", "")
        found.say(said, "only listed proxies may ask, here those on this machine", "list the addresses of yours in server.trusted_proxies")


def _limits(found: Found, given: Mapping[str, Setting]) -> None:
    idle = duration_of(given["expiry"].value) if "expiry" in given else None
    lifetimes(found, whole=duration_of(given["life"].value) if "life" in given else idle, idle=idle)
    if "retries" in given and str(given["retries"].value).isdecimal() and int(str(given["retries"].value)) > 0:
        found.set("limits", "failed_sign_ins_per_address", int(str(given["retries"].value)))
        found.say(
            given["retries"],
            "failures are counted for an address; an account is slowed down, and never locked",
            "nothing, if that is right",
        )
    if "timeout" in given and (window := duration_of(given["timeout"].value)):
        found.set("limits", "failed_sign_ins_window", written(window))


def _users(found: Found, given: Mapping[str, Setting], folder: Path) -> None:
    entries = [(given["users"], entry) for entry in texts(given["users"].value)] if "users" in given else []
    file = given.get("users-file")
    if file is not None and file.value:
        try:
            entries += [(file, line.strip()) for line in (folder / str(file.value)).read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            found.say(file, f"{file.value} can't be read here", "run the import beside it; users are then taken over", closes=True)
    for setting, entry in entries:
        name, _, rest = entry.partition(":")
        password, _, totp = rest.replace("$$", "$").partition(":")
        user = user_of(found, setting, name, password)
        if totp:
            user["disabled"] = True
            cure = f"if a password is enough: gateway users enable {name}"
            found.say(setting, f"there is no second factor yet, so {name} is disabled", cure, closes=True)


def _app(found: Found, usual: str, keys: Mapping[str, Setting]) -> None:
    """The route of an app: for its domain, and for `usual`, since tinyauth also takes a host that begins with the app's name for it."""
    domain, allowed = keys.get("CONFIG_DOMAIN"), keys.get("USERS_ALLOW")
    hosts = [host for host in (str(domain.value) if domain else "", usual) if is_host(host)]
    if domain is not None and not is_host(str(domain.value)):
        found.say(domain, "it is no host name", "name the app's in host of a route", closes=True)
    if not hosts:
        return
    others = [setting for key, setting in keys.items() if key not in ("CONFIG_DOMAIN", "USERS_ALLOW")]
    # What lets somebody in without a sign-in is left out; whatever keeps somebody out and has no equal closes the app.
    closing = [
        setting for setting in others if any(word in setting.name for word in ("BLOCK", "GROUPS", "WHITELIST", "IP_", "OAUTH", "LDAP"))
    ]
    named = texts(allowed.value) if allowed is not None else []
    if any(name.startswith("/") for name in named):
        closing += [allowed] if allowed is not None else []
    for setting in others:
        if setting not in closing:
            found.say(setting, "it has no equal", "write what it did in the route of this host", closes="ALLOW" in setting.name)
    for setting in closing:
        found.say(
            setting,
            "it keeps some people out, and has no equal, so the app is closed",
            'write roles or groups in its route, and access = "signed-in"',
            closes=True,
        )
    route: dict[str, object] = {"path": "/**", "host": hosts, "access": "deny" if closing else "signed-in"}
    if named and not closing:
        route["roles"] = [f"user:{name}" for name in named]
        for name in named:
            if name in found.users:
                roles = found.users[name].setdefault("roles", [])
                assert isinstance(roles, list)
                roles.append(f"user:{name}")
    found.routes.append(route)
