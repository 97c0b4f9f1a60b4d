"""What a module of `[callbacks]` may define, with NextAuth's names and meaning. For type checkers: nothing here has to be imported.

Each is a function of its own name, sync or async. All arguments are passed by name, and only those that the function takes: `def jwt(*, token)`
is as good as one with five. Mappings are copies: what a callback changes in them counts only if it gives them back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol, TypedDict

#: JSON by name.
Claims = dict[str, object]


class Account(TypedDict):
    """By which provider somebody signed in."""

    provider: str
    type: str
    providerAccountId: str


class SignIn(Protocol):
    """`sign_in`: may this user, whose credentials are right, sign in?"""

    def __call__(
        self, *, user: Claims, account: Account, credentials: Mapping[str, str]
    ) -> bool | str | Awaitable[bool | str | None] | None:
        """Decide.

        Args:
            user: What `authorize()` gave: `id`, `name`, `email`, `image`, `roles`, `groups`, further claims.
            account: By which provider.
            credentials: All posted fields, as text; passwords too.

        Returns:
            True: yes. False or None: no, the page says "access denied". A path or URL: no, and the browser goes there; it must be on the
            own origin or a listed one.
        """


class Redirect(Protocol):
    """`redirect`: where may a sign-in or sign-out end?"""

    def __call__(self, *, url: str, base_url: str) -> str | Awaitable[str]:
        """Choose. Asked about what the request asked for, not about targets of the configuration; and not if nothing was asked for.

        Args:
            url: What was asked: a path, a URL, or anything at all.
            base_url: The own origin, without a slash at the end.

        Returns:
            Where to go. It is judged like any other target: only the own origin and listed ones are taken.
        """


class Jwt(Protocol):
    """`jwt`: what is in the token?"""

    def __call__(
        self, *, token: Claims, user: Claims | None, account: Account | None, trigger: str | None, session: object
    ) -> Claims | Awaitable[Claims | None] | None:
        """Change the claims, or end the session.

        Called at a sign-in (`trigger="signIn"`, with `user` and `account`), when the client updates the session (`trigger="update"`, with
        whatever it sent as `session`: check it), and when a token older than `session.update_age` is renewed, by `GET session` or by a
        request to an app (no trigger).

        Args:
            token: The claims. `sid`, `auth_time`, `provider`, `iat`, `exp` and `jti` are the gateway's: what is changed in them does not count.

        Returns:
            The claims of the new token; None ends the session.
        """


class Session(Protocol):
    """`session`: what may the client see?"""

    def __call__(self, *, session: Claims, token: Claims) -> Claims | Awaitable[Claims | None] | None:
        """Build what `GET /api/auth/session` answers.

        Args:
            session: What it would be without this callback: `user` with `name`, `email`, `image` and the keys of `[session.expose]`, and `expires`.
            token: The claims.

        Returns:
            What the client sees; None: nobody is signed in, as far as it is concerned.
        """


class OnSignIn(Protocol):
    """`on_sign_in`: somebody has signed in. What it gives or raises changes nothing."""

    def __call__(self, *, user: Claims, account: Account) -> object:
        """Hear of it."""


class OnSignOut(Protocol):
    """`on_sign_out`: somebody has signed out."""

    def __call__(self, *, token: Claims) -> object:
        """Hear of it."""


class OnSession(Protocol):
    """`on_session`: a client has asked for its session."""

    def __call__(self, *, session: Claims | None, token: Claims) -> object:
        """Hear of it, and of what it was told; None if the `session` callback hid it."""


#: Every function by its name, with the arguments that it is offered.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "sign_in": ("user", "account", "credentials"),
    "redirect": ("url", "base_url"),
    "jwt": ("token", "user", "account", "trigger", "session"),
    "session": ("session", "token"),
    "on_sign_in": ("user", "account"),
    "on_sign_out": ("token",),
    "on_session": ("session", "token"),
}
