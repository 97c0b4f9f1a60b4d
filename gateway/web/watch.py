"""Which files a configuration is made of, and whether they are still the same ones.

By name, not by handle, and through links: a file that was replaced in one step is another one, and so is each file of a volume whose link
Kubernetes let lead elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.settings.model import Settings

Stamp = tuple[int, int, int, int] | None
Stamps = Mapping[Path, Stamp]


def files_of(settings: Settings, file: Path) -> dict[Path, str]:
    """The files to watch, each with the key that names it; "" for the configuration itself."""
    files = {file: ""}
    if settings.session.secrets_file is not None and not settings.session.secrets:
        files[settings.session.secrets_file] = "session.secrets_file"
    if settings.headers.assertion is not None:
        files[settings.headers.assertion.keys_file] = "headers.assertion.keys_file"
    return files | {
        upstream.ca_file: f"upstreams.{upstream.name}.ca_file" for upstream in settings.upstreams if upstream.ca_file is not None
    }


def stamps_of(files: Mapping[Path, str]) -> Stamps:
    """What tells a file from the one that was there before."""
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
