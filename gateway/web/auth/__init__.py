"""The endpoints under `/api/auth/`: sign-in, sign-out, and what clients ask about them."""

from gateway.web.auth.actions import routes

__all__ = ["routes"]
