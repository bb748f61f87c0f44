"""What is known of a customer, beside the conversation: filled in, read, merged, taken away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.desk import AppInstance

pytestmark = pytest.mark.journey


@pytest.fixture
def dana(desk: AppInstance, someone: Callable[..., Page]) -> Page:
    """Dana, with a regular customer's conversation before her."""
    desk.call("create_shop")
    pk = desk.call("create_returning_customer")
    desk.start_server()
    page = someone("dana")
    page.goto(f"/desk/conversations/{pk}/")
    expect(page.locator("#about")).to_contain_text("Additional details")
    return page


def toggle_section(page: Page, title: str) -> None:
    page.locator(".pane-fold summary", has_text=title).click()


def test_earlier_conversation_is_read_while_composing(dana: Page) -> None:
    dana.get_by_role("textbox", name="Message").fill("One moment")
    toggle_section(dana, "Other conversations")
    dana.locator(".former a", has_text="My lamp is broken").click()
    beside = dana.locator("#beside")
    expect(beside).to_contain_text("My lamp is broken")
    expect(dana.locator("#beside-title")).to_be_focused()
    expect(dana.get_by_role("textbox", name="Message")).to_have_value("One moment")
    dana.keyboard.press("Escape")
    expect(beside).to_be_empty()
    expect(dana.locator(".former a", has_text="My lamp is broken")).to_be_focused()

    toggle_section(dana, "Notes")
    expect(dana.locator(".pane-notes")).to_contain_text("Third lamp")
    dana.reload()
    expect(dana.locator(".pane-notes")).to_contain_text("Third lamp")  # a section that was open opens again


def test_contact_field_is_edited_inline(dana: Page) -> None:
    field = dana.get_by_label("Customer number")
    field.fill("none")
    field.press("Enter")
    expect(dana.locator("#field-customer_number-error")).to_contain_text("Enter a number")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("4711")
    field.press("Enter")
    expect(dana.locator("#field-customer_number-error")).to_have_count(0)
    expect(dana.locator("#thread")).to_contain_text("set Customer number to “4711”.")
    expect(field).to_have_value("4711")


def test_contacts_are_merged_and_unmerged(dana: Page) -> None:
    dana.get_by_role("button", name="Merge with another contact").click()
    dana.get_by_label("Name or number of the other contact").fill("diallo lamps")
    dana.locator(".found a", has_text="Diallo Lamps Ltd").click()
    expect(dana.locator(".side-by-side")).to_contain_text("+49 1512 2222222")
    dana.get_by_role("button", name="Merge", exact=True).click()
    expect(dana.locator("#thread")).to_contain_text("An invoice, please")
    expect(dana.locator("#about")).to_contain_text("Diallo Lamps Ltd")
    dana.get_by_role("button", name="Undo", exact=True).click()
    expect(dana.locator("#thread")).to_contain_text("parted this customer from Diallo Lamps Ltd again")
    expect(dana.locator("#thread")).not_to_contain_text("An invoice, please")


def test_conversation_is_exported_with_notes(dana: Page) -> None:
    dana.locator("summary", has_text="Export this conversation").click()
    with dana.expect_download() as text:
        dana.get_by_role("button", name="As text").click()
    assert text.value.suggested_filename.endswith(".txt")
    assert "Amara Diallo: It is me again" in text.value.path().read_text()


def test_consulted_agent_is_told_when_the_conversation_closes(
    desk: AppInstance, dana: Page, someone: Callable[..., Page]
) -> None:
    address = dana.url
    desk.call("create_team_member", name="Omar", role="Agent")
    desk.call("consult_in_other_queue", colleague="omar")
    omar = someone("omar")
    omar.goto(address)
    expect(omar.locator("#head h1")).to_have_text("Amara Diallo")
    desk.call("close_active_conversations")
    expect(omar.locator("#main")).to_contain_text("This conversation is closed; you were only asked into it.")
    expect(omar.locator("#main")).to_be_focused()
    omar.get_by_role("link", name="Back to the inbox").click()
    expect(omar.locator("#list")).to_be_visible()
