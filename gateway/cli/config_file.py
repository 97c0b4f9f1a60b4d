"""Which configuration a command works on: `-c FILE`, `GATEWAY_CONFIG`, or the one that lies here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem

if TYPE_CHECKING:
    from gateway.settings.load import Loaded

_Command = TypeVar("_Command", bound=Callable[..., Any])

ENVIRONMENT_KEY = "GATEWAY_CONFIG"
PLACES = (Path("gateway.toml"), Path("config/gateway.toml"))


def config_option(command: _Command) -> _Command:
    """Give a command `-c FILE` (argument `config`)."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=ENVIRONMENT_KEY,
        metavar="FILE",
        help=f"The configuration. [default: {' or '.join(map(str, PLACES))}; env: {ENVIRONMENT_KEY}]",
    )(command)


def find_config(asked: Path | None) -> Path:
    """The file that was asked for, or the first of `PLACES` that exists.

    Raises:
        ConfigError: Nothing was asked for and none of them exists.
    """
    if asked is not None:
        return asked
    for place in PLACES:
        if place.is_file():
            return place
    what = f"there is no configuration here: neither {' nor '.join(map(str, PLACES))} exists"
    cure = "write one with `gateway init`, name one with `-c FILE`, or look around first with `gateway demo`"
    raise ConfigError([Problem(key="", what=what, cure=cure)])


def load_config(asked: Path | None) -> Loaded:
    """Read the configuration with everything that the environment says about it.

    Raises:
        ConfigError: It can't be used; all of its problems at once.
    """
    file = find_config(asked)
    from gateway.settings.load import load

    return load(file, env=environment())


def environment() -> Mapping[str, str]:
    """The environment without the variable that this room reads itself."""
    return {key: value for key, value in os.environ.items() if key != ENVIRONMENT_KEY}
