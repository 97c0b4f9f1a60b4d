"""Every difference from the recordings, by the name that it has in docs/authjs.md: in which exchanges, and in which aspects of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    Attributes:
        name: Its name in docs/authjs.md.
        exchanges: The names of the recordings, as a regular expression.
        aspects: What may differ there (tests/interop/compare.py).
    """

    name: str
    exchanges: str
    aspects: frozenset[str] = field(default_factory=frozenset)

    def covers(self, trace: dict[str, Any]) -> bool:
        return re.search(self.exchanges, trace["name"]) is not None


def _difference(name: str, exchanges: str, aspects: str) -> Difference:
    return Difference(name, exchanges, frozenset(aspects.split()))


DIFFERENCES = (
    # Not here: what a client needs to get from a wrong password to its target.
    _difference("cookies-only-where-needed", r"^(?!v4.*/callback/(wrong_password_(client|custom)|authorize_returns_false))", "callback"),
    _difference(
        "cookies-only-where-needed", r"/session/|/error/|no_csrf|csrf_token_without|/get$|/odd/|rotated_secret|signin/post_no_csrf", "csrf"
    ),
    _difference("callback-cookie-is-used-up", r"/signout/ok_form", "location"),
    _difference(
        "whole-range-cleared", r"/callback/(ok|callbackurl|redirect|json|return|event|session_max|https|big|small)|/signout/", "cleared"
    ),
    _difference("target-per-tab", r"_form$", "sealed"),
    _difference("straight-back-to-the-form", r"^v4.*/wrong_password.*form$", "location"),
    _difference(
        "bad-targets-are-passed-over", r"callbackurl_(query_)?not_a_url|callbackurl_javascript", "status csrf body calls session cleared"
    ),
    _difference("bad-targets-are-passed-over", r"callbackurl_protocol_relative", "body location"),
    _difference("bad-callback-cookie-is-ignored", r"poisoned_callback_cookie", "status body csrf calls session"),
    _difference("absolute-urls", r"^v4/callback/signin_path_client|custom_page_return_redirect_header", "body"),
    _difference("no-foreign-targets", r"^v4/callback/signin_external", "body location"),
    _difference("an-id-is-needed", r"noid$", "status body location calls session cleared"),
    _difference("no-answer-is-503", r"authorize_throws_(client|form|custom_pages)", "status body location"),
    _difference("no-message-for-browsers", r"^v4/callback/signin_throws", "status body location"),
    _difference("jwt-none-ends-the-session", r"^v4/callback/jwt_null", "status body"),
    _difference("jwt-none-ends-the-session", r"^v5/callback/jwt_null", "calls"),
    _difference("jwt-none-ends-the-session", r"^v4/session/(jwt_callback_null|update_post_jwt_null)", "calls body"),
    _difference("the-new-token-is-shown", r"^v4/session/update_post_jwt_copy", "body"),
    _difference("always-json", r"^v4/callback/jwt_throws|^v4/session/session_callback_null|update_post_no_csrf|bad_json", "body"),
    _difference("a-fault-signs-nobody-out", r"/session/(jwt|session)_callback_throws", "session"),
    _difference("stale-chunks-are-ignored", r"base_and_chunk_both", "body calls session"),
    _difference("own-statuses", r"/odd/(root|unknown|extra|trailing|head|put|delete|options|patch|post_|log)", "status body location"),
    _difference("own-statuses", r"/odd/no_content_type", "status body location"),
    _difference("own-statuses", r"/callback/(get|unknown_provider|no_provider)", "status body location"),
    _difference("the-page-takes-an-id", r"^v5/signin/get_with_provider", "status body location csrf"),
    _difference("one-cookie-more", r"/callback/|/session/(jwt_callback_null|update_post_jwt_null)", "trail"),
    _difference("sessions-end-with-the-sign-out", r"replayed_after_signout", ""),
)
