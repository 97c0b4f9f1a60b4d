"""The cast: ADA (admin and staff), BOB (no roles, no groups), MALLORY (forges headers). Vary with `dataclasses.replace()`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.identity import Session, User

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

ADA = User(
    id="ada",
    name="Ada Lovelace",
    email="ada@example.com",
    image="https://img.example.com/ada.png",
    roles=("admin",),
    groups=("staff", "maths"),
    claims={"department": "engines"},
)
BOB = User(id="bob", name="Bob")
MALLORY = User(id="mallory", name="Mallory\r\nX-Forwarded-User: ada", email="mallory@example.com")


def session_of(user: User, *, age: timedelta = timedelta(0), now: datetime = NOW) -> Session:
    """A session that was signed in `age` ago and has not been renewed since."""
    start = now - age
    return Session(
        user=user,
        token_id="6f1c2e54-3a5b-4f57-9a43-0d9a2f6a4f10",
        sign_in_id=f"sign-in-of-{user.id}",
        signed_in_at=start,
        issued_at=start,
        expires_at=start + timedelta(hours=24),
        provider="credentials",
    )
