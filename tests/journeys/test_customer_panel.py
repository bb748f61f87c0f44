"""The customer panel in a browser: fields, history, merge and lost access."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey


@pytest.fixture
def dana_page(app: AppInstance, open_page_as: Callable[..., Page]) -> Page:
    """Return Dana's page with the conversation of a returning customer open."""
    app.call("create_shop")
    pk = app.call("create_returning_customer")
    app.start_server()
    page = open_page_as("dana")
    page.goto(f"/desk/conversations/{pk}/")
    expect(page.locator("#customer-details")).to_contain_text("Additional details")
    return page


def toggle_section(page: Page, title: str) -> None:
    page.locator(".panel-section summary", has_text=title).click()


def test_earlier_conversation_is_read_while_composing(dana_page: Page) -> None:
    dana_page.get_by_role("textbox", name="Message").fill("One moment")
    toggle_section(dana_page, "Other conversations")
    dana_page.locator(".previous-conversations a", has_text="My lamp is broken").click()
    history_panel = dana_page.locator("#conversation-preview")
    expect(history_panel).to_contain_text("My lamp is broken")
    expect(dana_page.locator("#conversation-preview-title")).to_be_focused()
    expect(dana_page.get_by_role("textbox", name="Message")).to_have_value("One moment")
    dana_page.keyboard.press("Escape")
    expect(history_panel).to_be_empty()
    expect(dana_page.locator(".previous-conversations a", has_text="My lamp is broken")).to_be_focused()

    toggle_section(dana_page, "Notes")
    expect(dana_page.locator(".customer-notes")).to_contain_text("Third lamp")
    dana_page.reload()
    expect(dana_page.locator(".customer-notes")).to_contain_text("Third lamp")  # A section that was open opens again.


def test_contact_field_is_edited_inline(dana_page: Page) -> None:
    field = dana_page.get_by_label("Customer number")
    field.fill("none")
    field.press("Enter")
    expect(dana_page.locator("#field-customer_number-error")).to_contain_text("Enter a number")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("4711")
    field.press("Enter")
    expect(dana_page.locator("#field-customer_number-error")).to_have_count(0)
    expect(dana_page.locator("#thread")).to_contain_text("set Customer number to “4711”.")
    expect(field).to_have_value("4711")


def test_contacts_are_merged_and_unmerged(dana_page: Page) -> None:
    dana_page.get_by_role("button", name="Merge with another contact").click()
    dana_page.get_by_label("Name or number of the other contact").fill("diallo lamps")
    dana_page.locator(".merge-candidates a", has_text="Diallo Lamps Ltd").click()
    expect(dana_page.locator(".merge-comparison")).to_contain_text("+49 1512 2222222")
    dana_page.get_by_role("button", name="Merge", exact=True).click()
    expect(dana_page.locator("#thread")).to_contain_text("An invoice, please")
    expect(dana_page.locator("#customer-details")).to_contain_text("Diallo Lamps Ltd")
    dana_page.get_by_role("button", name="Undo", exact=True).click()
    expect(dana_page.locator("#thread")).to_contain_text("undid the merge with Diallo Lamps Ltd")
    expect(dana_page.locator("#thread")).not_to_contain_text("An invoice, please")


def test_conversation_is_exported_with_notes(dana_page: Page) -> None:
    dana_page.locator("summary", has_text="Export conversation").click()
    with dana_page.expect_download() as text:
        dana_page.get_by_role("button", name="As text").click()
    assert text.value.suggested_filename.endswith(".txt")
    assert "Amara Diallo: It is me again" in text.value.path().read_text()


def test_consulted_agent_is_told_when_the_conversation_closes(
    app: AppInstance, dana_page: Page, open_page_as: Callable[..., Page]
) -> None:
    address = dana_page.url
    app.call("create_team_member", name="Omar", role="Agent")
    app.call("consult_in_other_queue", colleague="omar")
    omar = open_page_as("omar")
    omar.goto(address)
    expect(omar.locator("#conversation-header h1")).to_have_text("Amara Diallo")
    app.call("close_active_conversations")
    expect(omar.locator("#main")).to_contain_text("This conversation is closed. You were only consulted.")
    expect(omar.locator("#main")).to_be_focused()
    omar.get_by_role("link", name="Back to inbox").click()
    expect(omar.locator("#list")).to_be_visible()
