"""The session in its cookies, with a browser's jar in between."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.identity import Session, User
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.chunks import MAX_CHUNKS
from gateway.sessions.codec import claims_of
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import CHUNK, SessionCookies
from gateway.sessions.errors import SessionTooLarge, SessionUnwritable
from gateway.sessions.keys import KeyRing
from gateway.sessions.seal import Sealer
from gateway.sessions.token import TokenCodec
from tests.people import ADA, BOB, NOW
from tests.people import session_of as session_for
from tests.sessions.vectors import OTHER_SECRET, SECRET, cases

KEYS = KeyRing.of([SECRET])
LIFETIME = Lifetime()
COOKIES = SessionCookies(KEYS, secure=False, lifetime=LIFETIME)
SECURE = SessionCookies(KEYS, secure=True, lifetime=LIFETIME)
NAME = "authjs.session-token"
ATTRIBUTES = "; Path=/; HttpOnly; SameSite=Lax"


class Jar(dict):
    """What a browser keeps of the Set-Cookie lines it was sent, and the Cookie header it makes of them."""

    def take(self, lines):
        for line in lines:
            pair, _, attributes = line.partition("; ")
            name, _, value = pair.partition("=")
            self.pop(name, None)
            if "Max-Age=0" not in attributes:
                self[name] = value
        return self

    @property
    def header(self):
        return CookieHeader.parse(["; ".join(f"{name}={value}" for name, value in self.items())])


def user_of_size(chunks: float, user: User = ADA) -> User:
    """Somebody whose token fills about so many cookies."""
    return replace(user, claims={"note": "x" * int(CHUNK * chunks * 3 / 4 - 700)})


def signed_in(user: User, cookies: SessionCookies = COOKIES) -> Session:
    return cookies.new(user, "credentials", now=NOW)


@pytest.mark.parametrize("vector", [case for case in cases("chunks") if case.values[0].get("set_cookie") and case.values[0]["token"]])
def test_the_cookies_of_the_real_package_are_read(vector):
    cookies = SessionCookies(KeyRing.of([vector["secret"]]), secure=vector["cookie_name"].startswith("__Secure-"), lifetime=LIFETIME)
    jar = Jar(vector["cookies_before"]).take(vector["set_cookie"])
    claims = TokenCodec(KeyRing.of([vector["secret"]]), vector["salt"]).open(vector["token"])
    session = cookies.read(jar.header)
    assert isinstance(session, Session)
    assert (session.token_id, session.user.id) == (claims["jti"], claims["sub"])


@pytest.mark.parametrize("vector", [case for case in cases("chunks") if case.values[0].get("set_cookie") and case.values[0]["token"]])
def test_the_lines_are_those_of_the_real_package_but_for_the_token(vector):
    secure = vector["cookie_name"].startswith("__Secure-")
    cookies = SECURE if secure else COOKIES
    chunks = len([line for line in vector["set_cookie"] if "Max-Age=0" not in line])
    user = user_of_size(chunks - 0.5) if chunks > 1 else ADA
    carried = Jar(vector["cookies_before"]).header
    lines = cookies.write(signed_in(user, cookies), now=NOW, carried=carried)

    def shape(line):
        pair, _, attributes = line.partition("; ")
        return pair.partition("=")[0], "Expires=" in attributes, [part.partition("=")[0] for part in attributes.split("; ")]

    assert [shape(line) for line in lines] == [shape(line) for line in vector["set_cookie"]]


def test_a_session_comes_back_as_it_was_written():
    session = signed_in(ADA)
    jar = Jar().take(COOKIES.write(session, now=NOW))
    assert list(jar) == [NAME]
    assert COOKIES.read(jar.header) == session


def test_without_a_cookie_there_is_no_session():
    assert COOKIES.read(CookieHeader.parse([])) is None
    assert COOKIES.read(CookieHeader.parse([f"other=1; {NAME}="])) is None


def test_on_https_the_cookie_is_prefixed_and_secure():  # promise 36
    lines = SECURE.write(signed_in(ADA), now=NOW)
    assert lines[-1].startswith("__Secure-authjs.session-token=")
    assert lines[-1].endswith("; Path=/; Expires=Tue, 24 Nov 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax")
    assert all("; Secure" in line and "Domain" not in line for line in lines)
    assert (SECURE.names.csrf, SECURE.names.callback_url) == ("__Host-authjs.csrf-token", "__Secure-authjs.callback-url")


def test_a_cookie_of_the_other_scheme_is_not_read():
    jar = Jar().take(COOKIES.write(signed_in(ADA), now=NOW))
    assert SECURE.read(jar.header) is None
    assert SECURE.read(CookieHeader.parse([f"__Secure-{NAME}={jar[NAME]}"])) is Reason.SESSION_UNREADABLE


@pytest.mark.parametrize("chunks", range(2, MAX_CHUNKS + 1))
def test_a_large_session_is_cut_into_full_chunks(chunks):
    session = signed_in(user_of_size(chunks - 0.3))
    lines = COOKIES.write(session, now=NOW)
    jar = Jar().take(lines)
    assert list(jar) == [f"{NAME}.{number}" for number in range(chunks)]
    assert {len(value) for value in list(jar.values())[:-1]} == {CHUNK}
    assert all(len(line) <= 4096 for line in lines)  # promise 36
    assert COOKIES.read(jar.header) == session


def test_a_full_chunk_with_the_longest_name_and_all_attributes_fits_a_browsers_limit():  # promise 36
    assert max(map(len, SECURE.write(signed_in(user_of_size(3.9)), now=NOW))) <= 4096


def note_for(size: int) -> User:
    """Somebody whose token has as many characters as possible up to `size`, found by trying."""
    user = replace(ADA, claims={"note": ""})
    low, high = 0, size
    while low < high:
        middle = (low + high + 1) // 2
        token = TokenCodec(KEYS, NAME).seal(claims_of(signed_in(replace(user, claims={"note": "x" * middle}))))
        low, high = (middle, high) if len(token) <= size else (low, middle - 1)
    return replace(user, claims={"note": "x" * low})


def test_four_chunks_are_written_and_a_fifth_is_refused_by_name():  # promise 36
    most = note_for(MAX_CHUNKS * CHUNK)
    session = signed_in(most)
    jar = Jar().take(COOKIES.write(session, now=NOW))
    assert len(jar) == MAX_CHUNKS
    assert COOKIES.read(jar.header) == session
    with pytest.raises(SessionTooLarge) as caught:
        COOKIES.write(signed_in(replace(most, claims={"note": most.claims["note"] + "x" * 16})), now=NOW)
    assert caught.value.limit == MAX_CHUNKS * CHUNK < caught.value.size
    assert str(caught.value.size) in str(caught.value)


def test_one_cookie_holds_up_to_the_limit():
    most = note_for(CHUNK)
    assert list(Jar().take(COOKIES.write(signed_in(most), now=NOW))) == [NAME]
    more = replace(most, claims={"note": most.claims["note"] + "x" * 16})
    assert list(Jar().take(COOKIES.write(signed_in(more), now=NOW))) == [f"{NAME}.0", f"{NAME}.1"]


def test_a_sign_in_clears_every_name_that_could_be_stale():
    assert COOKIES.write(signed_in(ADA), now=NOW)[:-1] == [f"{NAME}.{number}=; Max-Age=0{ATTRIBUTES}" for number in range(5)]


def test_a_sign_out_clears_the_whole_range():
    assert COOKIES.clear() == [f"{NAME}{suffix}=; Max-Age=0{ATTRIBUTES}" for suffix in ("", ".0", ".1", ".2", ".3", ".4")]


def test_with_the_requests_cookies_only_those_are_cleared():
    carried = CookieHeader.parse([f"{NAME}=x; {NAME}.7=y; {NAME}-other=z; other=1"])
    assert COOKIES.clear(carried) == [f"{NAME}=; Max-Age=0{ATTRIBUTES}", f"{NAME}.7=; Max-Age=0{ATTRIBUTES}"]
    assert COOKIES.write(signed_in(ADA), now=NOW, carried=carried)[:-1] == [f"{NAME}.7=; Max-Age=0{ATTRIBUTES}"]


@given(st.lists(st.sampled_from([0, 1.5, 2.5, 3.5]), min_size=1, max_size=5))
@settings(max_examples=25)
def test_after_any_writes_the_last_one_is_read_whatever_its_size(sizes):
    jar = Jar()
    for size in sizes:
        session = signed_in(user_of_size(size) if size else BOB)
        jar.take(COOKIES.write(session, now=NOW))
        assert COOKIES.read(jar.header) == session
    assert not jar.take(COOKIES.clear())


def test_stale_chunks_behind_the_session_do_no_harm():
    jar = Jar().take(COOKIES.write(signed_in(user_of_size(3.5)), now=NOW))
    session = signed_in(user_of_size(1.5))
    raced = [line for line in COOKIES.write(session, now=NOW) if "Max-Age=0" not in line]  # the clearing lines were lost
    assert COOKIES.read(jar.take(raced).header) == session


@pytest.mark.parametrize("first", ["plain", "chunks"])
def test_of_two_forms_the_one_sent_first_is_the_session(first):  # promise 42
    plain, chunks = signed_in(BOB), signed_in(user_of_size(1.5))
    order = (plain, chunks) if first == "plain" else (chunks, plain)
    jar = Jar()
    for session in order:
        jar.take(line for line in COOKIES.write(session, now=NOW) if "Max-Age=0" not in line)
    assert COOKIES.read(jar.header) == order[0]


def test_of_two_cookies_with_our_name_the_first_is_the_session():  # promise 42
    ada, bob = (Jar().take(COOKIES.write(signed_in(user), now=NOW))[NAME] for user in (ADA, BOB))
    for lines in ([f"{NAME}={ada}; {NAME}={bob}"], [f"{NAME}={ada}", f"{NAME}={bob}"]):
        found = COOKIES.read(CookieHeader.parse(lines))
        assert isinstance(found, Session)
        assert found.user.id == "ada"
    assert COOKIES.read(CookieHeader.parse([f"{NAME}=x; {NAME}={bob}"])) is Reason.SESSION_UNREADABLE


def test_a_cookie_that_only_starts_like_ours_is_not_joined():
    session = signed_in(ADA)
    jar = Jar({f"{NAME}-other": "BBB", f"{NAME}.x": "C", f"{NAME}.00": "D"}).take(COOKIES.write(session, now=NOW))
    assert COOKIES.read(jar.header) == session


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x", id="no-token"),
        pytest.param("%", id="bad-percent"),
        pytest.param("a" * 20_000, id="too-long"),
        pytest.param("....", id="five-empty-parts"),
        pytest.param("%F0%9F%92%A5", id="not-ascii"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".0", ".3"])
def test_a_cookie_that_is_no_session_is_unreadable(value, suffix):  # promise 41
    assert COOKIES.read(CookieHeader.parse([f"{NAME}{suffix}={value}"])) is Reason.SESSION_UNREADABLE


@given(st.lists(st.binary(max_size=80) | st.binary(max_size=80).map(f"{NAME}=".encode().__add__), max_size=3))
def test_no_cookie_header_raises(lines):  # promise 41
    assert COOKIES.read(CookieHeader.parse(lines)) in (None, Reason.SESSION_UNREADABLE)


def test_a_token_of_another_purpose_is_no_session():  # promise 40
    sealed = Sealer(KEYS).seal("ada", purpose="return", expires=NOW + timedelta(hours=1))
    csrf = TokenCodec(KEYS, COOKIES.names.csrf).seal(claims_of(signed_in(ADA)))
    for value in (sealed, csrf):
        assert COOKIES.read(CookieHeader.parse([f"{NAME}={value}"])) is Reason.SESSION_UNREADABLE


def test_a_token_without_sub_is_no_session():
    token = TokenCodec(KEYS, NAME).seal({"iat": 1, "exp": 2, "jti": "j"})
    assert COOKIES.read(CookieHeader.parse([f"{NAME}={token}"])) is Reason.SESSION_UNREADABLE


def test_a_session_sealed_with_a_removed_secret_is_unreadable():  # promise 43
    jar = Jar().take(COOKIES.write(signed_in(ADA), now=NOW))
    rotated = SessionCookies(KeyRing.of([OTHER_SECRET, SECRET]), secure=False, lifetime=LIFETIME)
    retired = SessionCookies(KeyRing.of([OTHER_SECRET]), secure=False, lifetime=LIFETIME)
    assert isinstance(rotated.read(jar.header), Session)
    assert retired.read(jar.header) is Reason.SESSION_UNREADABLE


def test_two_sign_ins_have_two_tokens():  # promise 37
    one, two = signed_in(ADA), signed_in(ADA)
    assert one.token_id != two.token_id
    assert (one.signed_in_at, one.issued_at, one.expires_at) == (NOW, NOW, NOW + timedelta(hours=24))


def test_fractions_of_a_second_are_cut_so_that_a_session_reads_back_equal():
    session = COOKIES.new(ADA, "credentials", now=NOW + timedelta(microseconds=999_999))
    assert session.issued_at == NOW
    assert COOKIES.read(Jar().take(COOKIES.write(session, now=NOW)).header) == session


def test_a_renewal_moves_the_window_and_not_the_sign_in():
    later = NOW + timedelta(hours=1)
    session = signed_in(ADA)
    renewed = COOKIES.renewed(session, now=later)
    assert renewed.token_id != session.token_id
    assert (renewed.user, renewed.signed_in_at, renewed.provider) == (session.user, NOW, "credentials")
    assert (renewed.issued_at, renewed.expires_at) == (later, later + timedelta(hours=24))


def test_no_renewal_goes_beyond_the_absolute_end():  # promise 39
    end = NOW + LIFETIME.absolute
    renewed = COOKIES.renewed(signed_in(ADA), now=end - timedelta(hours=1))
    assert renewed.expires_at == end


@pytest.mark.parametrize(
    ("age", "lines"),
    [
        pytest.param(timedelta(minutes=5) - timedelta(seconds=1), 0, id="just-before-it-is-due"),
        pytest.param(timedelta(minutes=5), 1, id="due"),
        pytest.param(timedelta(hours=24, seconds=14), 1, id="within-the-tolerance"),
        pytest.param(timedelta(hours=24, seconds=15), 0, id="ended"),
        pytest.param(timedelta(days=8), 0, id="too-old"),
    ],
)
def test_an_answer_carries_a_renewal_only_when_it_is_due(age, lines):
    session = session_for(ADA, age=age)
    jar = Jar().take(COOKIES.write(session, now=session.issued_at))
    renewal = COOKIES.renewal(session, now=NOW, carried=jar.header)
    assert len(renewal) == lines
    if lines:
        found = COOKIES.read(jar.take(renewal).header)
        assert isinstance(found, Session)
        assert (found.issued_at, found.signed_in_at) == (NOW, session.signed_in_at)


def test_a_renewal_that_would_not_fit_leaves_the_session_as_it_is():
    session = session_for(user_of_size(5), age=timedelta(hours=1))
    assert COOKIES.renewal(session, now=NOW, carried=CookieHeader.parse([])) == []


def test_a_session_that_has_ended_is_cleared_not_written():
    assert COOKIES.write(session_for(ADA, age=timedelta(hours=24)), now=NOW) == COOKIES.clear()


def test_claims_that_are_no_json_are_refused_without_quoting_them():
    with pytest.raises(SessionUnwritable) as caught:
        COOKIES.write(signed_in(replace(ADA, claims={"pin": {"1234"}})), now=NOW)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        *(
            pytest.param(prefix + name, True, id=f"{prefix}{name}")
            for prefix in ("", "__Secure-", "__Host-")
            for name in (
                "authjs.session-token",
                "authjs.session-token.0",
                "authjs.session-token.12",
                "authjs.csrf-token",
                "authjs.callback-url",
                "authjs.sign-in-trail",
                "authjs.kept-form",
            )
        ),
        pytest.param("__secure-AuthJS.session-token", True, id="another-case"),
        pytest.param(" authjs.csrf-token\t", True, id="space-around"),
        pytest.param("\u2000__Secure-authjs.session-token\u3000", True, id="spaces-of-unicode-around"),
        pytest.param("\x85authjs.session-token", True, id="a-next-line-before"),
        pytest.param("authjs%2Ecsrf-token", True, id="percent-encoded"),
        pytest.param("authjs.csrf-token.0", False, id="csrf-has-no-chunks"),
        pytest.param("next-auth.session-token", False, id="of-version-4"),
        pytest.param("session", False, id="an-apps-own"),
        pytest.param("", False, id="no-name"),
    ],
)
def test_whose_cookie_it_is(name, ours):  # promise 22
    assert COOKIES.owns(name) is ours


def test_open_tokens_are_remembered_within_bounds() -> None:
    cookies = SessionCookies(KEYS, secure=False, lifetime=LIFETIME)
    for number in range(8192 + 10):
        cookies._remember(f"token-{number}", session_for(ADA))
    assert len(cookies._opened) <= 8192
    cookies._remember("x" * (CHUNK + 1), session_for(ADA))
    assert "x" * (CHUNK + 1) not in cookies._opened


def test_a_remembered_token_is_still_its_own_session() -> None:
    cookies = SessionCookies(KEYS, secure=False, lifetime=LIFETIME)
    jars = {}
    for user in (ADA, BOB):
        jars[user.id] = Jar()
        jars[user.id].take(cookies.write(cookies.new(user, "credentials", now=NOW), now=NOW))
    for _ in range(2):
        for name, jar in jars.items():
            session = cookies.read(CookieHeader.parse(["; ".join(f"{key}={value}" for key, value in jar.items())]))
            assert isinstance(session, Session)
            assert session.user.id == name


def test_a_token_that_does_not_open_is_never_remembered() -> None:
    cookies = SessionCookies(KEYS, secure=False, lifetime=LIFETIME)
    for _ in range(2):
        assert cookies.read(CookieHeader.parse([f"{NAME}=forged"])) is Reason.SESSION_UNREADABLE
    assert not cookies._opened


@pytest.mark.parametrize("chunks", [(0.2, 0.2), (1.5, 2.5), (2.5, 1.5), (0.2, 2.5), (2.5, 0.2), (1.5, 1.5, 0.2)], ids=str)
def test_each_session_of_a_request_is_found_whole_and_the_first_is_the_one_that_is_read(chunks):
    """Two jars in one: browsers send the names of either in the same order, those of longer paths first."""
    sessions = [replace(signed_in(user_of_size(size)), sign_in_id=f"sign-in-{number}") for number, size in enumerate(chunks)]
    jars = [Jar().take(COOKIES.write(session, now=NOW)) for session in sessions]
    carried = CookieHeader.parse("; ".join(f"{name}={value}" for name, value in jar.items()) for jar in jars)
    found = [COOKIES.read_signed_out(one) for one in COOKIES.carried_in(carried)]
    assert found[0] == COOKIES.read(carried) == sessions[0]
    assert {session.sign_in_id for session in found if isinstance(session, Session)} == {session.sign_in_id for session in sessions}


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("app.example.com", ["app.example.com", "example.com"]),
        ("app.example.com:8443", ["app.example.com", "example.com"]),
        ("a.b.c.d.e.example.com", ["a.b.c.d.e.example.com", "b.c.d.e.example.com", "c.d.e.example.com", "d.e.example.com"]),
        ("localhost:8080", []),
        ("127.0.0.1:8080", []),
        ("[::1]:8080", []),
    ],
)
def test_what_lies_elsewhere_is_cleared_where_it_can_be(host, domains):
    twice = CookieHeader.parse([f"{NAME}=a; {NAME}=b"])
    lines = COOKIES.clear_elsewhere(twice, host)
    assert [part.removeprefix(" Domain=") for line in lines for part in line.split(";") if "Domain=" in part] == domains
    assert [part.strip() for line in lines for part in line.split(";") if "Path=/api" in part] == ["Path=/api", "Path=/api/auth"]
    assert all(line.startswith(f"{NAME}=; Max-Age=0; ") for line in lines)
    assert COOKIES.clear_elsewhere(CookieHeader.parse([f"{NAME}=a; {NAME}.0=b; {NAME}x=1; {NAME}x=2"]), host) == []
