"""What the sign-in tells while it works: nobody listens, unless `[inspector]` is on (`recording.py`).

Each call stands behind the step that it tells of: the time since the call before is the time that the step took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.callbacks.module import CallbackFailed
    from gateway.core.errors import ProviderUnavailable
    from gateway.core.identity import Session, User
    from gateway.core.reason import Reason
    from gateway.core.return_to import Destination
    from gateway.core.sign_in_loop import Lost
    from gateway.providers.base import Answer, Provider


class Trace:
    """The deaf one: every call costs nothing and does nothing."""

    __slots__ = ()

    def page(self, return_to: str) -> None:
        """A sign-in page is shown; its form will bring this sealed target back."""

    def refused(self, what: str) -> None:
        """A target that was asked for may not be taken, so the form does not keep it: see `TabState.refused`."""

    def settled(self, source: str, location: str) -> None:
        """The target of a form was chosen, and by which way it came."""

    def read(self, provider: Provider | None, refused: Reason | None) -> None:
        """The request and its body were looked at: is it from a page of our own, is it a small form."""

    def csrf(self, holds: bool) -> None:
        """The form's token was held against the cookie."""

    def limits(self, refused: Reason | None, delay_s: float = 0.0) -> None:
        """It was let in, refused, or made to wait."""

    def authorized(self, provider: Provider, answer: Answer) -> None:
        """The providers gave an answer."""

    def unavailable(self, provider: Provider, error: ProviderUnavailable, reason: Reason) -> None:
        """They gave none."""

    def verdict(self, user: User, let_in: bool) -> None:
        """The `sign_in` callback said yes or no."""

    def failed(self, error: CallbackFailed) -> None:
        """A callback gave no answer."""

    def claims(self, session: Session | None, *, asked: bool) -> None:
        """The session was made; `asked` if the `jwt` callback had its say."""

    def unfit(self, reason: Reason) -> None:
        """It can't be kept, or not be told to an upstream."""

    def sealed(self, session: Session, lines: Sequence[str]) -> None:
        """It was encrypted, into these Set-Cookie values."""

    def destination(self, destination: Destination, *, kept_form: bool = False) -> None:
        """Where the sign-in, or the sign-out, ends was chosen; `kept_form`: at the form that waited for it, whatever else was asked."""

    def signed_out(self, session: Session | None) -> None:
        """The sign-in is over for all its tokens; None if there was none."""

    def sent_to(self, location: str) -> None:
        """The browser is told to go there, in whatever form."""

    def circles(self, lost: Lost) -> None:
        """It goes in circles, and the answer is the page that says so."""

    def broke(self, error: Exception) -> None:
        """A fault of ours ended it, and the answer is made elsewhere."""

    def answered(self, response: web.StreamResponse, fields: Mapping[str, str]) -> None:
        """The answer is made: all its headers are there."""


#: One for all: it has no state.
NO_TRACE = Trace()
