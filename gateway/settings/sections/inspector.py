"""`[inspector]`: what is recorded of sign-ins, and who may look."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, Strict, StrictBool

from gateway.settings.section import Section
from gateway.settings.values.duration import Span
from gateway.settings.values.one_or_list import Texts
from gateway.settings.values.size import ByteSize


class InspectorSettings(Section):
    """Sign-ins, drawn: who was sent where and why, and where the session is kept. [How](inspector.md). Off, nothing is recorded."""

    enabled: StrictBool = Field(
        default=False,
        description="Record what each sign-in and sign-out does, for `/api/auth/inspector` and for everybody's own `/api/auth/why`.",
    )
    roles: Texts = Field(
        default=(),
        description='Who may look into `/api/auth/inspector`: users with one of these roles; `"*"` is everybody who is signed in. Default: nobody.',
    )
    flows: Annotated[int, Strict(), Field(ge=1, le=10_000)] = Field(default=200, description="How many are kept, in memory, the newest.")
    bytes: ByteSize = Field(default=2 * 1024 * 1024, description="How much memory they may take in each process, counted as JSON.")
    keep: Span = Field(default=timedelta(hours=1), description="For how long one is kept.")
