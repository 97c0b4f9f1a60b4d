"""Promise 25: whole segments, first match, exact methods; and which routes can never match."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.decision import Allow
from gateway.core.facts import RequestFacts
from gateway.core.host import HostPattern, Hosts
from gateway.core.identity_headers import IdentityHeaders
from gateway.core.lifetime import Lifetime
from gateway.core.path_pattern import PathPattern, PatternError
from gateway.core.policy import Policy, decide
from gateway.core.routes import Access, Route, Routes
from gateway.core.target import Target, read_target
from tests.people import NOW


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/", "/", True),
        ("/", "/a", False),
        ("/reports", "/reports", True),
        ("/reports", "/reports/", True),
        ("/reports", "/reports/7", False),
        ("/reports", "/reports-old", False),
        ("/reports/**", "/reports", True),
        ("/reports/**", "/reports/7/x", True),
        ("/reports/**", "/reports-old", False),
        ("/**", "/", True),
        ("/**", "/a/b", True),
        ("/**/edit", "/a/b/edit", True),
        ("/**/edit", "/edit", True),
        ("/**/edit", "/a/edited", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/*.js", "/a/x.js", True),
        ("/a/*.js", "/a/x/y.js", False),
        ("/a/*.js", "/a/xxjs", False),
        ("/Admin", "/admin", False),
        ("/x/**", "/x/line\nbreak", True),
        ("/café/**", "/café/1", True),
    ],
)
def test_patterns_match_whole_segments(pattern: str, path: str, matches: bool) -> None:
    assert PathPattern.parse(pattern).matches(path) is matches


@pytest.mark.parametrize("text", ["a", "", "/a b", "/a?b", "/a#b", "/a%2f", "/a\\b", "/a//b", "/a/../b", "/./a", "/a**", "/a/**b", "/a;b"])
def test_a_pattern_that_can_never_match_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        PathPattern.parse(text)


def route(path: str, name: str = "", **more: object) -> Route:
    return Route(name=name or path, path=PathPattern.parse(path), access=Access.PUBLIC, upstream="app", **more)  # type: ignore[arg-type]


def test_candidates_keep_their_order_across_the_index() -> None:
    routes = Routes.of([route("/a/x"), route("/*/x"), route("/a/**"), route("/b"), route("/**"), route("/")])
    assert [r.name for r in routes.below("/a/x")] == ["/a/x", "/*/x", "/a/**", "/**", "/"]
    assert [r.name for r in routes.below("/c")] == ["/*/x", "/**", "/"]


SEGMENT = st.sampled_from(["a", "b", "*", "**", "a*", "ab"])
PATTERN = st.lists(SEGMENT, max_size=4).map(lambda parts: PathPattern.parse("/" + "/".join(parts)))
PATH = st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(PATTERN, PATTERN, PATH)
def test_inclusion_is_never_claimed_by_mistake(broad: PathPattern, narrow: PathPattern, path: str) -> None:
    if broad.includes(narrow) and narrow.matches(path):
        assert broad.matches(path)


@given(st.lists(PATTERN, max_size=6), PATH)
def test_the_index_leaves_no_match_out(patterns: list[PathPattern], path: str) -> None:
    routes = Routes.of([route(pattern.text, name=str(i)) for i, pattern in enumerate(patterns)])
    wanted = [r.name for r in routes.ordered if r.path.matches(path)]
    assert [r.name for r in routes.below(path) if r.path.matches(path)] == wanted


def test_a_route_behind_a_broader_one_is_unreachable() -> None:
    app = HostPattern("app.example.com")
    routes = Routes.of(
        [
            route("/a/**", methods=frozenset({"GET"})),
            route("/a/b", name="get", methods=frozenset({"GET"})),
            route("/a/b", name="any"),
            route("/c/**", hosts=(app,)),
            route("/c/d", name="same-host", hosts=(app,)),
            route("/c/d", name="every-host"),
        ]
    )
    assert [(late.name, early.name) for late, early in routes.unreachable()] == [("get", "/a/**"), ("same-host", "/c/**")]


def fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """What a pattern means, said as plainly as can be."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(fits(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and fits(pattern[1:], path[1:])


PIECE = st.sampled_from(["a", "b", "ab", "*", "**", "a*", "*b", "a*b", "*a*", "a*b*a"])
WORD = st.text("ab", max_size=4)


@given(st.lists(PIECE, max_size=5), st.lists(WORD.filter(bool), max_size=6))
def test_a_pattern_means_what_it_says(pieces: list[str], words: list[str]) -> None:
    assert PathPattern.parse("/" + "/".join(pieces)).matches("/" + "/".join(words)) is fits(tuple(pieces), tuple(words))


