import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.lifetime import Lifetime
from gateway.sessions import base64url
from gateway.sessions.codec import claims_of
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.flavour import AUTHJS_V4
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import TokenCodec
from tests.people import ADA
from tests.sessions.vectors import OTHER_SECRET, SECRET, VECTORS

NAME = "authjs.session-token"
KEYS = KeyRing.of([SECRET])
NOW = datetime.now(UTC)
COOKIES = SessionCookies(KEYS, secure=False, lifetime=Lifetime())
SESSION = COOKIES.new(ADA, "credentials", now=NOW)
TOKEN = TokenCodec(KEYS, NAME).seal(claims_of(SESSION))


@pytest.fixture
def secret_file(folder):
    file = folder / "keys"
    file.write_text(f"{OTHER_SECRET}\n{SECRET}\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def decoded(run, secret_file):
    """Run `gateway session decode --json` and give its exit code and what it says."""

    def decode(cookie, stdin=None):
        result = run("session", "decode", "--secret-file", str(secret_file), "--json", "--", cookie, stdin=stdin)
        return result.exit_code, json.loads(result.stdout)

    return decode


def token_for(**claims):
    return TokenCodec(KEYS, NAME).seal(claims_of(SESSION) | claims)


def test_it_shows_the_claims_and_the_secret(decoded):
    code, said = decoded(TOKEN)
    assert code == 0
    assert said["readable"] is True
    assert (said["reason"], said["cookie"], said["secret"]) == ("session-accepted", NAME, 2)
    assert said["header"]["enc"] == "A256CBC-HS512"
    assert said["claims"] == claims_of(SESSION)
    assert said["expires_at"] == SESSION.expires_at.isoformat()
    assert said["ends_at"] == (SESSION.signed_in_at + timedelta(days=7)).isoformat()


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param("{}", id="value"),
        pytest.param(f"{NAME}={{}}", id="pair"),
        pytest.param(f"a=1; {NAME}={{}}; b=2", id="header-value"),
        pytest.param(f"Cookie: {NAME}={{}}", id="header-line"),
        pytest.param(f"set-cookie: {NAME}={{}}; Path=/; HttpOnly", id="set-cookie-line"),
        pytest.param("  {}\n", id="space-around"),
    ],
)
@pytest.mark.parametrize("from_stdin", [False, True], ids=["argument", "stdin"])
def test_a_cookie_may_come_in_any_shape(decoded, shape, from_stdin):
    text = shape.format(TOKEN)
    code, said = decoded("-", stdin=text) if from_stdin else decoded(text)
    assert (code, said["reason"]) == (0, "session-accepted")


def test_chunks_are_joined(decoded):
    lines = COOKIES.write(COOKIES.new(ADA.__class__(id="ada", claims={"note": "x" * 4000}), "credentials", now=NOW), now=NOW)
    code, said = decoded("; ".join(line.partition(";")[0] for line in lines if "Max-Age=0" not in line))
    assert (code, said["claims"]["note"]) == (0, "x" * 4000)


