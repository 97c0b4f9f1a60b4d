"""What a run was asked for, and what follows from it for every mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.peers import PEERS, Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and how often; and who is compared.

    Attributes:
        peers: Names; those that a mode does not know it leaves out.
        rounds: Runs of each target.
        seconds: Of each run.
        scale: How much of the large modes is done, 1 for all: connections, sizes of bodies.
    """

    peers: tuple[str, ...] = tuple(PEERS)
    rounds: int = 5
    seconds: float = 3.0
    scale: float = 1.0

    def chosen(self, *names: str) -> Sequence[Peer]:
        """Of these, the ones that were asked for; the gateway always."""
        return [PEERS[name] for name in names if name in self.peers or name == "gateway"]

    def fewer(self, rounds: int) -> int:
        """So many rounds, or fewer if fewer were asked for."""
        return min(rounds, self.rounds)

    def count(self, whole: int, least: int = 1) -> int:
        """Of a large number, what the scale leaves."""
        return max(least, round(whole * self.scale))
