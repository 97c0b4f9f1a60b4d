"""How a token is written: known by its prefix, told from a typo, kept as a hash."""

from __future__ import annotations

import re

import pytest

from gateway.tokens.token import PREFIX, digest_of, id_of, is_token, new_token

TOKEN = new_token()


def test_a_token_is_known_by_its_prefix_and_is_one_word_with_256_bits():
    assert re.fullmatch(r"gwt_[0-9A-Za-z]{49}", TOKEN)
    assert 62**43 > 2**256
    assert len({new_token() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "typo",
    [
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B"),
        TOKEN[:10] + ("A" if TOKEN[10] != "A" else "B") + TOKEN[11:],
        TOKEN.swapcase(),
        TOKEN.replace(PREFIX, "gwx_"),
        TOKEN + "\n",
        f" {TOKEN}",
        PREFIX,
        "",
        "gwt_" + "é" * 49,
    ],
    ids=range(11),
)
def test_a_typo_is_told_without_asking_the_store(typo: str):
    assert is_token(TOKEN)
    assert not is_token(typo)


def test_the_id_tells_nothing_that_a_token_could_be_found_by():
    assert id_of(digest_of(TOKEN)) not in TOKEN
    assert len(id_of(digest_of(TOKEN))) < len(digest_of(TOKEN)) / 4
