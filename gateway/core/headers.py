"""Header names and values: what never travels on, what may only be said by the gateway, and how a value is made safe."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

#: Fields for one hop only, in both directions (RFC 9110 7.6.1, RFC 9113 8.2.2). What `Connection` names comes on top.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info"}
    | {"te", "trailer", "transfer-encoding", "upgrade", "http2-settings"}
)

#: Fields that some framework lets override the method or the target; they never reach an upstream.
OVERRIDES = ("x-original-url", "x-original-uri", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override")

#: What some proxy or framework takes for the client's address, scheme or mount point; nobody in front of us is believed in them, and the
#: gateway says it in `X-Forwarded-*` and `X-Real-IP` (promise 20).
CLIENT_CLAIMS = (
    *(
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "fastly-client-ip",
        "fly-client-ip",
    ),
    *("x-original-forwarded-for", "x-original-host", "x-original-proto", "x-appengine-user-ip", "x-envoy-external-address", "x-host"),
    *("client-ip", "wl-proxy-client-ip", "x-azure-clientip", "x-azure-socketip", "do-connecting-ip"),
    *("front-end-https", "x-scheme", "x-url-scheme", "x-script-name", "x-real-port", "x-remote-addr", "x-remote-ip"),
)

#: Identity headers of other gateways, dropped by default so that an app that still trusts one can't be fooled.
FOREIGN_IDENTITY = (
    *("x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-access-token"),
    *("x-forwarded-id-token", "x-auth-user", "x-auth-username", "x-auth-email", "x-auth-name", "x-auth-groups", "x-auth-roles"),
    *("x-user-id", "x-user-name", "x-user-email", "x-user-roles", "x-user-groups", "x-remote-user", "x-remote-group", "gap-auth"),
    *("x-authenticated-user", "x-authenticated-userid", "ssl-client-verify", "ssl-client-cert"),
    *("cf-access-jwt-assertion", "cf-access-authenticated-user-email", "x-goog-iap-jwt-assertion", "x-goog-authenticated-user-email"),
    *("x-goog-authenticated-user-id", "x-pomerium-jwt-assertion", "x-amzn-oidc-data", "x-amzn-oidc-identity"),
    *("x-amzn-oidc-accesstoken", "x-gateway-assertion"),
)
#: Whole families of the same kind, by folded prefix.
FOREIGN_PREFIXES = (
    *("xauthrequest", "remoteuser", "remotegroup", "remotename", "remoteemail", "xauthentik", "xwebauth", "xremoteextra"),
    *("oidcclaim", "xsslclient", "xpomeriumclaim", "xvouch", "xmsclientprincipal", "tailscaleuser"),
)

#: A client's own to send, where a route lets it, but in no spelling that only a careless server takes for it.
_PASSES = "authorization"
#: A proxy's own to write, where one asks; what it replaces is its own spelling, and not another that the app takes for it.
_OF_PROXIES = frozenset({"forwarded", "x-real-ip"})
_OF_PROXIES_PREFIX = "x-forwarded-"

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_UNSAFE = re.compile(r"[^\x20-\x7e]|%")
_ENCODED = re.compile(r"(?:[\x20-\x24\x26-\x7e]|%[0-9A-F]{2})*\Z")


class ValueRefused(ValueError):
    """A value that no encoding makes safe for a header, for example a lone surrogate or a nested object."""


def fold(name: str) -> str:
    """What a CGI-like upstream may make of a field name: `X_Auth-User`, `x.auth.user` and `X-Auth-User` fold alike (CVE-2025-64484)."""
    return _SEPARATORS.sub("", name.lower())


class Stripper:
    """Says which request fields a client may not send: ours, foreign identity, overrides, in every spelling.

    Args:
        owned: The names of ours.
        claims: Where a client's address and the like may be claimed; a proxy that carries the request writes some of these itself.
    """

    __slots__ = ("_folded", "_memo")

    def __init__(self, owned: Iterable[str], *, claims: Iterable[str] = CLIENT_CLAIMS) -> None:
        self._folded = frozenset(fold(name) for name in (*owned, *OVERRIDES, *claims, *FOREIGN_IDENTITY))
        self._memo: dict[str, bool] = {}

    def strips(self, name: str) -> bool:
        """True if a field of this name (any case) is dropped on its way to every upstream."""
        known = self._memo.get(name)
        if known is None:
            folded = fold(name)
            known = folded in self._folded or folded.startswith(FOREIGN_PREFIXES) or _is_misspelt(name.lower(), folded)
            if len(self._memo) < 1024:  # clients choose the names, so the memo must have an end
                self._memo[name] = known
        return known


def _is_misspelt(name: str, folded: str) -> bool:
    if folded == _PASSES:
        return name != _PASSES
    if folded.startswith(fold(_OF_PROXIES_PREFIX)):
        return not name.startswith(_OF_PROXIES_PREFIX)
    return name not in _OF_PROXIES and any(folded == fold(known) for known in _OF_PROXIES)


def encode_value(value: object, *, separator: str = "") -> str:
    """Make one attribute safe as (an item of) a header value.

    Printable ASCII stays as it is. Everything else, `%`, spaces at either end and, in a list, the separator become `%XX` of
    their UTF-8 bytes (RFC 3986 2.1), so an upstream reads every value with one percent-decoding.

    Raises:
        ValueRefused: The value is neither text, number nor boolean, or no UTF-8 can be made of it.
    """
    if type(value) is str and value.isascii() and value.isprintable() and "%" not in value and value.strip(" ") == value:  # as most are
        return value.replace(separator, _spelled(separator)) if separator else value
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (str, int, float)):
        text = str(value)
    else:
        raise ValueRefused(f"a {type(value).__name__} is no header value")
    encoded = _UNSAFE.sub(_percent, text)
    if separator:
        encoded = encoded.replace(separator, _spelled(separator))
    stripped = encoded.strip(" ")
    if stripped != encoded:
        ahead = len(encoded) - len(encoded.lstrip(" "))
        behind = len(encoded) - len(stripped) - ahead
        encoded = "%20" * ahead + stripped + "%20" * behind
    return encoded


def _spelled(separator: str) -> str:
    return "".join(f"%{byte:02X}" for byte in separator.encode())


def _percent(match: re.Match[str]) -> str:
    try:
        return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueRefused("the value holds half a character") from error


def decode_value(text: str) -> str:
    """What `encode_value` made a value (or an item of a list) of.

    Raises:
        ValueRefused: `encode_value` writes no such thing, so somebody else did.
    """
    if not _ENCODED.match(text):
        raise ValueRefused("the value is not percent-encoded as the gateway does it")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueRefused("the value is no UTF-8") from error
