"""Reading the configuration: file, then environment, then command line; everything that is wrong with it at once."""

from __future__ import annotations

import copy
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.settings.checks import check
from gateway.settings.document import parse, read_text
from gateway.settings.environment import overlay, set_at
from gateway.settings.finding import Finding, Path, Tree, key_of, shown, value_at
from gateway.settings.later import take_out_later
from gateway.settings.model import Settings
from gateway.settings.secret_files import read_secret_files
from gateway.settings.sections.headers import AssertionSettings
from gateway.settings.sections.store import StoreSettings
from gateway.settings.validate import validate

COMMAND_LINE = "command line"
DEFAULT_SECRETS_FILE = "secret"


@dataclass(frozen=True)
class Loaded:
    """Settings that can be used, and what their operator should be told by name."""

    settings: Settings
    warnings: tuple[Problem, ...]
    file: pathlib.Path | None


def load(file: pathlib.Path | None, *, env: Mapping[str, str] = {}, overrides: Mapping[str, object] = {}) -> Loaded:
    """Read and check the whole configuration. Nothing is created, no network is touched.

    Args:
        file: The TOML file; None: all defaults, with paths relative to the current folder.
        env: The environment. Variables that don't begin with `GATEWAY_` are none of ours.
        overrides: What the command line says, by dotted key: `{"server.listen": "127.0.0.1:0"}`. It wins over all else.

    Raises:
        ConfigError: It can't be used; every problem, and every warning, at once.
    """
    text = "" if file is None else read_text(file)
    tree = {} if file is None else parse(text, file)
    folder = (pathlib.Path() if file is None else file.parent).resolve()
    sources: dict[Path, str] = {}
    findings = list(overlay(tree, env, sources))
    for key, value in overrides.items():
        path: Path = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        set_at(tree, path, copy.deepcopy(value))
        sources[path] = COMMAND_LINE
    written = copy.deepcopy(tree)  # what problems quote
    findings += take_out_later(tree)
    findings += read_secret_files(tree, folder)
    _fill_in(tree)
    made = validate(tree, folder)
    findings += made.findings
    if made.settings is not None:
        for finding in check(
            made.settings,
            numbers=made.numbers,
            providers=made.complete("providers"),
            upstreams=made.complete("upstreams"),
            routes=made.complete("routes"),
        ):
            findings.append(replace(finding, path=made.original(finding.path)))
    problems = _place(findings, written, sources, text, file)
    if made.settings is None or not all(problem.warning for problem in problems):
        raise ConfigError(problems)
    return Loaded(made.settings, tuple(problems), file)


def _fill_in(tree: Tree) -> None:
    """Write down the defaults that are paths: they start at the configuration's folder like any other; and those that hang on others."""
    session = tree.setdefault("session", {})
    if isinstance(session, dict) and not session.keys() & {"secrets", "secrets_file"}:
        session["secrets_file"] = DEFAULT_SECRETS_FILE
    assertion = value_at(tree, ("headers", "assertion"))
    if isinstance(assertion, dict):
        assertion.setdefault("keys_file", str(AssertionSettings().keys_file))
    store = tree.setdefault("store", {})
    if isinstance(store, dict):
        named = bool(store.keys() & {"url", "sessions_url"})
        if isinstance(session, dict) and (named or session.get("strategy") == "server"):
            session.setdefault("revocation", "store")  # whoever names a store wants what is kept to be kept there
        store.setdefault("url", StoreSettings().url)


def _place(findings: Iterable[Finding], written: Tree, sources: Mapping[Path, str], text: str, file: pathlib.Path | None) -> list[Problem]:
    """Say of each finding where it stands; in the order of the file, problems before warnings."""
    found = list(findings)
    positions = None
    if found and file is not None:
        from gateway.settings.positions import Positions  # the parser is loaded only now

        positions = Positions(text)
    problems = []
    for finding in found:
        source = next((sources[finding.path[:end]] for end in range(len(finding.path), 0, -1) if finding.path[:end] in sources), None)
        line, column = positions.find(finding.path, on_key=finding.on_key) if positions and source is None else (0, 0)
        problems.append(
            Problem(
                key=key_of(finding.path),
                what=finding.what,
                cure=finding.cure,
                value=None if finding.on_key else shown(finding.path, value_at(written, finding.path)),
                file=source or ("" if file is None else str(file)),
                line=line,
                column=column,
                warning=finding.warning,
            )
        )
    return sorted(problems, key=lambda problem: (problem.warning, problem.line == 0, problem.line, problem.column))
