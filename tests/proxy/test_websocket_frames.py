"""Where one WebSocket frame ends, however the bytes are cut (RFC 6455 5.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.websocket_frames import FrameBoundary, close_frame


def frame(length: int, *, masked: bool) -> bytes:
    mask = b"\x01\x02\x03\x04" if masked else b""
    bit = 0x80 if masked else 0
    if length < 126:
        size = bytes([bit | length])
    elif length < 65536:
        size = bytes([bit | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([bit | 127]) + length.to_bytes(8, "big")
    return b"\x82" + size + mask + b"x" * length


@given(st.lists(st.tuples(st.sampled_from([0, 1, 125, 126, 300, 65535, 65536]), st.booleans()), max_size=4), st.integers(1, 70000))
def test_the_boundary_is_found_for_every_cut(shapes: list[tuple[int, bool]], cut: int) -> None:
    data = b"".join(frame(length, masked=masked) for length, masked in shapes)
    boundary = FrameBoundary()
    for start in range(0, len(data), cut):
        boundary.feed(data[start : start + cut])
    assert boundary.between_frames
    boundary.feed(b"\x82")
    assert not boundary.between_frames
    boundary.feed(b"\x01")
    assert not boundary.between_frames
    boundary.feed(b"x")
    assert boundary.between_frames


def test_a_close_frame_says_its_code() -> None:
    assert close_frame(1008) == b"\x88\x02\x03\xf0"
