from __future__ import annotations

import json


def test_a_good_configuration_says_what_it_serves(run, configured):
    result = run("check")
    assert result.exit_code == 0, result.output
    for words in (
        "127.0.0.1:0",
        "http://localhost:8080",
        "users: asks for username, password",
        "signed-in, role admin → app at http://127.0.0.1:3000",
        "signed-in, group maths → app",
        "X-User-Roles",
        "gateway.toml: no problems",
    ):
        assert words in result.stdout
    routes = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  /")]
    assert routes == ["/public/**", "/admin/**", "/maths/**", "/closed/**", "/api/**", "/**"], "in the order that decides"


def test_the_same_as_json(run, configured):
    result = run("check", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["ok"] is True
    assert told["problems"] == []
    assert told["serves"]["providers"] == [
        {"id": "credentials", "type": "users", "name": "credentials", "fields": ["username", "password"]}
    ]
    assert told["serves"]["routes"][1] == {
        "name": "routes[2] /admin/**",
        "path": "/admin/**",
        "host": [],
        "methods": [],
        "access": "signed-in",
        "roles": ["admin"],
        "groups": [],
        "upstream": "app",
        "url": "http://127.0.0.1:3000",
    }
    assert told["serves"]["headers"]["set"]["X-Forwarded-User"] == "{user.id}"


def test_every_problem_is_told_with_its_place_value_and_cure(run, configured):
    text = (
        (configured / "gateway.toml").read_text().replace('access = "public"', 'access = "pubic"').replace("[headers.set]", "[headrs.set]")
    )
    (configured / "gateway.toml").write_text(text)
    result = run("check")
    assert result.exit_code == 78
    line = text[: text.index('"pubic"')].count("\n") + 1
    assert f"gateway.toml:{line}:" in result.stderr
    assert '"pubic"' in result.stderr
    assert "headrs" in result.stderr
    assert "2 problems" in result.stderr


def test_it_writes_nothing(run, configured):
    text = (configured / "gateway.toml").read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', "")
    (configured / "gateway.toml").write_text(text)
    before = sorted(path.name for path in configured.iterdir())
    assert run("check").exit_code == 0
    assert sorted(path.name for path in configured.iterdir()) == before


def test_no_secret_is_shown(run, configured):
    shown = run("check").output + run("check", "--json").output
    assert "a-test-secret" not in shown
