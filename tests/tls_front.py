"""What ends TLS in front of a gateway, for tests: bytes are passed on as they come, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator

import trustme


@contextlib.contextmanager
def tls_front(port: int, target: tuple[str, int], *, authority: trustme.CA | None = None) -> Iterator[None]:
    """Listen on a port of 127.0.0.1 with a certificate for localhost, until the block ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (authority or trustme.CA()).issue_cert("localhost").configure_cert(context)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(lambda *streams: _relay(*streams, target), "127.0.0.1", port, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=10) if others else None
    await asyncio.sleep(0.1)  # transports say goodbye


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    try:
        up_reader, up_writer = await asyncio.open_connection(*target)
    except OSError:
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        writer.transport.abort()
        up_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort() if not writer.can_write_eof() else writer.write_eof()
