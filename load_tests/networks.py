"""A bad network on this machine: a proxy that slows, stalls and cuts what passes through it."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

PIECE = 16 * 1024


@dataclass
class BadNetwork:
    """What the network does: bytes a second, bytes after which a connection is cut on average, and how often."""

    rate: float = 0.0
    cut_after: float = 0.0
    connections: int = 0
    cuts: int = 0

    def budget(self) -> float:
        """Draw how many bytes this connection will carry: exponential, so a cut may come at any moment."""
        return random.expovariate(1 / self.cut_after) if self.cut_after else float("inf")

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Be one connection, until one end closes it or it is cut."""
        self.connections += 1
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        left = [self.budget()]
        ways = [self.pump(reader, forth, left, self.rate), self.pump(back, writer, left, 0.0)]
        both = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.gather(*both)
        except ConnectionError:
            self.cuts += left[0] < 0
        finally:
            for way in both:
                way.cancel()
            for end in (writer, forth):
                reset(end)

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[float], rate: float
    ) -> None:
        """Carry bytes one way. Raises ConnectionError when the budget of both ways is used up."""
        while data := await reader.read(PIECE):
            if rate:
                await asyncio.sleep(len(data) / rate)
            left[0] -= len(data)
            if left[0] < 0:
                # A part of it still arrives: cuts do not keep to the pieces of a program.
                writer.write(data[: random.randrange(len(data))])
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def reset(end: asyncio.StreamWriter) -> None:
    """Drop a connection as a dead radio does: no goodbye, and nothing that waits to be sent is sent."""
    line = end.get_extra_info("socket")
    if line is not None and line.fileno() >= 0:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()


@asynccontextmanager
async def bad_network(port: int, *, rate: float = 0.0, cut_after: float = 0.0) -> AsyncIterator[tuple[str, BadNetwork]]:
    """Lend the address of a bad network before a port of this machine."""
    network = BadNetwork(rate, cut_after)
    carried: set[asyncio.Task[None]] = set()

    async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        carried.add(task)
        try:
            await network.carry(reader, writer, port)
        finally:
            carried.discard(task)

    server = await asyncio.start_server(opened, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", network
    finally:
        server.close()
        for task in list(carried):
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
