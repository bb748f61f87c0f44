"""A client of the event stream over a plain HTTP connection."""

import http.client
import json
from types import TracebackType


class EventStreamClient:
    """`GET /live/` with a session, as a context manager."""

    def __init__(self, port: int, session: str = "", *, position: int | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.position = 0  # what a browser would send back as Last-Event-ID
        self.event_id = 0  # of the last hint
        headers = {"Cookie": f"sessionid={session}"} if session else {}
        if position is not None:
            headers["Last-Event-ID"] = str(position)
        self.connection.request("GET", "/live/", headers=headers)
        self.response = self.connection.getresponse()

    def __enter__(self) -> "EventStreamClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @property
    def status(self) -> int:
        return self.response.status

    def next_event(self) -> str:
        """Return the name of the next event, or "" at the end; store its position and, of a hint, the event's id."""
        while line := self.response.readline().decode():
            if line.startswith("id: "):
                self.position = int(line.removeprefix("id: "))
            elif line.startswith("event: "):
                data = json.loads(self.response.readline().decode().removeprefix("data: "))
                self.event_id = data.get("event", self.event_id)
                return line.removeprefix("event: ").strip()
        return ""
