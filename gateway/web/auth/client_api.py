"""What a browser app asks: who am I (`session`), how can one sign in (`providers`), and the token for its own forms (`csrf`)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from aiohttp import web

from gateway.core.identity import Session
from gateway.sessions.errors import SessionUnwritable
from gateway.web.auth.visit import Visit
from gateway.web.pages import data


async def csrf(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET csrf`: the token, and its cookie."""
    return data(request, {"csrfToken": visit.csrf_token()})


async def providers(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET providers`: all of them by id, in the order of the configuration."""
    listed = {}
    for provider in visit.gateway.chain.providers:
        part = quote(provider.id, safe="")
        listed[provider.id] = {
            "id": provider.id,
            "name": provider.name,
            "type": "credentials",
            "signinUrl": visit.absolute(f"/api/auth/signin/{part}"),
            "callbackUrl": visit.absolute(f"/api/auth/callback/{part}"),
        }
    return data(request, listed)


async def session(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET session`: what the client may see of the session, `null` without one (contract section 8, v5)."""
    held = visit.session
    if held is None:
        visit.clear_bad_session()
        return data(request, None)
    return data(request, _shown(_renewed(visit, held)))


def _renewed(visit: Visit, held: Session) -> Session:
    """The session, in a new token if the one it has is old enough."""
    sessions = visit.gateway.sessions
    if not sessions.lifetime.renewal_due(held, now=visit.now):
        return held
    renewed = sessions.renewed(held, now=visit.now)
    try:
        visit.lines.extend(sessions.write(renewed, now=visit.now, carried=visit.cookies))
    except SessionUnwritable:  # made elsewhere, just under the limit: it stays as good as it is
        return held
    return renewed


def _shown(held: Session) -> dict[str, object]:
    user = {"name": held.user.name, "email": held.user.email, "image": held.user.image}
    return {"user": {key: value for key, value in user.items() if value is not None}, "expires": _javascript_time(held.expires_at)}


def _javascript_time(moment: datetime) -> str:
    """As `Date.prototype.toISOString()` writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
