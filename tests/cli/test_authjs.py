"""`gateway authjs env` and `gateway authjs doctor`, from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway
from gateway.core.lifetime import Lifetime
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.flavour import FLAVOURS
from gateway.sessions.keys import KeyRing
from tests.people import ADA
from tests.sessions.vectors import OTHER_SECRET

SECRET = "an-example-secret-of-nobody-9f8e7d6c5b4a"
CONFIG = """
[server]
public_url = "https://app.example.com"
[session]
secrets = ["{secret}"]
format = "{format}"
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[[upstreams]]
name = "app"
url = "http://127.0.0.1:3000"
session_cookie = {told}
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""


def run(*arguments: str, **how):
    return CliRunner().invoke(gateway, ["authjs", *arguments], **how)


@pytest.fixture(params=["authjs-v5", "authjs-v4"])
def config(request, tmp_path: Path) -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG.format(secret=SECRET, format=request.param, told="true"))
    return file


def cookie(format_: str) -> str:
    from datetime import UTC, datetime

    cookies = SessionCookies(KeyRing((SECRET,)), secure=True, lifetime=Lifetime(), flavour=FLAVOURS[format_])
    now = datetime.now(UTC)
    return cookies.write(cookies.new(ADA, "credentials", now=now), now=now)[-1].partition(";")[0]


def test_the_secret_is_shown_only_if_asked(config):
    shy, open_ = run("env", "-c", str(config)), run("env", "-c", str(config), "--show-secret")
    assert (shy.exit_code, open_.exit_code) == (0, 0)
    assert SECRET not in shy.output
    assert f"_SECRET={SECRET}\n" in open_.output
    assert "_URL=https://app.example.com\n" in shy.output


def test_json_says_the_same(config):
    facts = json.loads(run("env", "-c", str(config), "--show-secret", "--json").output)
    assert SECRET in facts["environment"].values()
    assert facts["cookie"].startswith("__Secure-")
    assert facts["upstreams"] == ["app"]


def test_it_is_said_that_no_upstream_gets_the_cookie(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG.format(secret=SECRET, format="authjs-v5", told="false"))
    assert "session_cookie = true" in run("env", "-c", str(file)).output


@pytest.mark.parametrize("format_", FLAVOURS)
def test_a_good_cookie_is_good(format_):
    done = run(
        "doctor", "-", "--secret", SECRET, "--format", format_, "--url", "https://app.example.com", input=f"Cookie: {cookie(format_)}\n"
    )
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "getToken() gives the claims")


@pytest.mark.parametrize("format_", FLAVOURS)
def test_the_secret_may_be_in_a_file_or_in_the_configuration(format_, tmp_path):
    (tmp_path / "s").write_text(f"{SECRET}\n{OTHER_SECRET}\n")
    (tmp_path / "gateway.toml").write_text(CONFIG.format(secret=SECRET, format=format_, told="true"))
    assert run("doctor", cookie(format_), "--secret-file", str(tmp_path / "s")).exit_code == 0
    assert run("doctor", cookie(format_), "-c", str(tmp_path / "gateway.toml")).exit_code == 0


def test_what_is_wrong_is_a_line_with_its_cure_and_exit_code_1():
    done = run("doctor", cookie("authjs-v5"), "--secret", OTHER_SECRET)
    assert done.exit_code == 1
    assert "bad   secret" in done.output
    assert "gateway authjs env --show-secret" in done.output
    facts = json.loads(run("doctor", cookie("authjs-v5"), "--secret", OTHER_SECRET, "--json").output)
    assert (facts["reads"], facts["checks"][-1]["check"]) == (False, "secret")


@pytest.mark.parametrize("arguments", [["x", "--secret", "a", "--secret-file", __file__], ["x", "--secret", ""], ["x", "--format", "v3"]])
def test_a_command_line_that_says_too_much_or_nothing_is_refused(arguments):
    assert run("doctor", *arguments).exit_code == 2


@pytest.mark.parametrize("format_", FLAVOURS)
def test_the_lines_of_a_sign_in_are_as_good_as_a_cookie_header(format_):
    name, _, token = cookie(format_).partition("=")
    lines = [*(f"Set-Cookie: {name}.{number}=; Max-Age=0; Path=/; HttpOnly" for number in range(5)), f"Set-Cookie: {name}={token}; Path=/"]
    assert run("doctor", "-", "--secret", SECRET, input="\n".join(lines)).exit_code == 0


def test_a_value_without_its_name_is_refused():
    told = run("doctor", cookie("authjs-v5").partition("=")[2], "--secret", SECRET)
    assert (told.exit_code, "write name=value" in told.output) == (2, True)


def test_an_address_without_a_scheme_is_refused():
    told = run("doctor", cookie("authjs-v5"), "--secret", SECRET, "--url", "app.example.com")
    assert (told.exit_code, "with http:// or https://" in told.output) == (2, True)
