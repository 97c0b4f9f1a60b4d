"""The header lines that every page and every JSON answer of ours carries (promise 49). Proxied answers are the upstream's own."""

from __future__ import annotations

from collections.abc import Iterable

NO_STORE = "private, no-cache, no-store"
_FEATURES = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "midi", "payment", "usb")
_PERMISSIONS = ", ".join(f"{feature}=()" for feature in _FEATURES)


def security_headers(*, https: bool, nonce: str | None = None, form_origins: Iterable[str] = (), script: bool = False) -> dict[str, str]:
    """Header lines for one answer.

    Args:
        https: The public scheme; HSTS is only for that (RFC 6797 7.2).
        nonce: Of the page's one style sheet; None for an answer that is no page.
        form_origins: Where a form of the page may end besides our own origin. Chromium holds `form-action` against the redirects
            after a POST as well, so without these a sign-in that ends at an allowed origin would stop half way.
        script: The page has a script of its own, with the same nonce, that may ask the gateway itself and nobody else.
    """
    csp = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]
    if nonce is None:
        csp.append("form-action 'none'")
    else:
        # No picture is loaded from anywhere: `data:` is for the empty icon alone, without which browsers ask for /favicon.ico.
        csp += [f"style-src 'nonce-{nonce}'", "img-src data:", " ".join(("form-action 'self'", *sorted(form_origins)))]
        if script:
            csp += [f"script-src 'nonce-{nonce}'", "connect-src 'self'"]
    lines = {
        # The three of Auth.js (contract section 7), so that its clients' caches see what they know.
        "Cache-Control": NO_STORE,
        "Pragma": "no-cache",
        "Expires": "0",
        "Content-Security-Policy": "; ".join(csp),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
        # Not no-referrer: with that, browsers send `Origin: null` for our own forms (Fetch, "append a request Origin header").
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if https:
        lines["Strict-Transport-Security"] = "max-age=31536000"
    return lines
