"""The main journey of the desk through nginx: a customer writes, an agent answers."""

import http.client
import re
from typing import Any
from urllib.parse import urlencode

from tests.processes.support.app_instance import START_TIMEOUT
from tests.processes.support.event_stream_client import EventStreamClient
from tests.processes.support.managed_process import wait_until
from tests.processes.support.production_stack import ProductionStack
from tests.processes.support.webhook_sender import build_text_form, close_connection, post_signed_form

CUSTOMER_ADDRESS = "whatsapp:+4915114000000"


class Journey:
    """A customer who writes to Dana, and Dana who reads and answers on her page."""

    def __init__(self, stack: ProductionStack) -> None:
        self._stack, self._shop = stack, stack.call("create_shop")
        stack.call("create_customer_conversations", count=1)
        self._session = str(stack.call("sign_in", username="dana"))

    def receive(self, text: str) -> int:
        """Let the customer write; return the status that Twilio gets."""
        form = build_text_form(self._shop, 0, text) | {"From": CUSTOMER_ADDRESS, "WaId": "4915114000000"}
        status = post_signed_form(self._stack.url, f"/webhooks/whatsapp/{self._shop['key']}/inbound/", form)
        close_connection()
        return status

    def open_stream(self, position: int | None = None) -> EventStreamClient:
        """Open the page's event stream; with `position` as after an interruption."""
        stream = EventStreamClient(self._stack.port, self._session, position=position)
        assert stream.next_event() == "hello"
        return stream

    def request(
        self, method: str, path: str, form: dict[str, str] | None = None, cookies: str = ""
    ) -> tuple[int, str, str]:
        """Send a request of Dana's browser; return status, body and the cookie against forgery."""
        connection = http.client.HTTPConnection("127.0.0.1", self._stack.port, timeout=30)
        headers = {
            "Cookie": f"sessionid={self._session}; {cookies}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self._stack.url,
        }
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        body, cookie = answer.read().decode(), re.findall(r"csrftoken=\w+", str(answer.headers))
        connection.close()
        return answer.status, body, cookie[0] if cookie else ""

    def read_page(self) -> str:
        """Return the page of the conversation."""
        status, body, _ = self.request("GET", self._path)
        assert status == 200
        return body

    def reply(self, text: str) -> int:
        """Answer from the page without its script; return the status, which is a redirect to the page."""
        _, body, cookie = self.request("GET", self._path)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', body)[0]
        form = {"csrfmiddlewaretoken": token, "text": text}
        return self.request("POST", f"{self._path}reply/", form, cookie)[0]

    @property
    def _path(self) -> str:
        return f"/desk/conversations/{self._stack.call('newest_conversation_id')}/"

    def assert_works(self, text: str) -> None:
        """Walk the main journey: webhook in, the page is told and shows it, the reply reaches the customer."""
        with self.open_stream() as stream:
            assert self.receive(f"Question {text}") == 200
            assert stream.next_event() == "hint"
        assert f"Question {text}" in self.read_page()
        assert self.reply(f"Answer {text}") == 302
        wait_until(lambda: f"Answer {text}" in self._bodies("list_twilio_messages"), START_TIMEOUT, "Twilio has it")
        wait_until(lambda: self._is_delivered(f"Answer {text}"), START_TIMEOUT, "callbacks say that it is delivered")

    def _bodies(self, function: str) -> list[str]:
        return [message["body"] for message in self._stack.call(function)]

    def _is_delivered(self, text: str) -> bool:
        replies: list[dict[str, Any]] = self._stack.call("list_replies")
        return any(reply["body"] == text and reply["status"] in {"delivered", "read"} for reply in replies)
