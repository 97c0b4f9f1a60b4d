"""A reverse proxy that meddles, for tests: some bytes of the answers are replaced by others, everything else passes as it comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def rewriting_front(port: int, target: tuple[str, int], old: bytes, new: bytes) -> Iterator[None]:
    """Listen on a port of 127.0.0.1 until the block ends. What is replaced must stand in a head: lengths stay as they are."""
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    open_: list[socket.socket] = []
    thread = threading.Thread(target=_accept, args=(listener, target, old, new, open_), daemon=True)
    thread.start()
    try:
        yield
    finally:
        for sock in (listener, *open_):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        thread.join(10)


def _accept(listener: socket.socket, target: tuple[str, int], old: bytes, new: bytes, open_: list[socket.socket]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        gateway = socket.create_connection(target)
        open_ += [client, gateway]
        threading.Thread(target=_pump, args=(client, gateway, b"", b""), daemon=True).start()
        threading.Thread(target=_pump, args=(gateway, client, old, new), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, old: bytes, new: bytes) -> None:
    try:
        while data := source.recv(1 << 20):
            sink.sendall(data.replace(old, new) if old else data)
    except OSError:
        pass
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
