"""Whoever starts the server for the first time becomes its administrator, by the link that it prints."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.desk import Desk
from tests.processes.programs import wait_until

pytestmark = pytest.mark.journey

PHONE = {"viewport": {"width": 390, "height": 844}}
SECRET = "a long enough one 7"


def start(desk: Desk) -> str:
    """Start the server; what it has printed when it is there."""
    server = desk.serve("--no-worker")
    wait_until(lambda: "Ctrl-C stops it" in server.printed(), 10, "the server says where it is")
    return server.printed()


def type_in(page: Page, *texts: str) -> None:
    """Fill the fields one after the other and send them, by keyboard alone."""
    for text in texts:
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def test_the_first_administrator_is_created_on_a_phone_by_keyboard(desk: Desk, someone: Callable[..., Page]) -> None:
    printed = start(desk)
    link = re.search(r"http\S+/setup/\S+/", printed)
    assert link, printed
    page = someone(**PHONE)
    page.goto(link[0])
    type_in(page, "Ada", "Moreau", "ada", "password", "password")
    expect(page.get_by_text("This password is too common.")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    type_in(page, SECRET, SECRET)
    expect(page.get_by_role("heading", name="Administration")).to_be_visible()
    page.goto(link[0])
    expect(page.get_by_text("An administrator exists already.")).to_be_visible()


def test_a_server_with_an_administrator_prints_no_link(desk: Desk) -> None:
    desk.ask("hire", name="Ada", role="Administrator")
    assert "/setup/" not in start(desk)