def test_many_wildcards_do_not_multiply() -> None:
    """Each of these would run for hours if every split of the path were tried."""
    assert not PathPattern.parse("/**/a/**/a/**/a/**/b").matches("/a" * 4000)
    assert not PathPattern.parse("/" + "*a" * 20 + "*c").matches("/" + "a" * 8000)


# `find` is the engine's choice without its steps; ten thousand routes cost no more than ten.

HOSTS = (HostPattern("app.example.com"), HostPattern("*.apps.example.com"))
ASKED_HOSTS = ("app.example.com", "a.apps.example.com", "b.apps.example.com")
METHODS = ("GET", "POST")


def chosen(routes: Routes, path: str, host: str, method: str) -> Route | None:
    """What the engine finds, all its steps taken."""
    target = read_target(path)
    assert isinstance(target, Target)
    policy = Policy(routes=routes, hosts=Hosts("https", HOSTS), identity=IdentityHeaders.of([], {}), lifetime=Lifetime())
    decision = decide(RequestFacts(method=method, scheme="https", host=host, target=target), None, policy, now=NOW)
    return decision.route if isinstance(decision, Allow) else None


@st.composite
def some_routes(draw: st.DrawFn) -> Route:
    return route(
        draw(PATTERN).text,
        hosts=draw(st.sampled_from([(), (), HOSTS[:1], HOSTS[1:], HOSTS])),
        methods=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"GET"}), frozenset({"POST"}), frozenset(METHODS)])),
    )


@given(st.lists(some_routes(), max_size=8), PATH, st.sampled_from(ASKED_HOSTS), st.sampled_from(METHODS))
def test_find_is_the_engines_choice(made: list[Route], path: str, host: str, method: str) -> None:
    routes = Routes.of(made)
    found = routes.find(path, host, method)
    assert found is chosen(routes, path, host, method)
    assert found is next((r for r in made if r.path.matches(path) and r.covers_host(host) and r.covers_method(method)), None)


@pytest.fixture(scope="module")
def many() -> Routes:
    """Ten thousand, with wildcards among them at the front, in the middle and at the end."""
    made = [route("/**/first", name="first", methods=frozenset({"POST"}))]
    for number in range(10_000):
        if number == 5000:
            made.append(route("/*/middle/**", name="middle"))
        made.append(
            route(f"/app-{number}/**", name=str(number), hosts=HOSTS[number % 2 :][:1], methods=frozenset(METHODS[number % 3 :][:1]))
        )
        if number % 100 == 0:
            made.append(route(f"/app-{number}/deep/*", name=f"{number}-unreachable"))
    return Routes.of([*made, route("/**", name="last", hosts=HOSTS[1:])])


@settings(max_examples=60)
@given(
    number=st.integers(0, 10_001),
    below=st.sampled_from(["", "/", "/x", "/middle", "/middle/x", "/x/first", "/deep/x"]),
    host=st.sampled_from(ASKED_HOSTS),
    method=st.sampled_from(METHODS),
)
def test_among_ten_thousand_the_first_that_covers_is_found(many: Routes, number: int, below: str, host: str, method: str) -> None:
    path = f"/app-{number}{below}"
    candidates = many.candidates(path, host)
    assert len(candidates) <= 5
    assert [r for r in many.ordered if r in candidates] == list(candidates)
    covering = [r for r in many.ordered if r.path.matches(path) and r.covers_host(host) and r.covers_method(method)]
    found = many.find(path, host, method)
    assert found is (covering[0] if covering else None) is chosen(many, path, host, method)


def test_ten_thousand_hosts_on_one_path_cost_no_more_than_ten() -> None:
    """As a gateway has them that stands in front of as many customers."""
    made = [route("/status", name="status"), route("/**", name="wild", hosts=HOSTS[1:])]
    made += [
        route(path, name=f"{number}{path}", hosts=(HostPattern(f"h{number}.apps.example.com"),))
        for number in range(10_000)
        for path in ("/**", "/in/**")
    ]
    routes = Routes.of([*made, route("/**", name="last")])
    assert [r.name for r in routes.candidates("/in/x", "h77.apps.example.com")] == ["wild", "77/**", "77/in/**", "last"]
    assert [r.name for r in routes.candidates("/in/x", "other.example.com")] == ["last"]
    assert [r.name for r in routes.candidates("/status", "other.example.com")] == ["status", "last"]
    assert {narrow.name for narrow, _ in routes.unreachable()} == {f"{number}/in/**" for number in range(10_000)}


def test_only_two_stars_alone_fit_every_path() -> None:
    assert [text for text in ("/**", "/**/**", "/*", "/", "/a/**", "/**/a") if route(text).everywhere] == ["/**"]
