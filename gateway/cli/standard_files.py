"""Standard input, output and error are always open: what takes the place of a closed one would be taken for it."""

from __future__ import annotations

import os


def keep_open() -> None:
    """Open /dev/null in the place of each that was closed (`gateway run <&- >&- 2>&-`, as some supervisors start things).

    A socket that gets number 2 would be written to as standard error, and libuv ends the process when it closes one of these numbers.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(number, True)
