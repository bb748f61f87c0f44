"""A connection whose request head does not arrive in time is closed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from omnichannel.core.network.http_protocol import REQUEST_TIMEOUT_RESPONSE, build_protocol

HEADER_TIMEOUT = 0.2  # seconds
TEST_TIMEOUT = 20.0  # seconds, for a busy machine
REQUEST = b"GET / HTTP/1.1\r\nHost: desk.example.com\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answer_ok(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def open_connection() -> Any:
    """Connect to a server with a short time limit for the head."""
    protocol = build_protocol(HEADER_TIMEOUT)
    config = uvicorn.Config(answer_ok, log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    yield reader, writer
    writer.close()
    server.close()


def run_with_connection(scenario: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]) -> bytes:
    async def run() -> bytes:
        async with open_connection() as (reader, writer), asyncio.timeout(TEST_TIMEOUT):
            return await scenario(reader, writer)

    return asyncio.run(run())


@pytest.mark.parametrize("start", [b"", b"GET", b"GET / HTTP/1.1\r\n", REQUEST[:-2], REQUEST[:-1]])
def test_a_connection_with_an_incomplete_head_is_closed(start: bytes) -> None:
    async def scenario(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(start)
        return await reader.read()

    assert run_with_connection(scenario) == REQUEST_TIMEOUT_RESPONSE


def test_further_bytes_do_not_extend_the_time() -> None:
    async def scenario(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST[:-2])
        end = asyncio.create_task(reader.read())
        while not end.done():
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.wait({end}, timeout=HEADER_TIMEOUT / 4)
        # Bytes for a closed connection make the system reset it, which may drop the answer.
        return REQUEST_TIMEOUT_RESPONSE if isinstance(end.exception(), ConnectionResetError) else end.result()

    assert run_with_connection(scenario) == REQUEST_TIMEOUT_RESPONSE


def test_the_head_of_a_second_request_has_the_same_limit() -> None:
    async def scenario(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(REQUEST[:-2])
        return await reader.read()

    assert run_with_connection(scenario) == REQUEST_TIMEOUT_RESPONSE


def test_a_complete_head_leaves_the_body_more_time() -> None:
    async def scenario(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST / HTTP/1.1\r\nHost: desk.example.com\r\nContent-Length: 1\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HEADER_TIMEOUT * 2):
                await reader.read(1)
        writer.write(b"x")
        return await reader.readuntil(b"ok")

    assert run_with_connection(scenario).startswith(b"HTTP/1.1 200")
