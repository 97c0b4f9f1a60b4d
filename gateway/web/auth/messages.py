"""Error codes in addresses, and what a person reads for them. The code itself is never printed (contract section 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.reason import Reason
from gateway.settings.sections.providers import ProviderSettings
from gateway.web.reason_text import HOME, SIGN_IN, SIGN_IN_AGAIN, ReasonText, text_of

CREDENTIALS_SIGNIN = "CredentialsSignin"
MISSING_CSRF = "MissingCSRF"
SESSION_REQUIRED = "SessionRequired"

_ON_SIGN_IN: Mapping[str, str] = {
    CREDENTIALS_SIGNIN: "Sign in failed. Check the details you provided are correct.",
    MISSING_CSRF: "The form was out of date, so nothing was done. Please try again.",
    SESSION_REQUIRED: "Please sign in to access this page.",
    "Signin": "Try signing in with a different account.",
    "OAuthSignin": "Try signing in with a different account.",
    "OAuthCallback": "Try signing in with a different account.",
    "OAuthCallbackError": "Try signing in with a different account.",
    "OAuthCreateAccount": "Try signing in with a different account.",
    "EmailCreateAccount": "Try signing in with a different account.",
    "Callback": "Try signing in with a different account.",
    "OAuthAccountNotLinked": "To confirm your identity, sign in with the same account you used originally.",
    "EmailSignin": "The e-mail could not be sent.",
}
_UNNAMED = "Unable to sign in."

_PAGES: Mapping[str, tuple[ReasonText, int]] = {
    "AccessDenied": (
        ReasonText(
            "Access denied", "You do not have permission to sign in.", "Ask the operator of this site for access.", (SIGN_IN_AGAIN, HOME)
        ),
        403,
    ),
    "Configuration": (
        ReasonText("Server error", "There is a problem with the configuration of this site.", "Tell its operator.", (SIGN_IN_AGAIN, HOME)),
        500,
    ),
    "Verification": (
        ReasonText(
            "Unable to sign in", "The sign-in link is no longer valid.", "It may have been used already, or be too old.", (SIGN_IN,)
        ),
        403,
    ),
}
_OTHER = ReasonText("Error", "Something did not work.", "Go back and try again.", (HOME, SIGN_IN))
_REASONS = {reason.value: reason for reason in Reason}


def on_sign_in(code: str | None) -> str | None:
    """The sentence on the sign-in page; None without a code."""
    return _ON_SIGN_IN.get(code, _UNNAMED) if code else None


def of_public_code(code: str | None, providers: Iterable[ProviderSettings]) -> str | None:
    """The words of the configuration for a public code of `authorize()`; None without any."""
    return next((provider.messages[code] for provider in providers if code in provider.messages), None) if code else None


def on_error_page(code: str | None, *, folds_case: bool = False) -> tuple[ReasonText, int, str]:
    """The words of the error page, its status, and the reason to print, if the code is one of ours."""
    if code is None:
        return _OTHER, 200, ""
    if folds_case:
        code = next((known for known in _PAGES if known.lower() == code.lower()), code)
    if code in _PAGES:
        return (*_PAGES[code], "")
    if code in _REASONS:
        return text_of(_REASONS[code]), 200, code
    return _OTHER, 200, ""
