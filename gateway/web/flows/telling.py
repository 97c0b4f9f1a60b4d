"""What became of a flow, in words: a headline, why it ended there, and what the person can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.reason import Reason
from gateway.core.return_to import Lost
from gateway.web.flows.steps import Candidate, Did, Flow, Lane, Sort, Step, Why
from gateway.web.reason_text import text_of

WHY_LOST: Mapping[Why, str] = {
    Lost.OTHER_WON: "it could be taken, and a rule about just this page comes first",
    Lost.NOT_FOR_THEM: "the rule is not for this person",
    Reason.RETURN_NOTHING_ASKED: "it is empty",
    Reason.RETURN_TOO_LONG: "it is too long",
    Reason.RETURN_UNSAFE_CHARACTER: "it holds a character that has no place in an address",
    Reason.RETURN_NOT_A_URL: "it is neither a path nor a URL",
    Reason.RETURN_FOREIGN_ORIGIN: "it leads to another site, which is not on the list of allowed origins",
    Reason.RETURN_TO_HTTP: "it leads from https to http, where everybody on the way can read along",
    Reason.RETURN_OWN_ENDPOINT: "it leads to the sign-in itself, and round in a circle",
}
#: The same, short.
_NAMES = {
    "callbackUrl in the body": "callbackUrl in the form",
    "callbackUrl in the query": "callbackUrl in the address of the sign-in",
    "the sign-in form": "the page that was asked for before the sign-in",
    "the callback-url cookie": "the callback-url cookie of this browser",
}
#: Who brought a page up as the end of a sign-in, for people who never heard of a callback URL.
_SOURCES = {
    "callbackUrl in the body": "the page that sent you to the sign-in named it (callbackUrl in the form)",
    "callbackUrl in the query": "it is the page that was asked for: the address of the sign-in named it (callbackUrl), and the form kept it, sealed",
    "the sign-in form": "it is the page that was asked for before the sign-in, kept sealed in the form",
    "the callback-url cookie": "an earlier visit of this browser asked for it, and the callback-url cookie kept it",
    "the form that was sent before the sign-in": "a form was sent before the sign-in; it was kept, and is offered once more",
    "redirects.after_sign_in": "nothing else was asked for, and the configuration says so (redirects.after_sign_in)",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A flow in words.

    Attributes:
        head: The headline.
        why: The sentence below it.
        cure: What can be done; empty where all is well.
        label: Two or three words for the list.
        good: It did what the person wanted, as far as is known.
    """

    head: str
    why: str
    cure: str
    label: str
    good: bool = False


def told(flow: Flow, *, own: bool) -> Told:
    """Tell it; `own` to the person themselves."""
    who = "You" if own else str(flow.user) if flow.user is not None else "Somebody"
    if flow.sort is Sort.SIGN_OUT:
        return _sign_out(flow, who)
    if flow.reason is Reason.SIGNED_IN:
        were = "were" if own else "was"
        as_whom = f" as {flow.user}" if own and flow.user is not None else ""
        if came_back(flow) is False:
            return Told(
                f"{who} signed in{as_whom}, and the session cookie did not come back", *_LOST_COOKIE, label="signed in, cookie lost"
            )
        return Told(f"{who} signed in{as_whom}, and {were} sent to {flow.target}", _because(flow), "", "signed in", good=True)
    words = text_of(flow.reason)
    if flow.reason is Reason.SIGN_IN_DENIED and any(step.why is Reason.CALLBACK_FAILED for step in flow.steps):
        return Told(f"{who} could not sign in: a callback failed", "The credentials are right. Then the callback sign_in, which is code of this site, raised or took too long; that is never a yes.",
                    "Tell the operator of this site." if own else "The step in red says where it raised.", "callback failed")  # fmt: skip
    if flow.reason is Reason.CALLBACK_FAILED:
        return Told(f"{who} could not sign in: a callback failed", "The credentials are right. Then a callback, which is code of this site, raised, took too long, or gave something that can't be used.",
                    "Tell the operator of this site." if own else "The step in red says where it raised.", "callback failed")  # fmt: skip
    return Told(
        f"{who} could not sign in: {_LABELS.get(flow.reason, words.title).lower()}",
        words.what,
        words.cure,
        _LABELS.get(flow.reason, words.title).lower(),
    )


