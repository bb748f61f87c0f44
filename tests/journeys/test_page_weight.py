"""A first visit is light, and speaks to nobody but the desk itself."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.weight import SETTLES_MS, first_visit
from tests.processes.desk import Desk

pytestmark = pytest.mark.journey

MOST_KILOBYTES, MOST_REQUESTS = 150, 10


def heard_of_all(desk: Desk) -> Callable[[Page], None]:
    """The page has heard of everything until now, its own marks as read too, and has asked for what it wants to."""

    def settle(page: Page) -> None:
        desk.ask("somebody_types_elsewhere", username="dana")
        page.wait_for_function("() => heard.includes('typing')")
        page.clock.run_for(SETTLES_MS)
        page.evaluate("document.title")  # what the page has asked for is known by now

    return settle


def test_inbox_and_conversation_are_light_and_ask_nobody_else(desk: Desk, browser: Browser) -> None:
    desk.ask("open_shop")
    for unread in (1, 6):  # both say so in the tab's icon, for the other one stays unread
        pk = desk.ask("talk", messages=50, unread=unread)
    desk.ask("many_wait", conversations=30)
    session = desk.ask("sign_in", username="dana")
    desk.serve("--no-worker")
    for path in ("/desk/", "/desk/?view=open", f"/desk/conversations/{pk}/"):
        seen = first_visit(browser, desk.url, path, session, settle=heard_of_all(desk))
        assert seen.kilobytes < MOST_KILOBYTES, (path, seen.kilobytes)
        assert len(seen.addresses) <= MOST_REQUESTS, seen.addresses
        assert seen.hosts == {urlsplit(desk.url).netloc}
