"""Sessions through aiohttp-session, over real sockets: what a handler sees, and what the browser gets."""

from datetime import timedelta

import aiohttp_session
import pytest
from aiohttp import web

from gateway.core.identity import Session
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.codec import claims_of
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.errors import SessionTooLarge, SessionUnwritable
from gateway.sessions.keys import KeyRing
from gateway.sessions.storage import TokenSession, TokenStorage, put
from tests.people import ADA, BOB, NOW
from tests.people import session_of as session_for
from tests.sessions.vectors import SECRET

NAME = "authjs.session-token"
COOKIES = SessionCookies(KeyRing.of([SECRET]), secure=False, lifetime=Lifetime())


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def storage(clock):
    return TokenStorage(COOKIES, clock=clock)


@pytest.fixture
async def client(storage, aiohttp_client):
    """A small app with a handler for each kind of answer."""

    async def who(request):
        session = await aiohttp_session.get_session(request)
        held = storage.session_of(session)
        return web.json_response({"sub": session.get("sub"), "new": session.new, "held": "session" if isinstance(held, Session) else held})

    async def sign_in(request):
        session = await aiohttp_session.new_session(request)
        put(session, COOKIES.new(ADA, "credentials", now=storage._clock()))
        raise web.HTTPFound("/")

    async def touch(request):
        session = await aiohttp_session.get_session(request)
        session["seen"] = True
        return web.Response()

    async def sign_out(request):
        (await aiohttp_session.get_session(request)).invalidate()
        return web.Response()

    async def stream(request):
        session = await aiohttp_session.get_session(request)
        session["seen"] = True
        response = web.StreamResponse()
        await storage.save_session(request, response, session)
        await response.prepare(request)
        await response.write(b"piece")
        await response.write_eof()
        return response

    async def saved_by_hand(request):
        session = await aiohttp_session.get_session(request)
        session["seen"] = True
        response = web.Response()
        await storage.save_session(request, response, session)
        return response

    async def too_late(request):
        response = web.StreamResponse()
        await response.prepare(request)
        with pytest.raises(RuntimeError, match="has been sent"):
            await storage.save_session(request, response, await storage.new_session())
        return response

    app = web.Application()
    aiohttp_session.setup(app, storage)
    for path, handler in [
        ("/who", who), ("/in", sign_in), ("/touch", touch), ("/out", sign_out),
        ("/stream", stream), ("/by-hand", saved_by_hand), ("/late", too_late),
    ]:  # fmt: skip
        app.router.add_get(path, handler)
    return await aiohttp_client(app, cookie_jar=None)


async def get(client, path, cookie=None):
    return await client.get(path, headers={"Cookie": cookie} if cookie else {}, allow_redirects=False)


def cookie_for(session):
    return COOKIES.write(session, now=session.issued_at)[-1].partition(";")[0]


def set_by(response):
    return [line for line in response.headers.getall("Set-Cookie", []) if "Max-Age=0" not in line]


def session_in(line):
    return COOKIES.read(CookieHeader.parse([line.partition(";")[0]]))


async def test_the_claims_are_in_the_mapping(client):
    response = await get(client, "/who", cookie_for(session_for(ADA)))
    assert await response.json() == {"sub": "ada", "new": False, "held": "session"}
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("cookie", "held"),
    [
        pytest.param(None, None, id="no-cookie"),
        pytest.param(f"{NAME}=garbage", Reason.SESSION_UNREADABLE, id="garbage"),
        pytest.param(f"{NAME}=%", Reason.SESSION_UNREADABLE, id="bad-percent"),
        pytest.param(cookie_for(session_for(ADA, age=timedelta(days=8))), Reason.SESSION_TOO_OLD, id="too-old"),
        pytest.param(cookie_for(session_for(ADA, age=timedelta(hours=24, seconds=15))), Reason.SESSION_EXPIRED, id="expired"),
        pytest.param(cookie_for(session_for(ADA, age=timedelta(seconds=-16))), Reason.SESSION_FROM_FUTURE, id="from-the-future"),
    ],
)
async def test_a_cookie_that_can_not_be_used_is_as_good_as_none(client, cookie, held):  # promises 39 and 41
    response = await get(client, "/who", cookie)
    assert response.status == 200
    assert await response.json() == {"sub": None, "new": True, "held": held}


