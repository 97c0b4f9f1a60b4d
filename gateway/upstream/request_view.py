"""Header fields and the peer of a request of any framework, told apart by their shape so that none has to be imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

#: Where a middleware leaves what it found, in an ASGI scope, a WSGI environ or Django's `META`. No client can write there.
KEY = "gateway.session"
#: All of these places: a framework that wants another kind of key has one of its own, added by its module here.
KEYS: list[object] = [KEY]

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RequestView:
    """What the reader may know of a request.

    Attributes:
        fields: Names in lower case and values, in order, each line of its own where the server tells them apart.
        peer: The address on the other side of the connection; empty for a unix socket, None if the server does not say.
        notes: Where middlewares leave things, if the framework has such a place.
    """

    fields: Fields
    peer: str | None
    notes: Mapping[Any, object] | None = None


def view_of(request: object) -> RequestView:
    """Look at an ASGI scope, a WSGI environ, or a request of Starlette, FastAPI, Django, Flask, aiohttp or their like.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(request, Mapping) and isinstance(request.get("headers"), Iterable) and "type" in request:
        return _of_scope(cast("MutableMapping[str, object]", request))
    if isinstance(request, Mapping) and "REQUEST_METHOD" in request:
        return _of_environ(cast("MutableMapping[str, object]", request))
    meta, scope = getattr(request, "META", None), getattr(request, "scope", None)
    if isinstance(scope, Mapping):  # before META: there, two lines of one name have become one
        view = _of_scope(cast("MutableMapping[str, object]", scope))
        return RequestView(view.fields, view.peer, meta if isinstance(meta, MutableMapping) else view.notes)
    environ = meta if isinstance(meta, Mapping) else getattr(request, "environ", None)
    if isinstance(environ, Mapping):
        return _of_environ(cast("MutableMapping[str, object]", environ))
    headers = getattr(request, "headers", None)
    if isinstance(headers, Mapping) and hasattr(request, "transport"):
        fields = [(name.lower(), value) for name, value in headers.items()]
        transport = request.transport  # of aiohttp; None once the client has gone
        peer = None if transport is None else _address(transport.get_extra_info("peername"))
        return RequestView(fields, peer, request if isinstance(request, Mapping) else None)
    raise TypeError(f"{type(request).__name__} is no request that gateway.upstream knows: give it an ASGI scope or a WSGI environ")


def _of_scope(scope: MutableMapping[str, object]) -> RequestView:
    lines = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in lines]
    # ASGI 3, connection scope: `client` is missing or None where the server does not know, and for unix sockets as uvicorn has it.
    client = scope.get("client")
    return RequestView(fields, "" if client is None else _address(client), scope)


def _of_environ(environ: MutableMapping[str, object]) -> RequestView:
    # PEP 3333: names are folded and lines of one name joined before anybody sees them.
    fields = [(name[5:].replace("_", "-").lower(), str(value)) for name, value in environ.items() if name.startswith("HTTP_")]
    peer = environ.get("REMOTE_ADDR")
    return RequestView(fields, peer if isinstance(peer, str) else None, environ)


def _address(peer: object) -> str | None:
    if isinstance(peer, (tuple, list)) and peer and isinstance(peer[0], str):
        return peer[0]
    return "" if isinstance(peer, (str, bytes)) else None  # a path, or nothing: a unix socket
