"""The setup link that the server prints at its first start creates the first administrator."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance
from tests.processes.support.managed_process import wait_until

pytestmark = pytest.mark.journey

PHONE_VIEWPORT = {"viewport": {"width": 390, "height": 844}}
STRONG_PASSWORD = "a long secret one 7"


def start_server(app: AppInstance) -> str:
    """Start the server and return its output."""
    server = app.start_server("--no-worker")
    wait_until(lambda: "press Ctrl-C to stop" in server.read_output(), 10, "the server says where it is")
    return server.read_output()


def fill_by_keyboard(page: Page, *texts: str) -> None:
    """Fill the fields in order and submit the form, with the keyboard only."""
    for text in texts:
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def test_the_first_administrator_is_created_on_a_phone_by_keyboard(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    read_output = start_server(app)
    link = re.search(r"http\S+/setup/\S+/", read_output)
    assert link, read_output
    page = open_page_as(**PHONE_VIEWPORT)
    page.goto(link[0])
    fill_by_keyboard(page, "Ada", "Moreau", "ada", "password", "password")
    expect(page.get_by_text("This password is too common.")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    fill_by_keyboard(page, STRONG_PASSWORD, STRONG_PASSWORD)
    expect(page.get_by_role("heading", name="Administration")).to_be_visible()
    page.goto(link[0])
    expect(page.get_by_text("An administrator already exists.")).to_be_visible()


def test_a_server_with_an_administrator_prints_no_link(app: AppInstance) -> None:
    app.call("create_team_member", name="Ada", role="Administrator")
    assert "/setup/" not in start_server(app)
