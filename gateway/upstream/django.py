"""For Django: a middleware that works with and without Django's own users.

    MIDDLEWARE = ["gateway.upstream.django.GatewayMiddleware", ...]
    GATEWAY = {"config": BASE_DIR / "gateway.toml", "trusted": ["127.0.0.1"]}

With `django.contrib.auth`, put it in front of the stock `RemoteUserMiddleware`, which then reads a `REMOTE_USER` that no client can write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from gateway.upstream import answers
from gateway.upstream.lookup import get_session
from gateway.upstream.reader import IdentityReader
from gateway.upstream.request_view import KEY
from gateway.upstream.session import Session

_KEYS = ("config", "presets", "set", "assertion", "trusted", "required")


class GatewayUser:
    """`request.user` for projects without `django.contrib.auth`: enough for `login_required` and for templates. It is never stored."""

    is_staff = False
    is_superuser = False

    def __init__(self, session: Session | None) -> None:
        self._session = session
        self.is_authenticated = self.is_active = session is not None
        self.is_anonymous = session is None
        self.id = self.pk = self.username = session.user.id if session else ""
        self.email = (session.user.email or "") if session else ""
        self.roles = session.user.roles if session else ()

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()

    def get_username(self) -> str:
        """The user's id, which is what the gateway calls them by."""
        return self.username

    def get_full_name(self) -> str:
        """The name for people."""
        return (self._session.user.name or "") if self._session else ""


class GatewayMiddleware:
    """Sets `request.gateway_session`, `request.META["REMOTE_USER"]`, and `request.user` where no other middleware does.

    The setting `GATEWAY` says which headers it reads: `config`, the path of a gateway.toml, or `presets` and `set` as there, or `assertion`, a
    `SignedAssertion`, in the place of all of them; `trusted` peers; and `required = True`, to answer 401 where nobody is signed in.

    Raises:
        ImproperlyConfigured: That setting can't be used.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._reader, self._required = _configured(getattr(settings, "GATEWAY", {}))
        self._waits = iscoroutinefunction(get_response)
        if self._waits:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Pass a request on, with what is known."""
        session = get_session(request, reader=self._reader)
        request.META[KEY] = request.gateway_session = session
        request.META.pop("REMOTE_USER", None)
        if session is not None:
            request.META["REMOTE_USER"] = session.user.id
        if not hasattr(request, "user"):
            request.user = GatewayUser(session)
        if session is None and self._required:
            return self._refuse_later() if self._waits else _refusal()
        answer: HttpResponse | Awaitable[HttpResponse] = self._get_response(request)
        return answer

    async def _refuse_later(self) -> HttpResponse:
        return _refusal()


def _refusal() -> HttpResponse:
    answer = HttpResponse(answers.BODY, status=answers.STATUS, content_type=answers.TYPE)
    answer["Cache-Control"] = "no-store"
    return answer


def _configured(given: Mapping[str, Any]) -> tuple[IdentityReader, bool]:
    unknown = sorted(set(given) - set(_KEYS))
    if unknown:
        raise ImproperlyConfigured(f"GATEWAY has no key {unknown[0]!r}; there are {', '.join(_KEYS)}")
    if "config" in given and {"presets", "set", "assertion"} & set(given):
        raise ImproperlyConfigured("GATEWAY: `config` says which headers are read, so leave out `presets`, `set` and `assertion`")
    further = {key: given[key] for key in ("presets", "set", "assertion", "trusted") if key in given}
    try:
        reader = IdentityReader.of_file(given["config"], **further) if "config" in given else IdentityReader(**further)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"GATEWAY: {error}") from error
    return reader, bool(given.get("required", False))
