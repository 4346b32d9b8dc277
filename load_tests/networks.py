"""A bad network on this machine: a proxy that slows, delays, stalls and cuts what passes through it.

This kernel has no netem; what a phone feels of a bad line can be made above TCP as well. Lost packets never reach an
application: it sees that nothing comes for a while, as long as TCP takes to send them again, and then everything.
"""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

PIECE = 16 * 1024
#: Pieces that may be on their way at once: what a line of 3G holds in its buffers.
IN_FLIGHT = 4


@dataclass
class BadNetwork:
    """What the network does; everything is nothing by default.

    `rate` is bytes a second from a phone to the service, for every connection; with `fastest` each connection draws
    its own between the two. `cut_after` is how many bytes pass before a connection is cut, on average. `latency_s` is
    one way, plus up to `jitter_s` more. A burst of losses comes after every `burst_after_s` of sending on average, and
    lasts up to `burst_s`. `connections`, `cuts` and `bursts` count.
    """

    rate: float = 0.0
    cut_after: float = 0.0
    fastest: float = 0.0
    latency_s: float = 0.0
    jitter_s: float = 0.0
    burst_after_s: float = 0.0
    burst_s: float = 0.0
    connections: int = 0
    cuts: int = 0
    bursts: int = 0

    def budget(self) -> float:
        """Draw how many bytes this connection will carry: exponential, so a cut may come at any moment."""
        return random.expovariate(1 / self.cut_after) if self.cut_after else float("inf")

    def speed(self) -> float:
        """Draw the bytes a second of a connection; 0 is as fast as it goes."""
        return random.uniform(self.rate, self.fastest) if self.fastest else self.rate

    def delay_s(self, sending_s: float) -> float:
        """Draw how late a piece is that takes so long to send, without that time."""
        late = self.latency_s + random.uniform(0, self.jitter_s)
        # At least a moment is spent on every piece, so that also a fast line loses something.
        if self.burst_after_s and random.random() < max(sending_s, 0.01) / self.burst_after_s:
            self.bursts += 1
            late += random.uniform(0, self.burst_s)
        return late

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Be one connection, until one end closes it or it is cut."""
        self.connections += 1
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        left = [self.budget()]
        ways = [self.pump(reader, forth, left, self.speed()), self.pump(back, writer, left, 0.0)]
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
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        far_end = asyncio.create_task(deliver(line, writer))
        try:
            while data := await reader.read(PIECE):
                sending_s = len(data) / rate if rate else 0.0
                await asyncio.sleep(sending_s)
                left[0] -= len(data)
                arrives = asyncio.get_running_loop().time() + self.delay_s(sending_s)
                if left[0] < 0:
                    # A part of it still arrives: cuts do not keep to the pieces of a program.
                    await line.put((arrives, data[: random.randrange(len(data))]))
                    await line.join()
                    raise ConnectionResetError
                await line.put((arrives, data))
                if far_end.done():
                    await far_end
            await line.join()
            # The other end may have gone meanwhile, and then nobody is to be told that nothing more comes.
            with suppress(OSError):
                writer.write_eof()
        finally:
            far_end.cancel()


async def deliver(line: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    """Hand over pieces in their order, each when it arrives; jitter delays and never reorders, as TCP does."""
    clock = asyncio.get_running_loop().time
    while True:
        arrives, data = await line.get()
        try:
            if (wait_s := arrives - clock()) > 0:
                await asyncio.sleep(wait_s)
            writer.write(data)
            await writer.drain()
        finally:
            line.task_done()


def reset(end: asyncio.StreamWriter) -> None:
    """Drop a connection as a dead radio does: no goodbye, and nothing that waits to be sent is sent."""
    line = end.get_extra_info("socket")
    if line is not None and line.fileno() >= 0:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()


@asynccontextmanager
async def bad_network(port: int, **weather: float) -> AsyncIterator[tuple[str, BadNetwork]]:
    """Lend the address of a bad network before a port of this machine; `weather` is as in `BadNetwork`."""
    network = BadNetwork(**weather)  # type: ignore[arg-type]
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
