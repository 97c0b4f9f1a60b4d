"""Reading the configuration file: bytes to text to tables, with the place of a syntax error."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.settings.finding import Tree

_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)\Z")
LARGEST = 4 * 1024 * 1024


def read_text(file: Path) -> str:
    """The text of the file.

    Raises:
        ConfigError: It can't be read, or is not UTF-8.
    """
    try:
        with file.open("rb") as opened:  # a device has no end
            data = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise _error(file, "there is no such file", "write one with `gateway init`, or name another with `-c FILE`") from None
    except OSError as error:
        raise _error(file, f"it can't be read: {error.strerror}", "let the user that runs the gateway read it") from None
    if len(data) > LARGEST:
        raise _error(file, f"it is larger than {LARGEST} bytes", "this can't be a configuration: name another file with `-c FILE`")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise _error(file, "it is not UTF-8", "save it as UTF-8, as TOML asks for", line, column) from None


def parse(text: str, file: Path) -> Tree:
    """The tables of the text.

    Raises:
        ConfigError: It is no TOML.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _error(file, "it is nested too deeply", "no setting holds lists in lists in lists") from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        if place:
            line, column = int(place[1]), int(place[2])
        else:  # "(at end of document)"
            lines = text.splitlines() or [""]
            line, column = len(lines), len(lines[-1]) + 1
        what = re.sub(r" \(at [^()]*\)\Z", "", message)
        raise _error(
            file,
            f"it is no TOML: {what[:1].lower()}{what[1:]}",
            "see https://toml.io for how tables, keys and texts are written",
            line,
            column,
        ) from None


def _error(file: Path, what: str, cure: str, line: int = 0, column: int = 0) -> ConfigError:
    return ConfigError([Problem(key="", what=what, cure=cure, file=str(file), line=line, column=column)])
