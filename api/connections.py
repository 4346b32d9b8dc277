"""Connections: what a client may do with one before it has asked for anything, and after it was answered.

The server's own protocol reads heads of any size, waits for one for ever, and holds an answer for as long as nobody
reads it. Any of these needs no account, and a few connections of each kind would take all memory there is.

A client that is still sending when it is answered is read on for a while, into nothing: were the connection closed, its
network would throw the answer away. If its request ends in time, the connection lasts (RFC 9112, sections 9.3 and 9.6).
"""

from __future__ import annotations

import socket
from asyncio import TimerHandle, Transport
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

#: Bytes of a request that are no body: the address and headers, and what stands between the pieces of a body. Browsers
#: send about 1 kB, a link of ours has 200 bytes.
HEAD_BYTES = 32 * 1024
#: Requests that a client may send ahead of their answers; browsers send none.
MOST_AHEAD = 16
#: The extension of a request's scope that ends its connection at once, in the middle of an answer.
CUT = "companion.cut"
#: Seconds from an answer, or the connection's beginning, to the end of the next head; and how often that is looked at.
HEAD_S, LOOK_S = 30.0, 5.0
#: Seconds for which a client may take nothing of an answer, by its own network's word (RFC 5482). A player that has
#: enough for now takes nothing for minutes, and the link that it would begin anew with lasts no longer than this.
UNREAD_S = 900.0


class Parting:
    """A connection's transport as a request sees it: its end waits for what the client is still sending."""

    def __init__(self, connection: Connection) -> None:
        """Stand in front of the transport."""
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection.transport, name)

    def close(self) -> None:
        """End the connection."""
        self.connection.part()


class Connection(HttpToolsProtocol):
    """One connection of one client."""

    watching: TimerHandle | None = None
    #: Bytes since the last one of a body, or since the last head was complete.
    without_body = 0
    #: Headers of this request that say for whom it is.
    hosts = 0
    #: Whether all was said that will be; what still comes is thrown away.
    parted = False
    #: When it was that nothing of the client's was under way any more, by the event loop's clock.
    idle_since = 0.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to watch."""
        super().connection_made(transport)
        bounded(transport.get_extra_info("socket"))
        self.idle_since = self.loop.time()
        self.watching = self.loop.call_later(LOOK_S, self.look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self.watching is not None:
            self.watching.cancel()
        super().connection_lost(exc)

    def look(self) -> None:
        """Close a connection on which nothing was asked for too long, whatever little came on it."""
        self.watching = self.loop.call_later(LOOK_S, self.look)
        asking = self.cycle is not None and not self.cycle.response_complete and not self.parted
        if not asking and self.loop.time() - self.idle_since > HEAD_S:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and end a connection whose heads do not end."""
        if self.parted:
            return
        self.without_body += len(data)
        super().data_received(data)
        if self.without_body > HEAD_BYTES:
            self.refuse()

    def refuse(self) -> None:
        """Say that the head is too large (RFC 6585, section 5), where no other answer has begun."""
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.idle_since = self.loop.time()
            self.part()

    def cut(self, cycle: RequestResponseCycle) -> None:
        """End the connection with what waits in it; the server then takes the client for gone, and logs no fault."""
        cycle.disconnected = True
        self.transport.abort()

    def part(self) -> None:
        """End the connection, after a while where the client is still sending."""
        sending = self.cycle is None or self.cycle.more_body
        if not sending or self.parted or self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.parted = True
        self.transport.write_eof()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self.hosts = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        super().on_header(name, value)
        self.hosts += name.lower() == b"host"

    def on_headers_complete(self) -> None:
        """Begin a request that says once for whom it is (RFC 9112, section 3.2), if not too many wait already."""
        self.without_body = 0
        if self.hosts > 1 or (self.hosts == 0 and self.parser.get_http_version() != "1.0"):
            raise ValueError
        super().on_headers_complete()
        self.cycle.transport = Parting(self)  # type: ignore[assignment]
        self.cycle.scope["extensions"] = {CUT: partial(self.cut, self.cycle)}  # type: ignore[dict-item]
        if len(self.pipeline) > MOST_AHEAD:
            self.transport.abort()
            raise ConnectionAbortedError

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self.without_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the next bytes belong to another request."""
        self.without_body = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.idle_since = self.loop.time()
        super().on_response_complete()


def bounded(connected: Any) -> None:
    """Have the kernel end a connection whose other side takes nothing, where it can (Linux)."""
    if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT") and connected.family != socket.AF_UNIX:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_S * 1000))
