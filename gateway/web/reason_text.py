"""What a person reads for each reason: what happened, in one sentence, and what to do. `docs/reasons.md` tells operators more.

No text here may hold anything of the request: no path, no host, no address (promise 51).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.reason import Reason

HOME = ("Go to the start page", "/")
SIGN_IN = ("Sign in", "/api/auth/signin")
SIGN_IN_AGAIN = ("Back to sign-in", "/api/auth/signin")
OTHER_ACCOUNT = ("Use another account", "/api/auth/signin")
#: An empty reference is the page itself: a link to it repeats nothing of the request in the page.
RELOAD = ("Try again", "")


@dataclass(frozen=True, slots=True)
class ReasonText:
    """The words of an error page.

    Attributes:
        title: A few words for the heading.
        what: What happened.
        cure: What the person can do.
        links: Where to go from here, the likeliest first: label and address.
    """

    title: str
    what: str
    cure: str
    links: tuple[tuple[str, str], ...] = (HOME,)


_TYPED = "If you typed the address, check it. If you followed a link, tell the site that has it."
_PROGRAM = "The reason below says more; the operator of this site issues tokens."
_OURS = "This is not your fault. Try again in a moment."

_TEXTS: Mapping[Reason, ReasonText] = {
    Reason.REQUEST_MALFORMED: ReasonText("Request not understood", "The request was not well-formed.", _TYPED),
    Reason.REQUEST_LINE_TOO_LONG: ReasonText("Address too long", "The address is longer than this site accepts.", "Use a shorter address."),
    Reason.REQUEST_HEAD_TOO_LARGE: ReasonText(
        "Request too large",
        "The browser sent more header data than this site accepts, most often because of many or large cookies.",
        "Delete the cookies of this site in your browser, then try again.",
        (RELOAD,),
    ),
    Reason.REQUEST_TIMED_OUT: ReasonText(
        "Too slow", "The request did not arrive in time.", "Check your connection, then try again.", (SIGN_IN_AGAIN,)
    ),
    Reason.REQUEST_BODY_TOO_LARGE: ReasonText("Too much data", "More data was sent than this page accepts.", "Send less, then try again."),
    Reason.FRAMING_AMBIGUOUS: ReasonText("Request not understood", "The end of the request can be read in two ways.", _TYPED),
    Reason.VERSION_REFUSED: ReasonText("Version not supported", "This site speaks HTTP/1.0 and HTTP/1.1 here.", "Use a current browser."),
    Reason.HOST_INVALID: ReasonText("Site name not understood", "The request does not name one site.", _TYPED, ()),
    Reason.HOST_UNKNOWN: ReasonText(
        "Not the right address", "No site is served under this name.", "Check the name in the address bar; the site may have moved.", ()
    ),
    Reason.TARGET_MALFORMED: ReasonText("Address not understood", "The address holds characters that have no place there.", _TYPED),
    Reason.PATH_AMBIGUOUS: ReasonText(
        "Address can be read in two ways", "The address could mean two different pages, so neither is shown.", _TYPED
    ),
    Reason.METHOD_REFUSED: ReasonText("Not possible here", "This page can't be used in that way.", "Open it anew from the start page."),
    Reason.EXPECTATION_REFUSED: ReasonText("Not possible here", "The request expects something that this site does not do.", _TYPED),
    Reason.LOOP_DETECTED: ReasonText("Going in circles", "The request came back to where it started several times.", "Tell the operator."),
    Reason.TOO_MANY_CONNECTIONS: ReasonText("Very busy", "There are too many connections at the moment.", _OURS, (RELOAD,)),
    Reason.ROUTE_MISSING: ReasonText("Page not found", "There is no page at this address.", _TYPED),
    Reason.ROUTE_NOT_PROXIED: ReasonText("Page not found", "There is no page at this address here.", _TYPED),
    Reason.PROXY_UNLISTED: ReasonText("Refused", "Only the proxies of this site may ask this.", "Tell the operator of this site."),
    Reason.ORIGINAL_INCOMPLETE: ReasonText(
        "Request not understood", "The proxy of this site did not say clearly what was asked for.", "Tell the operator of this site."
    ),
    Reason.HEADER_FORGED: ReasonText(
        "Refused", "The request says who you are in a way that only this site may.", "Switch off what adds headers to your requests."
    ),
    Reason.ROUTE_DENIED: ReasonText("Closed", "This page is not open to anybody.", "If you need it, ask the operator of this site."),
    Reason.SESSION_MISSING: ReasonText("Please sign in", "This page is for people who are signed in.", "Sign in to go on.", (SIGN_IN,)),
    Reason.SESSION_UNREADABLE: ReasonText(
        "Please sign in again", "Your browser sent a sign-in that can't be read any more.", "Sign in again to go on.", (SIGN_IN,)
    ),
    Reason.SESSION_EXPIRED: ReasonText(
        "Please sign in again", "You have not been here for a while, so your sign-in has ended.", "Sign in again to go on.", (SIGN_IN,)
    ),
    Reason.SESSION_TOO_OLD: ReasonText(
        "Please sign in again", "You signed in a long time ago, and a sign-in lasts only so long.", "Sign in again to go on.", (SIGN_IN,)
    ),
    Reason.SESSION_FROM_FUTURE: ReasonText(
        "Please sign in again", "Your sign-in carries a time that has not come yet.", "Sign in again to go on.", (SIGN_IN,)
    ),
    Reason.SESSION_UNKNOWN: ReasonText("Please sign in again", "This session is over.", "Sign in again to go on.", (SIGN_IN,)),
    Reason.SESSION_REVOKED: ReasonText("Please sign in again", "You were signed out.", "Sign in again to go on.", (SIGN_IN,)),
    Reason.SESSION_ENDED: ReasonText("Please sign in again", "Your sign-in was ended by this site.", "Sign in again to go on.", (SIGN_IN,)),
    Reason.SESSION_STORE_UNAVAILABLE: ReasonText(
        "Not available now", "Whether you are still signed in can't be checked right now.", _OURS, (RELOAD,)
    ),
    Reason.CALLBACK_FAILED: ReasonText("Not available now", "Your sign-in can't be checked right now.", _OURS, (RELOAD,)),
    Reason.SIGN_IN_DENIED: ReasonText(
        "Access denied",
        "Your account is good, and this site does not let it in.",
        "Ask the operator of this site for access, or use another account.",
        (OTHER_ACCOUNT, HOME),
    ),
    Reason.ROLE_MISSING: ReasonText(
        "No access",
        "You are signed in, and your account does not have the role that this page asks for.",
        "Ask the operator of this site for access, or use another account.",
        (OTHER_ACCOUNT, HOME),
    ),
    Reason.GROUP_MISSING: ReasonText(
        "No access",
        "You are signed in, and your account is not in a group that may see this page.",
        "Ask the operator of this site for access, or use another account.",
        (OTHER_ACCOUNT, HOME),
    ),
    Reason.ORIGIN_FOREIGN: ReasonText("Refused", "Another site tried to open a connection in your name.", "You don't need to do anything."),
    Reason.IDENTITY_UNENCODABLE: ReasonText(
        "Account can't be used here",
        "Something in your account can't be passed on safely to this site.",
        "Tell the operator of this site, and give the reason below.",
        (OTHER_ACCOUNT,),
    ),
    **dict.fromkeys(
        (Reason.AUTHORIZATION_MISSING, Reason.AUTHORIZATION_MALFORMED),
        ReasonText("Not signed in", "This address is for programs, and the request does not say whose it is.", _PROGRAM),
    ),
    **dict.fromkeys(
        (Reason.TOKEN_MALFORMED, Reason.TOKEN_UNKNOWN, Reason.TOKEN_EXPIRED, Reason.TOKEN_REVOKED, Reason.TOKEN_USER_MISSING),
        ReasonText("Token not accepted", "The request brought a token that is not good, or no longer.", _PROGRAM),
    ),
    Reason.SCOPE_MISSING: ReasonText("Not allowed", "The token that the request brought is not for this address.", _PROGRAM),
    Reason.CREDENTIALS_WRONG: ReasonText(
        "Sign-in failed", "What you entered does not belong to an account.", "Check it and try again.", (SIGN_IN_AGAIN,)
    ),
    Reason.CREDENTIALS_MALFORMED: ReasonText(
        "Sign-in not understood",
        "What was sent is not what the sign-in form sends: a field is missing, twice there, or too long.",
        "Open the sign-in page anew and try again.",
        (SIGN_IN_AGAIN,),
    ),
    Reason.CSRF_MISMATCH: ReasonText(
        "Form out of date",
        "The form was opened too long ago, or in another browser.",
        "Open the sign-in page anew and try again.",
        (SIGN_IN_AGAIN,),
    ),
    Reason.CROSS_SITE: ReasonText(
        "Refused", "The form was sent from another site.", "If you want to sign in or out, do it on this site.", (SIGN_IN_AGAIN, HOME)
    ),
    Reason.CONTENT_TYPE_REFUSED: ReasonText(
        "Sign-in not understood",
        "A sign-in must be sent as a form or as JSON.",
        "Open the sign-in page and use its form.",
        (SIGN_IN_AGAIN,),
    ),
    Reason.PROVIDER_UNKNOWN: ReasonText(
        "No such way to sign in",
        "This site does not offer that way to sign in.",
        "Choose one of those on the sign-in page.",
        (SIGN_IN_AGAIN,),
    ),
    Reason.PROVIDER_UNAVAILABLE: ReasonText(
        "Sign-in is not available", "The accounts can't be reached at the moment, so nobody can sign in.", _OURS, (SIGN_IN_AGAIN,)
    ),
    Reason.SIGN_IN_BUSY: ReasonText("Sign-in is very busy", "Too many people are signing in at this moment.", _OURS, (SIGN_IN_AGAIN,)),
    Reason.SIGN_IN_LIMITED: ReasonText(
        "Too many attempts", "Too many sign-ins failed from your network.", "Wait a few minutes, then try again.", (SIGN_IN_AGAIN,)
    ),
    Reason.SESSION_TOO_LARGE: ReasonText(
        "Account can't be used here",
        "Your account holds more than fits in a browser cookie.",
        "Tell the operator of this site, and give the reason below.",
        (OTHER_ACCOUNT,),
    ),
    Reason.SIGN_IN_LOOP: ReasonText(
        "The sign-in goes in circles",
        "You signed in, and your browser came back without the cookies of the sign-in.",
        "Open this site over https, in a tab of its own, with cookies allowed; if that does not help, tell its operator.",
        (SIGN_IN_AGAIN,),
    ),
    Reason.KEPT_FORM_GONE: ReasonText(
        "The form is not kept any more",
        "A form that waits for a sign-in is offered once, within ten minutes, to whoever sent it.",
        "Fill it in again.",
    ),
    Reason.ACTION_UNKNOWN: ReasonText("Page not found", "The sign-in service has no page at this address.", _TYPED, (SIGN_IN, HOME)),
    Reason.INSPECTOR_OFF: ReasonText(
        "Not switched on",
        "This site does not record what happens at a sign-in, so there is nothing to show.",
        "Its operator can switch that on: enabled = true in the section [inspector] of the configuration. Then sign in again.",
        (SIGN_IN, HOME),
    ),
    Reason.UPSTREAM_UNREACHABLE: ReasonText("Not reachable", "The service behind this site could not be reached.", _OURS, (RELOAD,)),
    Reason.UPSTREAM_BUSY: ReasonText("Very busy", "The service behind this site is busy.", _OURS, (RELOAD,)),
    Reason.UPSTREAM_TIMED_OUT: ReasonText("No answer", "The service behind this site did not answer in time.", _OURS, (RELOAD,)),
    Reason.UPSTREAM_INVALID: ReasonText("Bad answer", "The service behind this site gave an answer that makes no sense.", _OURS, (RELOAD,)),
    Reason.UPSTREAM_TRUNCATED: ReasonText(
        "Cut short", "The service behind this site stopped in the middle of its answer.", _OURS, (RELOAD,)
    ),
    Reason.SHUTTING_DOWN: ReasonText("Just a moment", "This site is being restarted.", _OURS, (RELOAD,)),
    Reason.INTERNAL_ERROR: ReasonText("Something went wrong", "An error happened on our side.", _OURS, (RELOAD, HOME)),
}
_UNNAMED = ReasonText("Not possible", "The request could not be served.", _TYPED)


def text_of(reason: Reason) -> ReasonText:
    """The words for a reason. Reasons that never end a request have none of their own and get general words."""
    return _TEXTS.get(reason, _UNNAMED)
