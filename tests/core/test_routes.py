"""Promise 25: whole segments, first match, exact methods; and which routes can never match."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.host import HostPattern
from gateway.core.path_pattern import PathPattern, PatternError
from gateway.core.routes import Access, Route, Routes


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
    assert [r.name for r in routes.candidates("/a/x")] == ["/a/x", "/*/x", "/a/**", "/**", "/"]
    assert [r.name for r in routes.candidates("/c")] == ["/*/x", "/**", "/"]


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
    assert [r.name for r in routes.candidates(path) if r.path.matches(path)] == wanted


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
