"""`[headers]` and `[headers.assertion]`: what an upstream is told about the user."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.settings.section import Section
from gateway.settings.values.duration import Span
from gateway.settings.values.file_path import FilePath
from gateway.settings.values.http_words import HeaderName


class AssertionSettings(Section):
    """A signed token that tells the upstream who it is, and that the upstream can verify: [how](assertion.md). Off unless the section is there."""

    name: HeaderName = Field(
        default="X-Gateway-Assertion", description="The header. Apps documented for another gateway read that one's name."
    )
    algorithm: Literal["EdDSA", "ES256"] = Field(
        default="EdDSA", description="Ed25519, or ECDSA on P-256 for verifiers that know no other."
    )
    lifetime: Span = Field(
        default=timedelta(seconds=60),
        description="How long one is good: 60 seconds at most, 8 at least. Half of it, it is given out again.",
    )
    claims: dict[str, str] = Field(
        default_factory=lambda: {"name": "name", "email": "email", "roles": "roles", "groups": "groups"},
        description="What it says beside `sub`: claim → attribute or claim of the user. Default: `name`, `email`, `roles` and `groups`.",
    )
    keys_file: FilePath = Field(
        default=Path("assertion-keys"),
        description="One secret a line, newest first: the first signs, all are published. Made at the first start beside the configuration file, "
        "readable by its owner only.",
    )


class HeaderSettings(Section):
    """What the upstream is told about the user, in headers that no client can forge. [More](headers.md)."""

    presets: tuple[Literal["x-forwarded", "x-auth-request", "remote", "authentik", "token"], ...] = Field(
        default=("x-forwarded",), description="Sets of headers that apps know."
    )
    set: dict[str, str] = Field(
        default_factory=dict,
        description="Headers of your own: name → template with `{user.id}`, `{user.name}`, `{user.email}`, `{user.image}`, `{user.roles}`, "
        "`{user.groups}`, any claim as `{user.<claim>}`, and `{session.provider}`. Lists are joined by commas, or as in `{user.groups:|}`.",
    )
    assertion: AssertionSettings | None = Field(default=None, description="The signed assertion: the section `[headers.assertion]`.")