async def test_a_clock_that_was_set_back_is_warned_of_once_a_minute_and_ends_no_session(client, clock, caplog):
    """Fault matrix: a clock that steps back."""
    cookie = cookie_for(session_for(ADA))
    clock.now = NOW - timedelta(seconds=100)
    for _ in range(3):
        assert (await (await get(client, "/who", cookie)).json())["held"] == Reason.SESSION_FROM_FUTURE
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "clock-drift ahead_s=100 why=session-from-future cure=NTP"
    ]
    clock.now = NOW
    assert (await (await get(client, "/who", cookie)).json())["sub"] == "ada"


async def test_the_limits_follow_the_gateways_clock(client, clock):  # promise 39
    cookie = cookie_for(session_for(ADA))
    clock.now = NOW + timedelta(hours=24, seconds=14)
    assert (await (await get(client, "/who", cookie)).json())["sub"] == "ada"
    clock.now = NOW + timedelta(hours=24, seconds=15)
    assert (await (await get(client, "/who", cookie)).json())["sub"] is None


async def test_all_cookie_lines_are_read_and_the_first_of_a_name_counts(client):  # promise 42
    ada, bob = cookie_for(session_for(ADA)), cookie_for(session_for(BOB))
    response = await client.get("/who", headers=[("Cookie", "a=1"), ("Cookie", ada), ("Cookie", bob)])
    assert (await response.json())["sub"] == "ada"


async def test_a_sign_in_makes_a_new_token_and_drops_a_planted_one(client):  # promise 37
    planted = session_for(BOB)
    response = await get(client, "/in", cookie_for(planted))
    assert response.status == 302
    [line] = set_by(response)
    found = session_in(line)
    assert isinstance(found, Session)
    assert (found.user.id, found.signed_in_at, found.issued_at) == ("ada", NOW, NOW)
    assert found.token_id != planted.token_id
    assert len([line for line in response.headers.getall("Set-Cookie") if "Max-Age=0" in line]) == 5


async def test_a_change_renews_the_token_and_keeps_the_sign_in(client, clock):
    session = session_for(ADA)
    clock.now = NOW + timedelta(hours=1)
    response = await get(client, "/touch", cookie_for(session))
    assert response.status == 200
    [line] = set_by(response)
    found = session_in(line)
    assert isinstance(found, Session)
    assert (found.signed_in_at, found.issued_at) == (NOW, clock.now)
    assert found.token_id != session.token_id
    assert found.user.claims["seen"] is True


async def test_a_sign_out_clears_every_name(client):
    response = await get(client, "/out", cookie_for(session_for(ADA)))
    assert response.status == 200
    assert response.headers.getall("Set-Cookie") == COOKIES.clear()


@pytest.mark.parametrize("path", ["/stream", "/by-hand"])
async def test_a_save_by_hand_is_sent_once(client, path):
    response = await get(client, path, cookie_for(session_for(ADA)))
    assert response.status == 200
    assert len(set_by(response)) == 1


async def test_nothing_is_saved_once_the_head_is_sent(client):
    assert (await get(client, "/late")).status == 200


async def test_what_a_handler_leaves_out_is_filled_in(storage):
    session = await storage.new_session()
    session["sub"] = "ada"
    found = session_in(storage.lines_for(session)[-1])
    assert isinstance(found, Session)
    assert (found.user.id, found.signed_in_at, found.expires_at) == ("ada", NOW, NOW + timedelta(hours=24))
    assert found.token_id


async def test_a_new_session_is_written_under_the_id_it_was_given(storage):
    signed_in = COOKIES.new(ADA, "credentials", now=NOW)
    session = await storage.new_session()
    put(session, signed_in)
    assert storage.session_of(session) == signed_in
    assert session_in(storage.lines_for(session)[-1]) == signed_in


async def test_a_mapping_that_describes_no_session_is_not_written(storage):
    session = await storage.new_session()
    session["name"] = "Nobody"
    assert storage.session_of(session) is Reason.SESSION_UNREADABLE
    with pytest.raises(SessionUnwritable, match="describes none"):
        storage.lines_for(session)


async def test_a_session_that_is_too_large_is_refused_by_name(storage):  # promise 36
    session = await storage.new_session()
    session.update(claims_of(session_for(ADA)) | {"note": "x" * 20_000})
    with pytest.raises(SessionTooLarge):
        storage.lines_for(session)


def test_its_repr_shows_no_claim():
    assert "ada@example.com" not in repr(TokenSession(session_for(ADA)))
