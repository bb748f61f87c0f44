"""HTTP protocol of the server, with a time limit for the head of a request.

Uvicorn limits the time between two requests of a connection, but not the time in which the first line and the headers
arrive: a client that sends a byte now and then would hold a connection for ever, and thousands of them all of the
server's file descriptors.
"""

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_TIMEOUT_RESPONSE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HeaderTimeoutProtocol(H11Protocol):
    """Uvicorn's protocol that closes a connection whose request head is not complete in time.

    The time, in seconds, is `header_timeout` of a subclass that `build_protocol` returns. It runs from the start of
    the connection, or from the first byte of a later request; further bytes do not extend it.
    """

    header_timeout = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer: asyncio.TimerHandle | None = None
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_header_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_waiting_for_head():
            self._start_header_timer()
        else:
            self._stop_header_timer()

    def _is_waiting_for_head(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _start_header_timer(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_timeout, self._close_late_connection)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _close_late_connection(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing() and self._is_waiting_for_head():
            self.transport.write(REQUEST_TIMEOUT_RESPONSE)
            self.transport.close()


def build_protocol(header_timeout: float) -> type[HeaderTimeoutProtocol]:
    """Return the protocol with this time limit in seconds, for `uvicorn.Config(http=…)`."""
    return cast(
        "type[HeaderTimeoutProtocol]",
        type("Protocol", (HeaderTimeoutProtocol,), cast("dict[str, Any]", {"header_timeout": header_timeout})),
    )
