"""Inputs that nobody wrote: pieces of good and hostile ones, cut, joined, repeated and bent, all from one seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence


class Mutator:
    """Makes inputs from seeds.

    Args:
        seeds: Inputs to begin with.
        pieces: What is put into them: tokens that mean something to the parser, and some that should not.
    """

    def __init__(self, seeds: Sequence[bytes], pieces: Sequence[bytes], *, chance: random.Random) -> None:
        self._seeds = list(seeds)
        self._pieces = list(pieces)
        self._chance = chance

    def next(self) -> bytes:
        """The next input."""
        chance = self._chance
        data = bytearray(chance.choice(self._seeds))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            place = chance.randrange(len(data) + 1)
            match chance.randrange(7):
                case 0:
                    data[place:place] = chance.choice(self._pieces)
                case 1:
                    data[place : place + chance.randrange(1, 9)] = chance.choice(self._pieces)
                case 2:
                    del data[place : place + chance.choice((1, 1, 2, 5, 20))]
                case 3:
                    if place < len(data):
                        data[place] = chance.randrange(256)
                case 4:
                    other = chance.choice(self._seeds)
                    cut = chance.randrange(len(other) + 1)
                    data[place:] = other[cut:]
                case 5:
                    end = min(len(data), place + chance.randrange(1, 40))
                    data[place:place] = data[place:end]
                case _:
                    if place < len(data):
                        data[place] ^= 1 << chance.randrange(8)
        return bytes(data)

    def cuts(self, data: bytes) -> list[bytes]:
        """The same bytes in packets that end anywhere."""
        edges = sorted({0, len(data), *(self._chance.randrange(len(data) + 1) for _ in range(self._chance.randrange(4)))})
        return [data[start:end] for start, end in itertools.pairwise(edges)] or [b""]
