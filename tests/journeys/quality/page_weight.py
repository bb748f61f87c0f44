"""The weight of a page on a first visit: all requests and bytes, as the browser counts them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

SETTLE_MILLISECONDS = 1500  # Requests after the load event start within this time.
RECORD_EVENTS_SCRIPT = """
  window.receivedEvents = [];
  window.EventSource = class extends EventSource {
    constructor(address) {
      super(address);
      this.addEventListener("hint", (event) => window.receivedEvents.push(JSON.parse(event.data).kind));
    }
  };
"""


@dataclass
class PageVisit:
    """The requests of a first visit and the bytes transferred, headers included."""

    urls: list[str] = field(default_factory=list)
    transferred_bytes: float = 0

    @property
    def kilobytes(self) -> float:
        return self.transferred_bytes / 1000

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(address).netloc for address in self.urls}


def wait_until_settled(page: Page) -> None:
    """Wait for requests that start after the load event."""
    page.wait_for_timeout(SETTLE_MILLISECONDS)


def measure_first_visit(
    browser: Browser,
    url: str,
    path: str,
    session: str,
    *,
    wait_until_settled: Callable[[Page], None] = wait_until_settled,
) -> PageVisit:
    """Open the page with this session in a browser with an empty cache."""
    context = browser.new_context(base_url=url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
    context.add_init_script(RECORD_EVENTS_SCRIPT)
    page, visit = context.new_page(), PageVisit()
    page.clock.install()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    received_bytes: dict[str, float] = {}

    def record_request(event: Any) -> None:
        if not event["request"]["url"].startswith("data:"):
            visit.urls.append(event["request"]["url"])

    def record_response(event: Any) -> None:
        received_bytes[event["requestId"]] = float(event["response"]["encodedDataLength"])

    def record_end(event: Any) -> None:
        received_bytes[event["requestId"]] = float(event["encodedDataLength"])

    protocol.on("Network.requestWillBeSent", record_request)
    protocol.on("Network.responseReceived", record_response)
    protocol.on("Network.loadingFinished", record_end)
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert answer.ok, answer.status
    wait_until_settled(page)
    context.close()
    visit.transferred_bytes = sum(received_bytes.values())
    return visit
