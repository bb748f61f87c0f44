"""Templates in a browser: after the window has closed, and to start a conversation."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

WINDOW_CLOSED_TEXT = "This conversation has exceeded the 24 hour limit to respond to the customer."


def test_a_template_is_found_filled_in_sent_and_answered(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Ada", role="Administrator")
    app.call("create_customer_conversations", count=1)
    app.start_server()
    sync_templates(app, open_page_as("ada"))
    dana, phone = open_page_as("dana"), open_page_as()
    phone.goto("/simulator/")
    dana.get_by_role("link", name="Customer 0").click()
    expect(dana.get_by_label("Message", exact=True)).to_be_visible()

    phone.get_by_role("button", name="Skip 24 hours").click()
    expect(dana.locator(".window-exceeded")).to_have_text(WINDOW_CLOSED_TEXT)
    expect(dana.locator("#announce")).to_contain_text(WINDOW_CLOSED_TEXT)
    expect(dana.get_by_role("searchbox", name="Search templates")).to_be_focused()
    fill_template_by_keyboard(dana)
    dana.get_by_role("button", name="Send template").click()
    sent = dana.locator(".msg.out", has_text="Hi Customer, your order 2231 is on its way")
    expect(sent).to_contain_text("Another day")
    expect(phone.locator("#thread")).to_contain_text("your order 2231 is on its way and arrives on Friday.")
    expect(dana.get_by_role("searchbox", name="Search templates")).to_be_visible()

    phone.get_by_role("button", name="Another day").click()
    answer = dana.locator(".msg.in", has_text="Another day")
    expect(answer.locator(".quote")).to_contain_text("Hi Customer, your order 2231")
    expect(answer).to_contain_text("another_day")
    expect(dana.get_by_label("Message", exact=True)).to_be_visible()
    expect(dana.locator(".window-exceeded")).to_have_count(0)
    check_draft_restored(dana)
    check_template_dialog_keeps_reply(dana)
    start_conversation(dana)
    check_window_closes_on_time(app, dana)


def sync_templates(app: AppInstance, admin: Page) -> None:
    """Sync the templates as an administrator."""
    app.call("create_sample_templates")
    admin.goto("/admin/channels_whatsapp/messagetemplate/")
    admin.get_by_role("button", name="Sync templates").click()
    expect(admin.get_by_role("status").filter(has_text="13 message templates synced, 8 approved.")).to_be_visible()
    expect(admin.locator("#result_list")).to_contain_text("delivery_update")


def fill_template_by_keyboard(page: Page) -> None:
    """Search and fill in a template with the keyboard only, with the customer's first name as suggested."""
    search = page.get_by_role("searchbox", name="Search templates")
    expect(page.locator(".template-row")).to_have_count(13)
    search.press_sequentially("delivery german")
    expect(page.locator(".template-row")).to_have_count(1)
    search.fill("delivery english")
    expect(page.locator(".template-row")).to_contain_text("Hi {{1}}")
    search.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Variable 1")).to_be_focused()
    page.keyboard.type("wrong")
    preview = page.locator(".template-preview")
    expect(preview).to_contain_text("Hi wrong, your order {{2}}")
    page.get_by_role("button", name="Customer", exact=True).first.click()
    expect(preview).to_contain_text("Hi Customer, your order {{2}}")
    page.get_by_label("Variable 2").fill("2231")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Enter a value.")).to_be_visible()
    expect(page.get_by_label("Variable 3")).to_be_focused()
    expect(page.get_by_label("Variable 2")).to_have_value("2231")
    page.keyboard.type("on Friday")
    expect(preview).to_contain_text("Hi Customer, your order 2231 is on its way and arrives on Friday.")


def check_draft_restored(page: Page) -> None:
    """Check that the variables of a template are restored when the user returns."""
    page.get_by_role("button", name="Templates").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="back_to_you").click()
    expect(dialog.locator("[data-variable]:focus")).to_have_count(1)  # Text typed earlier goes there.
    dialog.get_by_label("Variable 2").fill("the shop")
    dialog.get_by_role("link", name="Other template").click()
    dialog.get_by_role("button", name="back_to_you").click()
    expect(dialog.get_by_label("Variable 2")).to_have_value("the shop")
    expect(dialog.locator(".template-preview")).to_contain_text("this is the shop of Lumen Lamps")
    page.keyboard.press("Escape")


def check_template_dialog_keeps_reply(page: Page) -> None:
    """Check that the template dialog inside the window keeps the reply's draft."""
    page.get_by_label("Message", exact=True).fill("One moment")
    page.get_by_role("button", name="Templates").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="opening_hours").click()
    dialog.get_by_role("button", name="Send template").click()
    expect(page.locator(".msg.out", has_text="We are open from 9 to 18")).to_be_visible()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_have_value("One moment")


def start_conversation(page: Page) -> None:
    """Start a conversation with a new number."""
    page.get_by_role("link", name="New conversation").click()
    page.get_by_label("To", exact=True).fill("0171 392000")
    page.get_by_role("button", name="opening_hours").click()
    page.get_by_role("button", name="Send template").click()
    expect(page.get_by_text("Start with + and the country code")).to_be_visible()
    page.get_by_label("To", exact=True).fill("0049 171 39200099")
    page.get_by_role("button", name="Send template").click()
    page.wait_for_url("**/desk/conversations/*/")
    expect(page.locator(".msg.out")).to_contain_text("We are open from 9 to 18")
    expect(page.get_by_text("Dana started the conversation from Shop.")).to_be_visible()


def check_window_closes_on_time(app: AppInstance, page: Page) -> None:
    """Check that the page closes the window on time without an event."""
    page.get_by_role("link", name="Customer 0").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    app.call("set_window_remaining", name="Customer 0", seconds=3)
    page.reload()
    expect(page.get_by_text("Reply within")).to_be_visible()
    expect(page.locator(".window-exceeded")).to_have_text(WINDOW_CLOSED_TEXT, timeout=6_000)
