from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.settings.sections.session import SessionSettings
from gateway.web.processes.channel import Channel, packed, unpacked

SECRET = "a-test-secret-that-is-long-enough-for-anybody"


async def test_messages_come_whole_and_in_order_and_then_the_end():
    ours, theirs = socket.socketpair()
    one, other = await Channel.over(ours), await Channel.over(theirs)
    messages = [{"is": "x", "number": number, "text": "ü" * number * 1000} for number in range(50)]
    for message in messages:
        one.send(message)
    assert [await other.receive() for _ in messages] == messages
    await one.close()
    assert await other.receive() is None
    other.send({"is": "late"})
    await other.close()


@pytest.mark.parametrize("data", [b"\0\0", b"\0\0\0\5{}", b"\0\0\0\2{]", b"\0\0\0\2[]", b"\xff\xff\xff\xff"])
async def test_what_is_no_message_ends_the_channel(data):
    ours, theirs = socket.socketpair()
    channel = await Channel.over(ours)
    theirs.sendall(data)
    theirs.close()
    assert await channel.receive() is None
    await channel.close()


async def test_a_side_that_takes_nothing_is_given_up_before_memory_is():
    ours, theirs = socket.socketpair()
    with theirs:
        channel = await Channel.over(ours)
        for _ in range(40):
            channel.send({"is": "x", "text": "x" * 1_000_000})
        assert await channel.receive() is None
        await channel.close()


def test_settings_and_secrets_arrive_as_they_were():
    settings = Settings(session=SessionSettings(secrets=(SecretStr(SECRET),)))
    read, keys = unpacked(packed(settings, KeyRing.of([SECRET])))
    assert read == settings
    assert keys.secrets == (SECRET,)
