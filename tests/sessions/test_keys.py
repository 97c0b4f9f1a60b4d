"""Which secrets are good enough to start with. Promise 43."""

import pytest

from gateway.core.errors import ConfigError
from gateway.sessions.keys import MAX_SECRETS, KeyRing, new_secret, problems_of
from tests.sessions.vectors import OTHER_SECRET, SECRET


def test_fresh_secrets_are_good_and_each_is_another():
    secrets = [new_secret() for _ in range(200)]
    assert len(set(secrets)) == 200
    assert all(not problems_of([secret]) for secret in secrets)


@pytest.mark.parametrize(
    ("secrets", "what"),
    [
        pytest.param([], "no secret", id="none"),
        pytest.param([""], "0 characters", id="empty"),
        pytest.param([SECRET[:31]], "31 characters", id="one-short"),
        pytest.param(["secret"], "6 characters", id="default"),
        pytest.param(["changeme" * 8], "guess", id="a-word-over-and-over"),
        pytest.param(["a" * 64], "guess", id="one-letter"),
        pytest.param(["0123456789" * 4], "guess", id="digits-in-order"),
        pytest.param(["0123456789abcde0123456789abcde01234"], "guess", id="a-piece-and-some"),
        pytest.param(["change-me-change-this-replace-me!!"], "guess", id="asks-to-be-changed"),
        pytest.param(["your-super-secret-key-goes-here!!!"], "guess", id="from-a-guide"),
        pytest.param(["this-is-my-super-secret-password-key"], "guess", id="calls-itself-one"),
        pytest.param(["REPLACE_WITH_A_LONG_RANDOM_STRING"], "guess", id="from-an-example-file"),
        pytest.param([SECRET, OTHER_SECRET, SECRET], "twice", id="there-twice"),
        pytest.param(["x\udcff" + SECRET], "Unicode", id="bytes-of-the-environment"),
        pytest.param([SECRET + str(number) for number in range(MAX_SECRETS + 1)], "at most 5", id="too-many"),
    ],
)
def test_a_secret_that_is_no_good_stops_the_start(secrets, what):
    with pytest.raises(ConfigError, match=what) as caught:
        KeyRing.of(secrets)
    assert all(secret not in str(caught.value) for secret in secrets if len(secret) > 10)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(SECRET[:32], id="just-long-enough"),
        pytest.param("5f2a9c0de1b47786a3c4d5e6f7089b1c", id="hex"),
        pytest.param("wYx8Qm3c1Zp0a9sDfGhJkLqWeRtYuIoP", id="letters"),
        pytest.param("correct horse battery staple and then some", id="words"),
        pytest.param("geheim-ключ-秘密-🔑-und-noch-einiges-mehr", id="unicode"),
    ],
)
def test_a_good_secret_is_taken(secret):
    assert KeyRing.of([secret]).secrets == (secret,)


def test_all_problems_come_at_once():
    with pytest.raises(ConfigError) as caught:
        KeyRing.of(["short", "a" * 40, SECRET, SECRET])
    assert [problem.key for problem in caught.value.problems] == ["session.secrets[1]", "session.secrets[2]", "session.secrets[4]"]
    assert all(problem.value == "(hidden)" and problem.cure for problem in caught.value.problems)


def test_five_secrets_are_taken():
    assert len(KeyRing.of([SECRET + str(number) for number in range(MAX_SECRETS)]).secrets) == 5


def test_its_repr_shows_no_secret():
    keys = KeyRing.of([SECRET])
    assert repr(keys) == str(keys) == "KeyRing(1 secrets)"
