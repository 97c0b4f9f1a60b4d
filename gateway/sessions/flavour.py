"""The two flavours of Auth.js: everything in which v4 and v5 differ on the wire, as one value.

A request does not say which client sent it, so the flavour is configuration (`session.format`). Code asks the value and never compares its
name. The figures are from the published packages: next-auth 4.24 and @auth/core 0.41.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.sessions.ciphers import CbcHmac512, Cipher, Gcm256, Opener


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How a sign-in that did not work out is told.

    Attributes:
        page: The page below `/api/auth/` that is named.
        query: What it is told; `{provider}` and `{code}` are filled in.
        status: Of a JSON answer.
    """

    page: str
    query: tuple[tuple[str, str], ...]
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One flavour.

    Attributes:
        format: The value of `session.format`.
        package: The npm package, for a person.
        stem: What the names of the three cookies begin with, behind a prefix.
        chunk: Characters of a token in one cookie: 4096 less what the package allows for name and attributes.
        seals: The cipher of new tokens.
        opens: The ciphers that are read.
        salted: True if the session cookie's name, prefix included, is the salt of the keys.
        named_keys: True if a token says in its header which key it was sealed with.
        key_info: What keys are derived for (HKDF info); `{salt}` is filled in.
        joined_secrets: True if csrf cookies vouch with all secrets as one text; else with the newest, and any is good on reading.
        nobody: What `GET session` answers without a session, as JSON.
        json_header: A request header that asks for JSON instead of a redirect, whatever its value.
        json_field: A posted field that does, if it says `true`.
        json_location: True if such an answer carries `Location` too, unless it tells of an error.
        missing_csrf: How a bad csrf token is told, by action.
        wrong_credentials: How a wrong sign-in is told.
        coded: How one is told for which `authorize()` gave a public code.
        access_denied: How a no of the `sign_in` callback is told.
        misconfigured: How a `jwt` callback that raised is told.
        own_error_page: True if errors always name the gateway's own error page, which then leads to a custom one.
        sign_in_codes: Codes that the error page hands on to the sign-in page.
        folds_case: True if the case of an error code does not matter.
        takes_reports: True if clients report their errors to `_log`.
    """

    format: str
    package: str
    stem: str
    chunk: int
    seals: type[Cipher]
    opens: tuple[type[Opener], ...]
    salted: bool
    named_keys: bool
    key_info: str
    joined_secrets: bool
    nobody: object
    json_header: str | None
    json_field: str | None
    json_location: bool
    missing_csrf: Mapping[str, Refusal]
    wrong_credentials: Refusal
    coded: Refusal
    access_denied: Refusal
    misconfigured: Refusal
    own_error_page: bool
    sign_in_codes: frozenset[str]
    folds_case: bool
    takes_reports: bool

    @property
    def session(self) -> str:
        """The session cookie's name, without a prefix."""
        return f"{self.stem}.session-token"

    @property
    def csrf(self) -> str:
        """The csrf cookie's name, without a prefix."""
        return f"{self.stem}.csrf-token"

    @property
    def callback_url(self) -> str:
        """The callback cookie's name, without a prefix."""
        return f"{self.stem}.callback-url"

    def salt(self, cookie: str) -> str:
        """The salt of the keys for a session cookie of this name."""
        return cookie if self.salted else ""

    def info(self, salt: str) -> str:
        """The HKDF info of the keys with this salt."""
        return self.key_info.format(salt=salt) if self.salted else self.key_info + (f" ({salt})" if salt else "")


def _refusal(page: str, status: int = 200, **query: str) -> Refusal:
    return Refusal(page=page, query=tuple(query.items()), status=status)


AUTHJS_V5 = Flavour(
    format="authjs-v5",
    package="next-auth 5 (@auth/core)",
    stem="authjs",
    chunk=3936,
    seals=CbcHmac512,
    opens=(CbcHmac512, Gcm256),
    salted=True,
    named_keys=True,
    key_info="Auth.js Generated Encryption Key ({salt})",
    joined_secrets=True,
    nobody=None,
    json_header="X-Auth-Return-Redirect",
    json_field=None,
    json_location=True,
    missing_csrf=MappingProxyType(dict.fromkeys(("signin", "signout", "callback"), _refusal("signin", error="MissingCSRF"))),
    wrong_credentials=_refusal("signin", error="CredentialsSignin", code="credentials"),
    coded=_refusal("signin", error="CredentialsSignin", code="{code}"),
    access_denied=_refusal("error", error="AccessDenied"),
    misconfigured=_refusal("error", error="Configuration"),
    own_error_page=False,
    sign_in_codes=frozenset(),
    folds_case=False,
    takes_reports=False,
)
AUTHJS_V4 = Flavour(
    format="authjs-v4",
    package="next-auth 4",
    stem="next-auth",
    chunk=3933,
    seals=Gcm256,
    opens=(Gcm256,),
    salted=False,
    named_keys=False,
    key_info="NextAuth.js Generated Encryption Key",
    joined_secrets=False,
    nobody=MappingProxyType({}),
    json_header=None,
    json_field="json",
    json_location=False,
    missing_csrf=MappingProxyType(
        {
            "signin": _refusal("signin", csrf="true"),
            "callback": _refusal("signin", csrf="true"),
            "signout": _refusal("signout", csrf="true"),
        }
    ),
    wrong_credentials=_refusal("error", 401, error="CredentialsSignin", provider="{provider}"),
    coded=_refusal("error", 401, error="{code}"),
    access_denied=_refusal("error", 403, error="AccessDenied"),
    misconfigured=_refusal("error", 500, error="Configuration"),
    own_error_page=True,
    sign_in_codes=frozenset(
        [
            "Signin",
            "OAuthSignin",
            "OAuthCallback",
            "OAuthCreateAccount",
            "EmailCreateAccount",
            "Callback",
            "OAuthAccountNotLinked",
            "EmailSignin",
            "CredentialsSignin",
            "SessionRequired",
        ]
    ),
    folds_case=True,
    takes_reports=True,
)
FLAVOURS: Mapping[str, Flavour] = MappingProxyType({flavour.format: flavour for flavour in (AUTHJS_V5, AUTHJS_V4)})
