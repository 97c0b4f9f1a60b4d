from __future__ import annotations

import pytest

from gateway.web.auth.cross_site import is_cross_site

OWN = "https://app.example.com"


@pytest.mark.parametrize(
    ("origins", "sites", "expected"),
    [
        pytest.param([], [], False, id="a-client-that-says-nothing"),
        pytest.param([OWN], ["same-origin"], False, id="own-page"),
        pytest.param([OWN], [], False, id="own-page-in-an-old-browser"),
        pytest.param([], ["none"], False, id="the-persons-own-doing"),
        pytest.param(["null"], ["same-origin"], False, id="own-page-without-referrers"),
        pytest.param(["null"], [], True, id="null"),
        pytest.param(["null"], ["none"], True, id="null-and-none"),
        pytest.param(["null"], ["cross-site"], True, id="sandboxed"),
        pytest.param([OWN], ["cross-site"], True, id="site-beats-origin"),
        pytest.param([OWN], ["same-site"], True, id="sibling"),
        pytest.param([OWN], ["SAME-ORIGIN"], True, id="a-value-that-browsers-do-not-send"),
        pytest.param([OWN], [""], True, id="empty-site"),
        pytest.param(["https://evil.example"], ["same-origin"], True, id="foreign-origin"),
        pytest.param([OWN + "/"], [], True, id="an-origin-has-no-slash"),
        pytest.param([OWN.upper()], [], True, id="an-origin-is-lower-case"),
        pytest.param([OWN + ":443"], [], True, id="an-origin-has-no-default-port"),
        pytest.param([""], [], True, id="empty-origin"),
        pytest.param([OWN, OWN], [], True, id="two-origins"),
        pytest.param([OWN], ["same-origin", "same-origin"], True, id="two-sites"),
    ],
)
def test_whether_a_post_comes_from_our_own_page(origins, sites, expected):
    """Promise 32."""
    assert is_cross_site(origins=origins, fetch_sites=sites, own_origin=OWN) is expected
