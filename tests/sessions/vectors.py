"""What the real Auth.js packages made: tokens, chunks and csrf values, recorded in data/authjs-v5-vectors.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.sessions.keys import KeyRing

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "authjs-v5-vectors.json").read_text("utf-8"))

SECRET = "test-secret-please-ignore-0123456789abcdef"
OTHER_SECRET = "rotated-in-secret-2222222222222222222222"


def cases(kind: str) -> list[Any]:
    """The entries of one kind, as pytest parameters with their own names."""
    return [pytest.param(entry, id=entry.get("name", f"{kind}-{number}")) for number, entry in enumerate(VECTORS[kind])]


def keys_for(secret: str | list[str]) -> KeyRing:
    """The key ring of a vector; unchecked, as one of the recorded secrets is shorter than we allow."""
    return KeyRing((secret,) if isinstance(secret, str) else tuple(secret))
