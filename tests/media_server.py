"""An HTTP server that plays Twilio's media host: it gives prepared responses and records requests."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileResponse:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    declared_length: int | None = None  # -1 for none
    never_ends: bool = False  # sends bytes until the client closes the connection
    endless_head: bool = False  # the same, one byte of a header at a time


@dataclass
class FileServer:
    """`responses[path]` are given in order, the last one repeatedly; other paths get 404."""

    url: str = ""
    responses: dict[str, list[FileResponse]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path and Authorization

    def next_response(self, path: str) -> FileResponse:
        responses = self.responses[path]
        return (responses.pop(0) if len(responses) > 1 else responses[0]) if responses else FileResponse(404)


@contextlib.contextmanager
def run_file_server() -> Iterator[FileServer]:
    """Run the server on a free port of this machine while the block runs."""
    file_server, pause = FileServer(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file_server.requests.append((self.path, self.headers.get("Authorization")))
            response = file_server.next_response(self.path)
            self.send_response(response.status)
            length = len(response.body) if response.declared_length is None else response.declared_length
            for name, value in {"Content-Length": str(length), **response.headers}.items():
                if value != "-1":
                    self.send_header(name, value)
            if response.endless_head:
                self.flush_headers()
                self.send_slowly()
                return
            self.end_headers()
            with contextlib.suppress(OSError):  # The client has closed the connection.
                self.wfile.write(response.body)
            if response.never_ends:
                self.send_slowly()

        def send_slowly(self) -> None:
            with contextlib.suppress(OSError):  # The client has closed the connection.
                while True:
                    self.wfile.write(b".")
                    pause.wait(0.02)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    file_server.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield file_server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
