"""A client of the event stream over a plain HTTP connection."""

import http.client
from types import TracebackType


class EventStreamClient:
    """`GET /live/` with a session, as a context manager."""

    def __init__(self, port: int, session: str = "", *, last_id: int | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.last_id = 0
        headers = {"Cookie": f"sessionid={session}"} if session else {}
        if last_id is not None:
            headers["Last-Event-ID"] = str(last_id)
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
        """Return the name of the next event, or "" at the end; its id is stored in `last_id`."""
        while line := self.response.readline().decode():
            if line.startswith("id: "):
                self.last_id = int(line.removeprefix("id: "))
            elif line.startswith("event: "):
                return line.removeprefix("event: ").strip()
        return ""
