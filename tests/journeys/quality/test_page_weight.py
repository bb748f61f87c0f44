"""A first visit is light and contacts no other host."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.quality.page_weight import SETTLE_MILLISECONDS, measure_first_visit
from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

MAX_KILOBYTES, MAX_REQUESTS = 150, 10


def settle_after_all_events(app: AppInstance) -> Callable[[Page], None]:
    """Wait until the page has received all events and fetched the fragments they cause."""

    def settle(page: Page) -> None:
        app.call("publish_unrelated_event", username="dana")
        page.wait_for_function("() => receivedEvents.includes('typing')")
        page.clock.run_for(SETTLE_MILLISECONDS)
        page.evaluate("document.title")  # All requests of the page are known by now.

    return settle


def test_inbox_and_conversation_stay_within_size_limits_and_load_no_third_party(
    app: AppInstance, browser: Browser
) -> None:
    app.call("create_shop")
    for unread in (1, 6):  # Both pages show it in the tab's icon, because the other conversation stays unread.
        pk = app.call("create_long_conversation", messages=50, unread=unread)
    app.call("create_waiting_conversations", conversations=30)
    session = app.call("sign_in", username="dana")
    app.start_server("--no-worker")
    for path in ("/desk/", "/desk/?view=open", f"/desk/conversations/{pk}/"):
        visit = measure_first_visit(browser, app.url, path, session, wait_until_settled=settle_after_all_events(app))
        assert visit.kilobytes < MAX_KILOBYTES, (path, visit.kilobytes)
        assert len(visit.urls) <= MAX_REQUESTS, visit.urls
        assert visit.hosts == {urlsplit(app.url).netloc}
