from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.auth.field_style import read_style, rule_for


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        pytest.param("background-color:#FFF; color:#000;", ("background-color: #FFF", "color: #000"), id="the-example-of-the-docs"),
        pytest.param("letter-spacing: 2px", ("letter-spacing: 2px",), id="one"),
        pytest.param("--gap: .5rem; padding: calc(var(--gap) * 2)", ("--gap: .5rem", "padding: calc(var(--gap) * 2)"), id="variables"),
        pytest.param("font-family: 'Inter', \"Segoe UI\", serif", ("font-family: 'Inter', \"Segoe UI\", serif",), id="strings"),
        pytest.param("color: red !important", ("color: red !important",), id="important"),
        pytest.param(
            "background: linear-gradient(#fff, rgb(0 0 0 / 10%))", ("background: linear-gradient(#fff, rgb(0 0 0 / 10%))",), id="nested"
        ),
        pytest.param(" ; ;", (), id="empty"),
    ],
)
def test_plain_declarations_are_kept(style, kept):
    assert read_style(style) == (kept, ())


@pytest.mark.parametrize(
    "declaration",
    [
        pytest.param("color: red} body {display: none", id="ends-the-rule"),
        pytest.param("color: red</style><script>alert(1)</script>", id="ends-the-element"),
        pytest.param("background: url(https://evil.example/x)", id="loads"),
        pytest.param("background: URL (//evil.example)", id="loads-in-capitals"),
        pytest.param("background: image-set('x.png' 1x)", id="loads-by-another-name"),
        pytest.param("background: \\75rl(//evil.example)", id="escaped"),
        pytest.param("width: expression(alert(1))", id="ancient-script"),
        pytest.param("color: red /* open", id="opens-a-comment"),
        pytest.param("content: 'open", id="opens-a-string"),
        pytest.param("width: calc(1px", id="opens-a-parenthesis"),
        pytest.param("width: 1px)", id="closes-a-parenthesis"),
        pytest.param("width: 1px) (", id="closes-before-it-opens"),
        pytest.param("@import 'x'", id="at-rule"),
        pytest.param("color", id="no-value"),
        pytest.param("color: red\n} a { b: c", id="line-break"),
        pytest.param("co lor: red", id="bad-property"),
        pytest.param("color:", id="empty-value"),
    ],
)
def test_whatever_else_is_dropped_alone(declaration):
    kept, dropped = read_style(f"margin: 0; {declaration}; padding: 0")
    assert kept == ("margin: 0", "padding: 0")
    assert dropped == (declaration,)


@given(st.text(), st.text(alphabet="abcurl():;{}<>/*\\\"'@ !-\n#,", max_size=60))
def test_no_text_gets_out_of_its_rule(element_id, style):
    """Promise 31."""
    rule = rule_for(element_id, style)
    if rule:
        assert rule.count("{") == rule.count("}") == rule.count("\n") == 1
        assert not set(rule.partition("{")[2]) & set("<>@\\&")
        assert "<" not in rule
        assert rule.count('"') % 2 == 0
        assert rule.partition("{")[2].count("(") == rule.partition("{")[2].count(")")
        assert "url(" not in rule.partition("{")[2].lower()


def test_an_odd_id_is_escaped_in_the_selector():
    assert rule_for("input-a.b c-for-x-provider", "color: red") == "#input-a\\2e b\\20 c-for-x-provider { color: red }\n"
