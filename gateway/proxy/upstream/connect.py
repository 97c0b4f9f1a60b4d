"""Making a connection to an upstream: the name look-up, each address in turn, TLS; all of it within one limit."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable

from gateway.core.errors import UpstreamUnreachable
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.connection import UpstreamConnection

_Address = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Connector:
    """Connects to one upstream.

    All who look up its name at the same time share one look-up, so a name server that hangs holds one thread of the executor,
    not one for each request, and other upstreams still find theirs (promise 57).
    """

    def __init__(self, address: UpstreamAddress, connect_s: float) -> None:
        self._address = address
        self._connect_s = connect_s
        self._tls = address.tls()
        self._lookup: asyncio.Task[list[_Address]] | None = None

    async def connect(self, make: Callable[[], UpstreamConnection]) -> UpstreamConnection:
        """Make a connection.

        Raises:
            UpstreamUnreachable: The name, every address of it, or TLS failed, or the limit passed.
        """
        name = self._address.name
        try:
            async with asyncio.timeout(self._connect_s) as limit:
                if self._address.scheme == "unix":
                    _, connection = await asyncio.get_running_loop().create_unix_connection(make, self._address.path)
                    return connection
                return await self._connect_to_any(await self._addresses(), make, limit)
        except TimeoutError as error:
            raise UpstreamUnreachable(name, "no connection within the limit") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA can't encode
            raise UpstreamUnreachable(name, f"no connection: {error}") from error

    async def _connect_to_any(
        self, addresses: list[_Address], make: Callable[[], UpstreamConnection], limit: asyncio.Timeout
    ) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        failure: OSError = OSError("the name has no address")
        for position, (family, where) in enumerate(addresses):
            deadline = limit.when()
            assert deadline is not None
            share = (deadline - loop.time()) / (len(addresses) - position)  # an address that swallows packets leaves time for the next
            try:
                async with asyncio.timeout(share):
                    return await self._connect_to(family, where, make)
            except (ssl.SSLCertVerificationError, UnicodeError):
                raise
            except OSError as error:  # TimeoutError is one
                failure = error
        raise failure

    async def _connect_to(self, family: int, where: object, make: Callable[[], UpstreamConnection]) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            # A peer that vanished without a word is noticed on streams that have no time limit of their own.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_connect(sock, where)  # type: ignore[arg-type]  # a socket address, as getaddrinfo made it
        except BaseException:
            sock.close()
            raise
        server_hostname = self._address.host if self._tls is not None else None
        _, connection = await loop.create_connection(make, sock=sock, ssl=self._tls, server_hostname=server_hostname)
        return connection

    async def _addresses(self) -> list[_Address]:
        host, port = self._address.host, self._address.port
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            pass
        else:
            return [(socket.AF_INET6 if version == 6 else socket.AF_INET, (host, port))]
        if self._lookup is None:
            self._lookup = asyncio.ensure_future(self._look_up(host, port))
            self._lookup.add_done_callback(self._looked_up)
        return await asyncio.shield(self._lookup)

    @staticmethod
    async def _look_up(host: str, port: int) -> list[_Address]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, where) for family, _, _, _, where in found]

    def _looked_up(self, lookup: asyncio.Task[list[_Address]]) -> None:
        self._lookup = None
        if not lookup.cancelled():
            lookup.exception()  # seen: all who waited may have left
