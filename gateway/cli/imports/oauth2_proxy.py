"""oauth2-proxy: its .cfg file, or a file of its flags or environment variables, one a line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.cli.imports.found import Found, Setting, texts, truth, without_equal
from gateway.cli.imports.no_equal import OAUTH2_PROXY
from gateway.cli.imports.oauth2_proxy_routes import routes_of
from gateway.cli.imports.values import bare, duration_of, is_host, lifetimes, listen_of, origin_of, user_of

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
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    for name, value in table.items():
        line = next((number for number, line in enumerate(lines, 1) if re.match(rf'\s*"?{re.escape(name)}"?\s*=', line)), 0)
        yield Setting(name, value, line)


def _listed(lines: list[str]) -> Iterator[Setting]:
    gathered: dict[str, Setting] = {}
    for number, line in enumerate(lines, 1):
        match = _FLAG.match(line.strip().rstrip("\\ ")) or _VARIABLE.match(line.strip())
        if match is None:
            continue
        name, value = match["name"].lower().replace("-", "_"), bare(match["value"] or "true")
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
    found.set("server", "listen", "127.0.0.1:4180")  # its own default: proxies ask there
    for name, setting in settings.items():
        taken = _TAKEN.get(name)
        if taken is not None:
            taken(found, setting, settings, folder)
        elif name not in _WITH_OTHERS:
            without_equal(found, setting, OAUTH2_PROXY)
    _session(found, settings)
    _headers(found, settings)
    _restrict(found, settings, folder)
    routes_of(found, settings)
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
