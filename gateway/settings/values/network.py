"""`10.0.0.0/8`: whose addresses."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import PlainValidator


def _network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value
    form = 'a network is an address or a CIDR range: "10.0.0.5", "10.0.0.0/8", "fd00::/8"'
    if not isinstance(value, str):
        raise ValueError(form)
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        try:  # the address has bits outside its range: say what was probably meant, and leave it to the operator
            meant = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError(form) from None
        raise ValueError(f'the range is written by its first address: "{meant}"') from None


#: An address or a CIDR range.
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, PlainValidator(_network)]
