"""Where a file lies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return value if folder is None else Path(folder, value)


#: A path; a relative one starts at the folder of the configuration file.
FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