_LOST_COOKIE = (
    "The sign-in was good, and the answer set the cookie. The next request of the browser came without it, so this site does not know who that is, and asks again.",
    "A browser that keeps no cookies does that, a clock that is ahead, and a server in between that changes the cookie. "
    "When it happens twice in a row, the sign-in page says which of these is the likeliest.",
)
_LABELS: Mapping[Reason, str] = {
    Reason.CREDENTIALS_WRONG: "Wrong name or password",
    Reason.SIGN_IN_DENIED: "Not let in",
    Reason.SIGN_IN_LIMITED: "Too many attempts",
    Reason.CSRF_MISMATCH: "Form out of date",
    Reason.CROSS_SITE: "Sent by another site",
    Reason.PROVIDER_UNAVAILABLE: "No answer from the provider",
}


def _sign_out(flow: Flow, who: str) -> Told:
    if flow.reason is Reason.SIGNED_OUT:
        return Told(
            f"{who} signed out",
            "The sign-in is over for every copy of its cookie, and the cookie was cleared.",
            "",
            "signed out",
            good=True,
        )
    words = text_of(flow.reason)
    return Told(f"{who} could not sign out: {words.title.lower()}", words.what, words.cure, words.title.lower())


def _because(flow: Flow) -> str:
    if flow.won is None:
        return ""
    source = str(flow.won.source)
    if source == "the sign-in form":
        source = _kept_from(flow) or source
    if source.startswith("redirects.rules["):
        asked = (
            "nothing that may be taken was asked for, and this rule of the configuration fits"
            if not _beaten(flow)
            else "a rule of the configuration is about just the page that was asked for"
        )
        return f"Because: {asked}: {source}."
    if source == "redirects.after_sign_in" and any(isinstance(candidate.why, Reason) for candidate in flow.lost):
        return f"Because: what was asked for may not be taken, and the configuration says where else ({source})."
    return f"Because: {_SOURCES.get(source, f'it came from {source}')}."


def _kept_from(flow: Flow) -> str | None:
    """By which way the target came that the form kept: the page said so when it was shown."""
    facts = (fact for step in reversed(flow.steps) for fact in step.facts)
    return next((str(fact.value) for fact in facts if str(fact.label) == "which came from"), None)


def _beaten(flow: Flow) -> bool:
    return any(candidate.why is Lost.OTHER_WON for candidate in flow.lost)


def named(candidate: Candidate, flow: Flow) -> str:
    """What a candidate is called, for people; what the form kept, by the way that it came to the form."""
    source = str(candidate.source)
    if source == "the sign-in form" and (kept_from := _kept_from(flow)) != "callbackUrl in the query":
        source = kept_from or source
    return _NAMES.get(source, source)


def why_lost(candidate: Candidate) -> str:
    """Why a candidate was not taken."""
    return WHY_LOST.get(candidate.why, str(candidate.why)) if candidate.why is not None else ""


def came_back(flow: Flow) -> bool | None:
    """Whether the browser sent the session cookie back with its next request; None: there was none yet, or no cookie was set."""
    if flow.session is None or flow.sign_in is None or not (after := _after_the_answer(flow)):
        return None
    return any(note.name == flow.session.cookie.name and note.did is Did.SENT for step in after for note in step.cookies)


def back(flow: Flow) -> str:
    """The same in a sentence."""
    if flow.session is None or flow.sign_in is None:
        return ""
    name = flow.session.cookie.name
    match came_back(flow):
        case None:
            return "No request has come back since. If the browser shows the sign-in again, it did not send the cookie back."
        case True:
            return f"The browser sent {name} back with its next request."
        case False:
            return f"The browser did not send {name} back with its next request."


def _after_the_answer(flow: Flow) -> list[Step]:
    answers = [
        index
        for index, step in enumerate(flow.steps)
        if step.source is Lane.GATEWAY and step.target is Lane.BROWSER and step.why is flow.reason
    ]
    return [] if not answers else [step for step in flow.steps[answers[0] + 1 :] if step.source is Lane.BROWSER]
