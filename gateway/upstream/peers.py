"""Which peers may say who somebody is: addresses, CIDR ranges, and `unix` for a unix socket."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peers:
    """A list of them. An empty list asks nobody: then the network alone has to keep others out."""

    networks: tuple[Network, ...]
    unix: bool

    @classmethod
    def of(cls, texts: Iterable[str]) -> Peers:
        """Read a list.

        Raises:
            ValueError: An entry is neither an address, a range nor `unix`.
        """
        if isinstance(texts, str):
            raise ValueError(f'trusted is a list of addresses: write ["{texts}"]')
        entries = tuple(texts)
        return cls(tuple(ipaddress.ip_network(entry) for entry in entries if entry != "unix"), "unix" in entries)

    @property
    def asked(self) -> bool:
        """True if there is a list at all."""
        return bool(self.networks) or self.unix

    def cover(self, peer: str | None) -> bool:
        """True if this peer may speak; a peer that is not known may not."""
        if not self.asked:
            return True
        if not peer:
            return peer == "" and self.unix
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # a socket for both families names IPv4 peers so
        return any(address in network for network in self.networks)
