"""What kind of answer a client can use where it is not signed in: Fetch Metadata first, then `Accept`. The route's word comes last."""

from __future__ import annotations

from gateway.core.facts import Wants


def wants(*, fetch_mode: str | None, accept: str | None, requested_with: str | None = None) -> Wants:
    """Read `Sec-Fetch-Mode` (W3C Fetch Metadata), `X-Requested-With`, and `Accept` with its q-values (RFC 9110 12.5.1)."""
    if fetch_mode is not None:
        return Wants.PAGE if fetch_mode == "navigate" else Wants.DATA
    if requested_with is not None and requested_with.lower() == "xmlhttprequest":
        return Wants.DATA
    if not accept:
        return Wants.UNSAID
    weights = _weights(accept)
    page = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    data = max((q for kind, q in weights.items() if kind != "*/*" and not kind.startswith(("text/html", "application/xhtml"))), default=0.0)
    if page == data == 0.0:
        return Wants.UNSAID
    return Wants.PAGE if page >= data else Wants.DATA


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = min(1.0, max(0.0, float(parameter[2:])))
                except ValueError:
                    weight = 0.0
        if kind:
            weights[kind] = max(weight, weights.get(kind, 0.0))
    return weights
