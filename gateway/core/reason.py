"""The closed list of reasons. Logs, metrics, pages, `X-Gateway-Reason`, `explain`, tests and `docs/reasons.md` use these ids.

A reason is an interface: ids are added, never renamed and never reused.
"""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why the gateway answered as it did. The comment of a group says who gives it."""

    # The request itself: refused before any rule is read.
    REQUEST_MALFORMED = "request-malformed"
    REQUEST_LINE_TOO_LONG = "request-line-too-long"
    REQUEST_HEAD_TOO_LARGE = "request-head-too-large"
    REQUEST_TIMED_OUT = "request-timed-out"
    REQUEST_BODY_TOO_LARGE = "request-body-too-large"
    FRAMING_AMBIGUOUS = "framing-ambiguous"
    VERSION_REFUSED = "version-refused"
    HOST_INVALID = "host-invalid"
    HOST_UNKNOWN = "host-unknown"
    TARGET_MALFORMED = "target-malformed"
    PATH_AMBIGUOUS = "path-ambiguous"
    METHOD_REFUSED = "method-refused"
    EXPECTATION_REFUSED = "expectation-refused"
    LOOP_DETECTED = "loop-detected"
    TOO_MANY_CONNECTIONS = "too-many-connections"

    # The rules: core/policy.py.
    ROUTE_PUBLIC = "route-public"
    ROUTE_OPTIONAL = "route-optional"
    SESSION_ACCEPTED = "session-accepted"
    TOKEN_ACCEPTED = "token-accepted"  # noqa: S105  # a reason, no secret
    PASSWORD_ACCEPTED = "password-accepted"  # noqa: S105  # a reason, no secret
    OWN_ENDPOINT = "own-endpoint"
    ROUTE_NOT_PROXIED = "route-not-proxied"
    ROUTE_MISSING = "route-missing"
    ROUTE_DENIED = "route-denied"
    SESSION_MISSING = "session-missing"
    SESSION_UNREADABLE = "session-unreadable"
    SESSION_EXPIRED = "session-expired"
    SESSION_TOO_OLD = "session-too-old"
    SESSION_FROM_FUTURE = "session-from-future"
    SESSION_UNKNOWN = "session-unknown"
    SESSION_REVOKED = "session-revoked"
    SESSION_ENDED = "session-ended"
    SESSION_STORE_UNAVAILABLE = "session-store-unavailable"
    CALLBACK_FAILED = "callback-failed"
    ROLE_MISSING = "role-missing"
    GROUP_MISSING = "group-missing"
    ORIGIN_FOREIGN = "origin-foreign"
    IDENTITY_UNENCODABLE = "identity-unencodable"

    # An Authorization for the gateway: web/machines, core/policy.py.
    AUTHORIZATION_MISSING = "authorization-missing"
    AUTHORIZATION_MALFORMED = "authorization-malformed"
    TOKEN_MALFORMED = "token-malformed"  # noqa: S105  # a reason, no secret
    TOKEN_UNKNOWN = "token-unknown"  # noqa: S105  # a reason, no secret
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  # a reason, no secret
    TOKEN_REVOKED = "token-revoked"  # noqa: S105  # a reason, no secret
    TOKEN_USER_MISSING = "token-user-missing"  # noqa: S105  # a reason, no secret
    SCOPE_MISSING = "scope-missing"

    # What a proxy asks: web/forward_auth.
    PROXY_UNLISTED = "proxy-unlisted"
    ORIGINAL_INCOMPLETE = "original-incomplete"
    HEADER_FORGED = "header-forged"

    # Sign-in and sign-out: web/auth.
    CREDENTIALS_WRONG = "credentials-wrong"
    CREDENTIALS_MALFORMED = "credentials-malformed"
    CSRF_MISMATCH = "csrf-mismatch"
    CROSS_SITE = "cross-site"
    CONTENT_TYPE_REFUSED = "content-type-refused"
    PROVIDER_UNKNOWN = "provider-unknown"
    PROVIDER_UNAVAILABLE = "provider-unavailable"
    SIGN_IN_BUSY = "sign-in-busy"
    SIGN_IN_LIMITED = "sign-in-limited"
    SIGN_IN_DENIED = "sign-in-denied"
    SESSION_TOO_LARGE = "session-too-large"
    SIGN_IN_LOOP = "sign-in-loop"
    KEPT_FORM_GONE = "kept-form-gone"
    ACTION_UNKNOWN = "action-unknown"
    INSPECTOR_OFF = "inspector-off"
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"

    # The upstream: gateway/proxy.
    UPSTREAM_UNREACHABLE = "upstream-unreachable"
    UPSTREAM_BUSY = "upstream-busy"
    UPSTREAM_TIMED_OUT = "upstream-timed-out"
    UPSTREAM_INVALID = "upstream-invalid"
    UPSTREAM_TRUNCATED = "upstream-truncated"

    # The gateway.
    SHUTTING_DOWN = "shutting-down"
    INTERNAL_ERROR = "internal-error"

    # Why a return target was not taken: core/return_to.py.
    RETURN_NOTHING_ASKED = "return-nothing-asked"
    RETURN_TOO_LONG = "return-too-long"
    RETURN_UNSAFE_CHARACTER = "return-unsafe-character"
    RETURN_NOT_A_URL = "return-not-a-url"
    RETURN_FOREIGN_ORIGIN = "return-foreign-origin"
    RETURN_TO_HTTP = "return-to-http"
    RETURN_OWN_ENDPOINT = "return-own-endpoint"
