"""Django's middleware: what a request carries behind it, with and without Django's own users. A whole project is in tests/e2e/test_examples.py."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.test.utils import override_settings

from gateway.core.identity import User
from gateway.upstream import IdentityRefused, Session, get_session
from gateway.upstream.django import GatewayMiddleware

if not settings.configured:
    settings.configure(DEFAULT_CHARSET="utf-8", SECRET_KEY="for tests only")

ADA = Session(user=User(id="zoë", name="Ada L.", roles=("admin",)))
LINES = {"X-Forwarded-User": "zo%C3%AB", "X-Forwarded-Preferred-Username": "Ada L.", "X-User-Roles": "admin"}


def through(request, **how):
    """The request as a view sees it, and the answer."""
    seen = []

    def view(request):
        seen.append(request)
        return HttpResponse("ok")

    with override_settings(GATEWAY=how):
        answer = GatewayMiddleware(view)(request)
    return seen[0] if seen else None, answer


def test_a_view_is_told_who_is_there():
    seen, _ = through(RequestFactory().get("/", headers=LINES))
    assert seen.gateway_session == get_session(seen) == ADA
    assert seen.META["REMOTE_USER"] == "zoë"  # decoded, as RemoteUserMiddleware needs it
    assert (seen.user.is_authenticated, seen.user.get_username(), str(seen.user), seen.user.roles) == (True, "zoë", "Ada L.", ("admin",))
    assert not seen.user.is_staff


def test_nobody_is_an_anonymous_user():
    seen, _ = through(RequestFactory().get("/", REMOTE_USER="mallory"))
    assert (seen.gateway_session, seen.user.is_authenticated, seen.user.is_anonymous, str(seen.user)) == (None, False, True, "")
    assert "REMOTE_USER" not in seen.META


def test_a_user_of_djangos_own_stays():
    request = RequestFactory().get("/", headers=LINES)
    request.user = "of django.contrib.auth"
    seen, _ = through(request)
    assert seen.user == "of django.contrib.auth"


def test_nobody_gets_a_401_where_somebody_is_required():
    seen, answer = through(RequestFactory().get("/"), required=True)
    assert (seen, answer.status_code, answer["Content-Type"]) == (None, 401, "application/json")
    assert through(RequestFactory().get("/", headers=LINES), required=True)[1].status_code == 200


def test_only_listed_peers_are_believed():
    assert through(RequestFactory().get("/", headers=LINES), trusted=["127.0.0.1"])[0].gateway_session == ADA
    assert through(RequestFactory().get("/", headers=LINES), trusted=["10.0.0.1"])[0].gateway_session is None


def test_the_file_of_the_gateway_says_which_headers_there_are(tmp_path):
    (tmp_path / "gateway.toml").write_text('[headers]\npresets = ["remote"]\n')
    seen, _ = through(RequestFactory().get("/", headers={"Remote-User": "bob"} | LINES), config=tmp_path / "gateway.toml")
    assert seen.gateway_session == Session(user=User(id="bob"))


def test_a_signed_assertion_is_read_in_the_place_of_headers():
    class Vouched:
        header = "X-Gateway-Assertion"

        def verify(self, assertion):
            if assertion != "signed":
                raise IdentityRefused("the signature does not hold")
            return ADA

    for signed, session in (("signed", ADA), ("forged", None)):
        seen, _ = through(RequestFactory().get("/", headers=LINES | {"X-Gateway-Assertion": signed}), assertion=Vouched())
        assert seen.gateway_session == session
    assert through(RequestFactory().get("/", headers=LINES), assertion=Vouched())[0].gateway_session is None


async def test_it_works_without_threads():
    async def view(request):
        return HttpResponse(request.gateway_session.user.id)

    with override_settings(GATEWAY={"required": True}):
        middleware = GatewayMiddleware(view)
        assert (await middleware(AsyncRequestFactory().get("/", headers=LINES))).content.decode() == "zoë"
        assert (await middleware(AsyncRequestFactory().get("/"))).status_code == 401


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"trustd": ["10.0.0.1"]}, "no key 'trustd'"),
        ({"config": "/nowhere/gateway.toml"}, "No such file"),
        ({"config": "gateway.toml", "presets": ["remote"]}, "leave out"),
        ({"config": "gateway.toml", "assertion": None}, "leave out"),
        ({"presets": ["nonsense"]}, "no preset"),
    ],
)
def test_a_wrong_setting_stops_the_start(how, why):
    with override_settings(GATEWAY=how), pytest.raises(ImproperlyConfigured, match=why):
        GatewayMiddleware(lambda request: None)
