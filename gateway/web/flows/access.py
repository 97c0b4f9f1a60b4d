"""Who may look into the inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.policy import UNKNOWN
from gateway.core.reason import Reason

if TYPE_CHECKING:
    from gateway.web.auth.visit import Visit

EVERYBODY = "*"


def refusal(visit: Visit) -> tuple[Reason, int] | None:
    """Why somebody may not, and the status that says so; None if they may."""
    settings = visit.gateway.settings.inspector
    if not settings.enabled:
        return Reason.INSPECTOR_OFF, 404
    held = visit.held
    if held is None or isinstance(held, Reason):
        reason = held or Reason.SESSION_MISSING
        return reason, 503 if reason in UNKNOWN else 401
    if EVERYBODY in settings.roles or set(settings.roles) & set(held.user.roles):
        return None
    return Reason.ROLE_MISSING, 403
