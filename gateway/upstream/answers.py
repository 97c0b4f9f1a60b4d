"""The answer to a request of nobody, where somebody has to be signed in."""

from __future__ import annotations

STATUS = 401
TYPE = "application/json"
#: Normally the gateway answers before an app does; this one is for a route that it leaves open, or a request that went around it.
BODY = b'{"error":"not-signed-in","message":"Nobody is signed in.","login_url":"/api/auth/signin"}'
FIELDS = (("Content-Type", TYPE), ("Content-Length", str(len(BODY))), ("Cache-Control", "no-store"))
