"""All that can be compared, in the order of the tables."""

from tests.bench.peers import apache, authjs, caddy, gateway, naive, nginx
from tests.bench.peers.peer import Peer, Target, Unfit, check

GATEWAY = gateway.GATEWAY
PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        GATEWAY, gateway.GENERAL, nginx.NGINX, nginx.ASKING, caddy.CADDY, caddy.ASKING, naive.NAIVE, authjs.AUTHJS, apache.APACHE,
    )
}  # fmt: skip

__all__ = ["GATEWAY", "PEERS", "Peer", "Target", "Unfit", "check", "gateway"]
