"""The data plane: heads, connection pools to upstreams, and the relay between two sockets. It knows nothing of sign-ins."""
