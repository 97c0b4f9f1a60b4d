"""All that can be compared, in the order of the tables."""

from tests.bench.peers import apache, authjs, caddy, gateway, naive, nginx
from tests.bench.peers.peer import Peer, Target, Unfit, check

PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        gateway.GATEWAY, gateway.GENERAL, nginx.NGINX, nginx.ASKING, caddy.CADDY, caddy.ASKING, naive.NAIVE, authjs.AUTHJS, apache.APACHE,
    )
}  # fmt: skip

__all__ = ["PEERS", "Peer", "Target", "Unfit", "check"]
