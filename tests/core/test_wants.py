"""401 or 302: what a client can use, by Fetch Metadata, then by Accept (promise 52)."""

from __future__ import annotations

import pytest

from gateway.core.facts import Wants
from gateway.core.wants import wants

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("mode", "accept", "requested_with", "expected"),
    [
        pytest.param("navigate", "*/*", None, Wants.PAGE, id="navigation"),
        pytest.param("cors", BROWSER, None, Wants.DATA, id="fetch-metadata-beats-accept"),
        pytest.param(None, BROWSER, "XMLHttpRequest", Wants.DATA, id="xhr"),
        pytest.param(None, BROWSER, "com.example.app", Wants.PAGE, id="webview"),
        pytest.param(None, BROWSER, None, Wants.PAGE, id="browser"),
        pytest.param(None, "application/json", None, Wants.DATA, id="json"),
        pytest.param(None, "text/html;q=0.5, application/json", None, Wants.DATA, id="json-by-weight"),
        pytest.param(None, "application/json;q=0.5, text/html;q=0.6", None, Wants.PAGE, id="html-by-weight"),
        pytest.param(None, "text/html;q=zero", None, Wants.UNSAID, id="weight-that-is-none"),
        pytest.param(None, "text/event-stream", None, Wants.DATA, id="event-stream"),
        pytest.param(None, "*/*", None, Wants.UNSAID, id="anything"),
        pytest.param(None, "text/*", None, Wants.PAGE, id="any-text"),
        pytest.param(None, "text/*, application/json;q=0.9", None, Wants.PAGE, id="any-text-by-weight"),
        pytest.param(None, "text/html;q=0, */*", None, Wants.DATA, id="anything-but-html"),
        pytest.param(None, "text/html;q=0", None, Wants.DATA, id="nothing-but-no-html"),
        pytest.param(None, "text/*;q=0, */*", None, Wants.DATA, id="anything-but-text"),
        pytest.param(None, "application/json;q=0", None, Wants.UNSAID, id="what-is-refused-is-not-html"),
        pytest.param(None, "text/html;q=0.1, text/*, text/plain;q=0.2", None, Wants.DATA, id="the-more-specific-weight-counts"),
        pytest.param(None, " , ", None, Wants.UNSAID, id="nothing-between-commas"),
        pytest.param(None, "text/html;level=1", None, Wants.PAGE, id="other-parameter"),
        pytest.param(None, None, None, Wants.UNSAID, id="silence"),
    ],
)
def test_wants(mode: str | None, accept: str | None, requested_with: str | None, expected: Wants) -> None:
    assert wants(fetch_mode=mode, accept=accept, requested_with=requested_with) is expected
