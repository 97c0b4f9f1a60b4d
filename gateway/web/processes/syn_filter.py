"""A listening socket that is deaf to new connections, and still has those that wait in it.

Closing a listening socket resets whatever came into its queue since the last look. With this filter nothing comes any more, so the last
look is the last one. The client repeats the segment that was dropped after a second (RFC 6298, 2.1), and is refused by then.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; needs no privilege
# Classic BPF (linux/filter.h): code, skip if true, skip if false, value. At a TCP socket it sees a segment from its TCP header on.
_INSTRUCTIONS = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK of them
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # then drop the segment
    (0x06, 0, 0, 0xFFFFFFFF),  # else take all of it: a handshake that has begun is finished
)
_PROGRAM = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in _INSTRUCTIONS))
_FPROG = struct.pack("HP", len(_INSTRUCTIONS), ctypes.addressof(_PROGRAM))


def let_nobody_connect(sock: socket.socket) -> None:
    """Drop every segment that would open a connection to a TCP socket, whatever process listens to it; nothing where the system can't."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FPROG)
