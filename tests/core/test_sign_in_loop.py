from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.sign_in_loop import NEARLY_TOO_LARGE, LoopCause, LoopEvidence, Lost, causes_of

SESSION = LoopEvidence(lost=Lost.SESSION, secure=True, largest=900)
ALL = LoopEvidence(lost=Lost.EVERYTHING, secure=True)
PLAIN = LoopEvidence(lost=Lost.EVERYTHING, secure=False, trustworthy=False)
C = LoopCause


@pytest.mark.parametrize(
    ("seen", "causes"),
    [
        pytest.param(SESSION, (C.PROXY, C.CLOCK), id="others-came-back"),
        pytest.param(replace(SESSION, largest=NEARLY_TOO_LARGE), (C.PROXY, C.CLOCK), id="not-too-large"),
        pytest.param(replace(SESSION, largest=NEARLY_TOO_LARGE + 1), (C.SIZE, C.PROXY, C.CLOCK), id="large"),
        pytest.param(replace(SESSION, cookies=2), (C.SIZE, C.PROXY, C.CLOCK), id="in-chunks"),
        pytest.param(replace(SESSION, framed=True), (C.FRAME, C.PROXY, C.CLOCK), id="in-a-frame"),
        pytest.param(ALL, (C.PROXY, C.BLOCKED), id="nothing-came-over-https"),
        pytest.param(replace(ALL, trustworthy=False), (C.PLAIN_HTTP, C.PROXY, C.BLOCKED), id="nothing-came-and-it-looks-like-http"),
        pytest.param(replace(ALL, says_http=True), (C.PLAIN_HTTP,), id="the-browser-says-http"),
        pytest.param(replace(ALL, says_http=True, framed=True), (C.PLAIN_HTTP,), id="what-is-certain-stands-alone"),
        pytest.param(replace(ALL, framed=True), (C.FRAME, C.PROXY, C.BLOCKED), id="nothing-came-in-a-frame"),
        pytest.param(PLAIN, (C.PROXY, C.BLOCKED), id="http-is-no-cause-where-it-is-meant"),
        pytest.param(replace(PLAIN, says_http=True), (C.PROXY, C.BLOCKED), id="nor-if-the-browser-says-so"),
    ],
)
def test_the_causes_are_those_that_the_evidence_leaves_open_the_likeliest_first(seen, causes):
    assert causes_of(seen) == causes