@pytest.mark.parametrize(
    ("token", "code", "reason", "why"),
    [
        pytest.param(
            token_for(iat=int(NOW.timestamp()) - 90_000, exp=int(NOW.timestamp()) - 3600), 0, "session-expired", "it has expired", id="expired"
        ),
        pytest.param(token_for(iat=int(NOW.timestamp()) - 90_000), 0, "session-expired", "session.max_age", id="lives-longer-than-we-let-it"),
        pytest.param(token_for(auth_time=int(NOW.timestamp()) - 8 * 86_400), 0, "session-too-old", "session.absolute_max_age", id="too-old"),
        pytest.param(token_for(iat=int(NOW.timestamp()) + 3600), 0, "session-from-future", "future", id="from-the-future"),
        pytest.param(token_for(sub=None), 1, "session-unreadable", "wrong type", id="no-session"),
        pytest.param(TOKEN[:-6] + "AAAAAA", 1, "session-unreadable", "changed", id="changed"),
        pytest.param(TokenCodec(KeyRing(("x" * 40,)), NAME).seal({}), 1, "session-unreadable", "fits none of the 2 secrets", id="other-secret"),
        pytest.param("x" * 20_000, 1, "session-unreadable", "15744", id="too-long"),
        pytest.param("hello", 1, "session-unreadable", "five base64url parts", id="no-token"),
        pytest.param("a.b.c.d.e", 1, "session-unreadable", "five base64url parts", id="a-key-in-the-second-part"),
        pytest.param(
            base64url.encode(b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}') + "..c.d.e", 1,
            "session-unreadable", "not one that a secret of this gateway writes", id="an-unknown-member",
        ),
        pytest.param("a..c.d.e", 1, "session-unreadable", "no JSON", id="a-header-that-is-none"),
        pytest.param(
            next(entry["token"] for entry in VECTORS["jwe"] if entry["name"] == "v5_refuses_a128cbc_hs256"),
            1, "session-unreadable", "not those of Auth.js", id="another-algorithm",
        ),
        pytest.param(
            next(entry["token"] for entry in VECTORS["jwe"] if entry["name"] == "v5_no_kid_first_secret"),
            1, "session-unreadable", "another secret", id="without-kid-it-needs-the-newest-secret",
        ),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong(decoded, token, code, reason, why):
    exit_code, said = decoded(token)
    assert (exit_code, said["reason"]) == (code, reason)
    assert why in said["why"]


def test_the_configuration_gives_secrets_limits_and_the_cookies_name(run, configured):
    secret = "a-test-secret-that-is-long-enough-for-anybody"
    keys = KeyRing.of([secret])
    plain, secure = (TokenCodec(keys, name).seal(claims_of(SESSION)) for name in (NAME, f"__Secure-{NAME}"))
    said = json.loads(run("session", "decode", "--json", plain).stdout)
    assert (said["reason"], said["secret"]) == ("session-accepted", 1)
    result = run("session", "decode", "--json", secure)
    said = json.loads(result.stdout)
    assert (result.exit_code, said["reason"], said["readable"]) == (1, "session-unreadable", False)
    assert "server.public_url" in said["why"]
    assert secret not in result.output


def test_for_people_it_is_a_few_lines(run, secret_file):
    result = run("session", "decode", "--secret-file", str(secret_file), TOKEN)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "session-accepted: the gateway takes it"
    assert "secret       2 of 2" in result.stdout
    assert '"Ada Lovelace"' in result.stdout
    assert SECRET not in result.output and OTHER_SECRET not in result.output


def test_for_people_a_token_that_does_not_open_is_one_line_and_its_header(run, secret_file):
    result = run("session", "decode", "--secret-file", str(secret_file), TOKEN[:-6] + "AAAAAA")
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["session-unreadable:", "header"]


def test_an_expired_session_says_how_long_ago(run, secret_file):
    result = run("session", "decode", "--secret-file", str(secret_file), token_for(exp=int(NOW.timestamp()) - 7260))
    assert result.exit_code == 0
    assert result.stdout.startswith("session-expired: it has expired")
    assert "(2 h ago)" in result.stdout


def test_a_claim_can_not_write_on_the_terminal(run, secret_file):
    result = run("session", "decode", "--secret-file", str(secret_file), token_for(name="\x1b[2J\u202e"))
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout and "\u202e" not in result.stdout


def test_a_header_without_a_session_cookie_is_a_mistake(run, secret_file):
    result = run("session", "decode", "--secret-file", str(secret_file), "a=1; b=2")
    assert result.exit_code == 2
    assert "no session cookie" in result.output


def test_looking_into_a_cookie_makes_no_secret(run, configured):
    file = configured / "gateway.toml"
    file.write_text(file.read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "keys"'))
    result = run("session", "decode", TOKEN)
    assert result.exit_code == 78
    assert "gateway keys new" in result.output
    assert not (configured / "keys").exists()


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("notes", [10, 9000], ids=["one-cookie", "chunks"])
def test_a_cookie_of_v4_is_read_as_well(decoded, secure, notes):
    cookies = SessionCookies(KEYS, secure=secure, lifetime=Lifetime(), flavour=AUTHJS_V4)
    session = replace(SESSION, user=replace(SESSION.user, claims={"notes": "x" * notes}))
    header = "; ".join(line.partition(";")[0] for line in cookies.write(session, now=session.issued_at) if "Max-Age=0" not in line)
    exit_code, said = decoded(header)
    assert (exit_code, said["reason"], said["cookie"]) == (0, "session-accepted", cookies.names.session)
