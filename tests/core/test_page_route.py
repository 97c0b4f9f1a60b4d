from __future__ import annotations

import pytest

from gateway.core.host import HostPattern
from gateway.core.page_route import route_of_page
from gateway.core.path_pattern import PathPattern
from gateway.core.routes import Access, Route, Routes

OWN = "https://app.example.com"


def route(name: str, path: str, **more: object) -> Route:
    return Route(name=name, path=PathPattern.parse(path), access=Access.SIGNED_IN, upstream="app", **more)  # type: ignore[arg-type]


ROUTES = Routes.of(
    [
        route("elsewhere", "/home", hosts=(HostPattern("other.example.com"),)),
        route("posts", "/home", methods=frozenset({"POST"})),
        route("home", "/home/**"),
        route("admin", "/admin/**"),
    ]
)


@pytest.mark.parametrize(
    ("location", "name"),
    [
        pytest.param("/home", "home", id="path"),
        pytest.param("/home?x=1#top", "home", id="query-and-fragment"),
        pytest.param(f"{OWN}/admin/x", "admin", id="whole-address"),
        pytest.param("https://other.example.com/home", None, id="another-origin"),
        pytest.param("/nowhere", None, id="no-route"),
        pytest.param("/admin%2Fx", None, id="two-readings"),
        pytest.param("/home%2Fx", None, id="two-readings-of-which-one-is-no-route"),
        pytest.param("//admin", None, id="a-second-slash"),
        pytest.param("/%zz", None, id="no-target"),
        pytest.param(f"{OWN}.evil.example/home", None, id="look-alike"),
    ],
)
def test_the_route_that_a_page_is_on(location: str, name: str | None) -> None:
    assert route_of_page(location, ROUTES, own_origin=OWN) == name
