"""An HTTP server on loopback that records the simulator's webhooks and gives the responses a test sets."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass
class ReceivedWebhook:
    """A webhook as it arrived."""

    url: str
    headers: dict[str, str]
    form: dict[str, str]

    def is_signed_with(self, token: str) -> bool:
        return bool(RequestValidator(token).validate(self.url, self.form, self.headers["X-Twilio-Signature"]))


@dataclass
class WebhookReceiver:
    """A server to use as a context manager; `files` are the responses to GET."""

    response: tuple[int, str, bytes] = (200, "text/xml", EMPTY_TWIML)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    content_disposition: str = ""
    webhooks: list[ReceivedWebhook] = field(default_factory=list)
    webhook_received: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "WebhookReceiver":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def statuses(self) -> list[str]:
        return [webhook.form["MessageStatus"] for webhook in self.webhooks if "MessageStatus" in webhook.form]

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, keep_blank_values=True))
                receiver.webhooks.append(ReceivedWebhook(receiver.url + self.path, dict(self.headers.items()), form))
                self._say(*receiver.response)
                receiver.webhook_received.set()

            def do_GET(self) -> None:
                content_type, content = receiver.files.get(self.path, ("", b""))
                self._say(200 if content_type else 404, content_type or "text/plain", content)

            def _say(self, status: int, content_type: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                if receiver.content_disposition:
                    self.send_header("Content-Disposition", receiver.content_disposition)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Do not log requests."""

        return Handler
