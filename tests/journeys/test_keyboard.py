"""The desk without a mouse."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey


def focused_element(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName"))


def hold_requests(page: Page, url: str) -> list[Route]:
    """Return a list of the requests for the URL, which wait until they are continued."""
    routes: list[Route] = []
    page.route(url, lambda route: routes.append(route))
    return routes


def test_an_agent_works_by_keyboard_alone(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_customer_conversations", count=2)
    app.start_server()
    page = open_page_as("dana")
    expect(page.locator("#rows .row")).to_have_count(2)

    page.keyboard.press("j")
    first = focused_element(page)
    page.keyboard.press("ArrowDown")
    assert focused_element(page) != first
    page.keyboard.press("k")
    assert focused_element(page) == first
    page.keyboard.press("Enter")
    expect(page.locator("#scroller")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.type("jkrn?")  # Shortcut letters are typed into the field with the focus.
    expect(page.locator("#reply-text")).to_have_value("jkrn?")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#do-transfer")).to_be_focused()

    page.keyboard.press("?")
    overview = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(overview).to_contain_text("Note for colleagues")
    page.keyboard.press("g")  # Shortcuts are disabled while a dialog is open.
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    expect(overview).to_have_count(0)
    expect(page.locator("#do-transfer")).to_be_focused()
    expect(page.locator("#tab-my")).to_have_attribute("aria-current", "page")
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.locator("#tab-closed")).to_have_attribute("aria-current", "page")


def test_n_pressed_while_a_conversation_opens_writes_a_note(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_shop")
    app.call("create_customer_conversations", count=1)
    app.start_server()
    page = open_page_as("dana")
    requests = hold_requests(page, "**/desk/conversations/*/")
    page.keyboard.press("j")
    with page.expect_request("**/desk/conversations/*/"):
        page.keyboard.press("Enter")
    page.keyboard.press("n")
    requests.pop().continue_()
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Angry, call her")
    page.keyboard.press("Enter")
    expect(page.locator("#thread .note")).to_contain_text("Angry, call her")
    expect(page.locator("#note-text")).to_be_focused()
    assert app.call("list_replies") == []


def test_a_note_keeps_the_focus_when_a_reply_was_sent_before(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_shop")
    app.call("create_customer_conversations", count=1)
    app.start_server()
    page = open_page_as("dana")
    page.locator(".row", has_text="Customer 0").click()
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.type("One moment")
    requests = hold_requests(page, "**/reply/")
    with page.expect_request("**/reply/"):
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    requests.pop().continue_()
    expect(page.locator("#undo")).to_be_visible()
    expect(page.locator("#note-text")).to_be_focused()


def test_single_key_shortcuts_can_be_disabled(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.start_server()
    page = open_page_as("dana")
    page.goto("/desk/preferences/")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="saved")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_have_count(0)
    page.locator("summary", has_text="account").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.locator("#shortcuts")).to_contain_text("turned off in your preferences")
