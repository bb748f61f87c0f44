"""A response that exceeds its time limit becomes a 503."""

import asyncio
from typing import Any

import pytest

from omnichannel.core.network.response_deadline import ResponseDeadlineMiddleware

LONG_LIMIT, SHORT_LIMIT = 20.0, 0.01


async def call(inside: Any, seconds: float) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    await ResponseDeadlineMiddleware(inside, seconds)({"type": "http"}, receive, send)
    return sent


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"stored"})


def statuses(sent: list[dict[str, Any]]) -> list[int]:
    return [message["status"] for message in sent if "status" in message]


def test_an_answer_in_time_is_passed_on_as_it_is() -> None:
    sent = asyncio.run(call(answer, LONG_LIMIT))
    assert (statuses(sent), sent[-1]["body"]) == ([200], b"stored")


def test_without_an_answer_in_time_there_is_503_and_the_late_answer_is_dropped() -> None:
    finished = []

    async def answer_late(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(SHORT_LIMIT * 5)
        await answer(scope, receive, send)
        finished.append(True)

    sent = asyncio.run(call(answer_late, SHORT_LIMIT))
    assert (statuses(sent), finished) == ([503], [True])


def test_response_started_in_time_may_finish_late() -> None:
    async def answer_slowly(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(SHORT_LIMIT * 5)
        await send({"type": "http.response.body", "body": b"stored"})

    sent = asyncio.run(call(answer_slowly, SHORT_LIMIT))
    assert (statuses(sent), sent[-1]["body"]) == ([200], b"stored")


def test_an_error_inside_is_passed_on() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("Something is wrong.")

    with pytest.raises(ValueError, match="Something is wrong"):
        asyncio.run(call(fail, LONG_LIMIT))
