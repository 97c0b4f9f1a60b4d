"""Errors and problems say where, what and the cure."""

from __future__ import annotations

from gateway.core.errors import ConfigError, HashingBusy, ProviderUnavailable, UpstreamTimedOut
from gateway.core.problem import Problem


def test_a_problem_names_place_value_and_cure() -> None:
    problem = Problem(
        key="routes[0].access", what="is no access level", cure="write public", value='"open"', file="g.toml", line=3, column=9
    )
    assert str(problem) == 'g.toml:3:9: routes[0].access: is no access level (is "open")\n    write public'


def test_a_problem_without_a_place() -> None:
    assert str(Problem(key="server", what="is missing", file="g.toml")) == "g.toml: server: is missing"
    assert str(Problem(key="server", what="is missing")) == "server: is missing"


def test_a_configuration_error_names_all_problems() -> None:
    error = ConfigError([Problem(key="a", what="x"), Problem(key="b", what="y")])
    assert str(error) == "a: x\nb: y"


def test_errors_keep_what_the_log_needs() -> None:
    assert str(ProviderUnavailable("db")) == "provider 'db' gave no answer"
    assert HashingBusy("db", retry_after=3).retry_after == 3
    assert str(UpstreamTimedOut("app", "no head within 60 s")) == "upstream 'app': no head within 60 s"
