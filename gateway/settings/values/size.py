"""`"64KiB"`: how many bytes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, PlainValidator

_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_LARGEST = 2**53 - 1

SIZE_FORM = 'a size is a number of bytes, or text such as "64KiB", "100MiB"'


def _byte_size(value: object) -> int:
    match = re.fullmatch(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)?", str(value)) if type(value) in (int, str) else None
    if match is None:
        raise ValueError(SIZE_FORM)
    made = int(match[1]) * _BYTES[match[2] or ""]
    if made > _LARGEST:
        raise ValueError("that is more bytes than there are")
    return made


def _some_bytes(value: int) -> int:
    if value < 1:
        raise ValueError("nothing would ever fit: write a size above zero")
    return value


#: `"64KiB"` or a plain number, read into a number of bytes.
ByteSize = Annotated[int, PlainValidator(_byte_size)]
#: A `ByteSize` above zero.
Room = Annotated[int, PlainValidator(_byte_size), AfterValidator(_some_bytes)]
