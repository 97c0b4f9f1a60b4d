"""`gateway check --diff`: which requests another configuration would open or close, and for whom."""

from __future__ import annotations

import json

import pytest

from gateway.cli.asked import MOST, Asked, Requests, read_line


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        pytest.param('203.0.113.9 - ada [26/Nov/2026:02:00:00 +0000] "GET /a?token=x HTTP/1.1" 200 12', Asked("", "/a"), id="common"),
        pytest.param(
            '203.0.113.9 - - [26/Nov/2026:02:00:00 +0000] "POST /a%20b HTTP/2.0" 302 0 "https://x.example/" "Mozilla/5.0 (X11)"',
            Asked("", "/a%20b", "POST"), id="combined",
        ),
        pytest.param('app.example.com:443 203.0.113.9 - - [26/Nov/2026:02:00:00 +0000] "GET / HTTP/1.1" 200 1', Asked("app.example.com", "/"), id="virtual-host"),
        pytest.param(
            '2026-11-26T02:00:00.000Z INFO gateway.web.answers denied reason=role-missing status=403 route="routes[2] /admin/**" method=GET host=a.example path=/admin client=::1',
            Asked("a.example", "/admin"), id="ours",
        ),
        pytest.param('x INFO y sign-in-asked method=PUT host=a.example path="/a b"', Asked("a.example", "/a%20b", "PUT"), id="ours-in-quotes"),
        pytest.param("https://App.example.com/x?y#z", Asked("app.example.com", "/x"), id="url"),
        pytest.param("https://app.example.com", Asked("app.example.com", "/"), id="url-without-path"),
        pytest.param("/reports", Asked("", "/reports"), id="path"),
        pytest.param("DELETE /reports/7", Asked("", "/reports/7", "DELETE"), id="method-and-path"),
        pytest.param("/caf\u00e9", Asked("", "/caf%C3%A9"), id="as-browsers-send-it"),
        pytest.param('203.0.113.9 - - [x] "\\x16\\x03\\x01" 400 0', None, id="no-request-line"),
        pytest.param("nonsense", None, id="nonsense"),
        pytest.param("OPTIONS * HTTP/1.1", None, id="no-path"),
    ],
)  # fmt: skip
def test_a_line_is_read(line, asked):
    assert read_line(line) == asked


def test_lines_are_counted_and_what_is_no_request_is_counted_as_well():
    requests = Requests()
    for line in ("/a", "/a?x=1", "", "# a comment", "nonsense", "/b"):
        requests.add(line)
    assert requests.counts == {Asked("", "/a"): 2, Asked("", "/b"): 1}
    assert (requests.unread, requests.left_out) == (1, 0)


def test_there_are_never_too_many():
    requests = Requests()
    for number in range(MOST + 3):
        requests.add(f"/{number}")
    requests.add("/1")
    assert (len(requests.counts), requests.left_out, requests.counts[Asked("", "/1")]) == (MOST, 3, 2)


@pytest.fixture
def other(configured):
    """Another configuration: /admin for everybody who is signed in, /public closed, /maths for staff as well."""
    text = (configured / "gateway.toml").read_text()
    text = text.replace('roles = ["admin"]\n', "").replace(
        'path = "/public/**"\naccess = "public"\nupstream = "app"', 'path = "/public/**"\naccess = "deny"'
    )
    (configured / "other.toml").write_text(text.replace('groups = ["maths"]', 'groups = ["maths", "staff"]'))
    return configured


@pytest.fixture
def diff(run, other):
    def ask(*arguments, stdin=None):
        result = run("check", "--diff", "other.toml", "--json", *arguments, stdin=stdin)
        told = json.loads(result.stdout)
        assert result.exit_code == (1 if told["changes"] else 0)
        return told

    return ask


LOG = "\n".join(
    f'203.0.113.9 - - [26/Nov/2026:02:00:00 +0000] "GET {target} HTTP/1.1" 200 1'
    for target in ("/admin/users?x=1", "/admin/users?x=2", "/public/a", "/maths", "/reports", "/closed")
)


def test_whose_access_changes(diff):
    told = diff("--log", "-", stdin=LOG)
    assert [(change["path"], change["opens_for"], change["closes_for"]) for change in told["changes"]] == [
        ("/admin/users", ["anybody signed in", "group maths", "group staff"], []),
        ("/maths", ["group staff"], []),
        ("/public/a", [], ["nobody", "anybody signed in", "role admin", "group maths", "group staff", "every role and group"]),
    ]
    first = told["changes"][0]
    assert (first["count"], first["method"], first["host"]) == (2, "GET", None)
    assert first["reasons"]["anybody signed in"] == ["role-missing", "session-accepted"]
    assert told["requests"] == 5


def test_without_a_log_each_route_is_tried(diff):
    assert {change["path"] for change in diff()["changes"]} == {"/admin", "/admin/x", "/maths", "/maths/x", "/public", "/public/x"}


def test_the_same_configuration_changes_nothing(run, configured):
    result = run("check", "--diff", "gateway.toml")
    assert result.exit_code == 0
    assert "0 open, 0 close" in result.stdout


def test_a_host_that_is_not_served_any_more(run, configured):
    (configured / "other.toml").write_text(
        (configured / "gateway.toml").read_text().replace("http://localhost:8080", "http://localhost:9090")
    )
    (configured / "urls.txt").write_text("http://localhost:8080/public/x\n/public/x\n")
    told = json.loads(run("check", "--diff", "other.toml", "--json", "--log", "urls.txt").stdout)
    (change,) = told["changes"]
    assert (change["host"], change["reasons"]["nobody"]) == ("localhost:8080", ["route-public", "host-unknown"])


def test_people_are_told(run, other):
    result = run("check", "--diff", "other.toml", "--log", "-", stdin=f"{LOG}\nnonsense \x1b[2J\n/admin/\x1b\n")
    assert result.exit_code == 1
    for words in (
        "opens   GET /admin/users  (2 times)",
        "for anybody signed in: role-missing → session-accepted",
        "2 open, 1 close",
        "1 line with no request in it",
    ):
        assert words in result.stdout
    assert "\x1b" not in result.stdout


def test_a_configuration_that_can_not_be_used_is_a_problem(run, configured):
    (configured / "other.toml").write_text("[server]\nlisten = 7\n")
    assert run("check", "--diff", "other.toml").exit_code == 78
    assert run("check", "--diff", "missing.toml").exit_code == 78


def test_a_log_without_a_diff_is_a_usage_error(run, configured):
    assert run("check", "--log", "-", stdin="").exit_code == 2
