"""`[callbacks]`: the operator's own Python."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field, field_validator

from gateway.settings.section import Section
from gateway.settings.values.duration import Span


class CallbackSettings(Section):
    """Python of your own that decides who may sign in, where to go, and what is in a session."""

    module: str | None = Field(
        default=None,
        description="A module that defines `sign_in`, `redirect`, `jwt`, `session`, `on_sign_in`, `on_sign_out` or `on_session`. The folder of the "
        "configuration file is on the import path.",
    )
    time_limit: Span = Field(default=timedelta(seconds=5), description="How long each call may take. Over it: the answer is no.")

    @field_validator("module")
    @classmethod
    def _dotted(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", value):
            raise ValueError('a module is written as in an import, for example "my_callbacks"')
        return value
