"""Every way to write a key or a value in TOML has its place found."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.positions import Positions

TEXT = """\
a.b = 1
"quoted key" = 2   # comment
[x."y z"]
k = [1, { q = "é", r = 3 },
     # a comment in between
     [4]]
[[r]]
p = "s"
[[r]]
[r.sub]
z = 1
[[r.inner]]
one = 1
[[r.inner]]
two = 2
[ spaced . out ]
t = '''
many lines'''
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("a", "b"), (1, 1), (1, 7)),
        (("quoted key",), (2, 1), (2, 16)),
        (("x", "y z", "k"), (4, 1), (4, 5)),
        (("x", "y z", "k", 1), (4, 9), (4, 9)),
        (("x", "y z", "k", 1, "q"), (4, 11), (4, 15)),
        (("x", "y z", "k", 1, "r"), (4, 20), (4, 24)),
        (("x", "y z", "k", 2, 0), (6, 7), (6, 7)),
        (("r", 0, "p"), (8, 1), (8, 5)),
        (("r", 1, "sub", "z"), (11, 1), (11, 5)),
        (("r", 1, "inner", 0, "one"), (13, 1), (13, 7)),
        (("r", 1, "inner", 1, "two"), (15, 1), (15, 7)),
        (("spaced", "out", "t"), (17, 1), (17, 5)),
    ],
)
def test_keys_and_values_are_found(path, key, value):
    positions = Positions(TEXT)
    assert positions.find(path, on_key=True) == key
    assert positions.find(path) == value


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param(("r", 1, "missing"), (9, 3), id="entry-of-a-list"),
        pytest.param(("r", 1, "sub", "missing"), (10, 2), id="table"),
        pytest.param(("x", "y z", "missing", "deeper"), (3, 2), id="two-levels"),
        pytest.param(("nowhere",), (0, 0), id="nothing-around-it"),
    ],
)
def test_what_is_missing_is_shown_at_the_table_around_it(path, place):
    assert Positions(TEXT).find(path, on_key=True) == place


KEYS = st.sampled_from(["a", "b", '"c d"', "'e'", '"\\u00e9"', "a.f", "b . g"])
VALUES = st.recursive(
    st.sampled_from(["1", "true", '"text"', "'é'", '"\\""', '"""x\ny"""', "1979-05-27", "0x1F", "1e3"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["m", "n", '"o p"']), inner, max_size=2).map(
            lambda pairs: "{" + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=5,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    KEYS.map(lambda key: f"[{key}]"),
    st.sampled_from(["[[list]]", "[[list.inner]]", "[list.table]", "# é", ""]),
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_whatever_tomllib_reads_has_a_place_for_every_value(text):
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    positions = Positions(text)
    lines = text.split("\n")

    def walk(value, path):
        if path:
            line, column = positions.find(path)
            assert 1 <= line <= len(lines)
            assert 1 <= column <= len(lines[line - 1])
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*path, index))

    walk(tree, ())
