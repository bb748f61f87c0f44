"""A first visit is light, and speaks to nobody but the desk itself."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.journeys.weight import first_visit
from tests.processes.desk import Desk

pytestmark = pytest.mark.journey

MOST_KILOBYTES, MOST_REQUESTS = 150, 10


def test_inbox_and_conversation_are_light_and_ask_nobody_else(desk: Desk, browser: Browser) -> None:
    desk.ask("open_shop")
    pk = desk.ask("talk", messages=50)
    desk.ask("many_wait", conversations=30)
    session = desk.ask("sign_in", username="dana")
    desk.serve("--no-worker")
    for path in ("/desk/", "/desk/?view=open", f"/desk/conversations/{pk}/"):
        seen = first_visit(browser, desk.url, path, session)
        assert seen.kilobytes < MOST_KILOBYTES, (path, seen.kilobytes)
        assert len(seen.addresses) <= MOST_REQUESTS, seen.addresses
        assert seen.hosts == {urlsplit(desk.url).netloc}
