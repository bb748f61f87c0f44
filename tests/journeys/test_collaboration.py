"""Agents transfer and consult, and a supervisor monitors and joins, in three browsers."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey


@pytest.fixture
def pages(app: AppInstance, open_page_as: Callable[..., Page]) -> dict[str, Page]:
    """Return the pages of Dana and Omar, who are agents, and Sue, their supervisor."""
    app.call("create_shop")
    app.call("create_team_member", name="Omar", role="Agent")
    app.call("create_team_member", name="Sue", role="Supervisor")
    app.start_server()
    return {name: open_page_as(name) for name in ("dana", "omar", "sue")}


def open_conversation(page: Page, customer: str, view: str = "my") -> None:
    page.goto(f"/desk/?view={view}")
    page.locator(".row", has_text=customer).click()
    expect(page.locator("#conversation-header h1")).to_have_text(customer)


def choose_in_dialog(page: Page, button: str, colleague: str) -> None:
    page.locator("#conversation-header").get_by_role("button", name=button, exact=True).click()
    page.locator("#dialog .choice-row", has_text=colleague).click()


def confirm_dialog(page: Page, button: str) -> None:
    page.locator("#dialog").get_by_role("button", name=button, exact=True).click()


def write_note(page: Page, text: str) -> None:
    page.locator(".mode-switch", has_text="Note").get_by_text("Note").click()
    page.get_by_role("textbox", name="Note").fill(text)
    page.get_by_role("button", name="Add note").click()


def test_a_colleague_is_mentioned_by_keyboard_and_a_wrong_name_is_pointed_out(
    app: AppInstance, pages: dict[str, Page]
) -> None:
    dana = pages["dana"]
    app.call("create_customer_conversations", count=1)
    open_conversation(dana, "Customer 0")
    dana.locator(".mode-switch", has_text="Note").get_by_text("Note").click()
    field, choices = dana.locator("#note-text"), dana.locator("#mention-list").get_by_role("option")
    field.press_sequentially("For @")
    expect(choices).to_have_count(2)
    dana.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", str(choices.nth(1).get_attribute("id")))
    dana.keyboard.type("om")
    expect(choices).to_have_count(1)
    dana.keyboard.press("Enter")
    expect(field).to_have_value("For @Omar ")
    expect(choices.first).to_be_hidden()
    dana.keyboard.type("and @omarr")
    dana.get_by_role("button", name="Add note").click()
    expect(dana.locator("#note-error")).to_contain_text("Nobody is called @omarr.")
    expect(field).to_have_value("For @Omar and @omarr")
    dana.get_by_role("button", name="Add anyway").click()
    expect(dana.locator("#thread .note")).to_contain_text("Note for @Omar")
    expect(dana.locator("#note-error")).to_be_empty()


def test_a_conversation_is_passed_on_with_a_reason_between_two_agents(app: AppInstance, pages: dict[str, Page]) -> None:
    dana, omar = pages["dana"], pages["omar"]
    app.call("create_customer_conversations", count=1)
    open_conversation(dana, "Customer 0")
    write_note(dana, "@omar the same batch again")
    expect(dana.locator("#thread .note")).to_contain_text("Note for @Omar")
    expect(dana.get_by_role("textbox", name="Note")).to_have_value("")
    expect(omar.locator(".row .mention")).to_be_visible()

    choose_in_dialog(dana, "Transfer", "Omar")
    dana.locator("#dialog").get_by_label("Reason").fill("Knows the batch.")
    dana.context.set_offline(True)
    confirm_dialog(dana, "Transfer")
    dialog_button = dana.locator("#dialog").get_by_role(
        "button", name="Try again"
    )  # Behind the dialog it could not be clicked.
    expect(dialog_button).to_be_visible()
    dana.context.set_offline(False)
    dialog_button.click()
    expect(dana.locator("#dialog")).to_have_count(0)
    expect(dana.locator("#conversation-header")).to_contain_text("with Omar")

    open_conversation(omar, "Customer 0")
    expect(omar.locator("#conversation-header")).to_contain_text("with you")
    expect(omar.locator("#thread")).to_contain_text("Dana transferred the conversation to Omar: Knows the batch.")
    expect(omar.locator(".row .mention")).to_have_count(0)
    omar.get_by_role("textbox", name="Message").fill("I take care of it.")
    omar.get_by_role("button", name="Send").click()
    expect(dana.locator("#thread")).to_contain_text("I take care of it.")


def test_a_note_that_is_not_written_yet_comes_back_with_its_conversation(
    app: AppInstance, pages: dict[str, Page]
) -> None:
    dana = pages["dana"]
    app.call("create_customer_conversations", count=2)
    open_conversation(dana, "Customer 0")
    dana.locator(".mode-switch").get_by_text("Note").click()
    dana.get_by_role("textbox", name="Note").fill("Second broken")
    dana.locator(".row", has_text="Customer 1").click()
    expect(dana.locator("#conversation-header h1")).to_have_text("Customer 1")
    expect(dana.get_by_role("textbox", name="Note")).to_be_hidden()
    dana.locator(".row", has_text="Customer 0").click()
    expect(dana.get_by_role("textbox", name="Note")).to_have_value("Second broken")


def test_a_dialog_is_left_with_escape_and_does_nothing(app: AppInstance, pages: dict[str, Page]) -> None:
    dana = pages["dana"]
    app.call("create_customer_conversations", count=1)
    open_conversation(dana, "Customer 0")
    dana.locator("#do-transfer").press("Enter")
    expect(dana.locator("#dialog [name=to]").first).to_be_focused()
    dana.keyboard.press("Escape")
    expect(dana.locator("#dialog")).to_have_count(0)
    expect(dana.locator("#do-transfer")).to_be_focused()
    expect(dana.locator("#conversation-header")).to_contain_text("with you")


def test_a_supervisor_assigns_over_capacity_monitors_and_joins(app: AppInstance, pages: dict[str, Page]) -> None:
    omar, sue = pages["omar"], pages["sue"]
    app.call("set_all_capacities", units=20)
    app.call("create_waiting_conversation", name="Amara Diallo", text="Is anybody there?")
    open_conversation(sue, "Amara Diallo", "open")
    choose_in_dialog(sue, "Assign", "Omar")
    over = re.compile("Over capacity: 30 needed, 20 free")
    expect(sue.locator("#dialog .choice-row", has_text="Omar")).to_have_text(over)
    confirm_dialog(sue, "Assign")
    expect(sue.locator("#conversation-header")).to_contain_text("with Omar")

    open_conversation(omar, "Amara Diallo")
    expect(omar.locator("#thread")).to_contain_text("over capacity (30 units needed, 20 free)")
    sue.get_by_role("button", name="Monitor").click()
    expect(sue.locator("#composer")).to_contain_text("You are monitoring Omar. No one is notified.")
    sue.get_by_role("button", name="Join").click()
    expect(omar.locator("#thread")).to_contain_text("Sue joined the conversation with Omar.")
    write_note(sue, "Offer a voucher.")
    expect(omar.locator("#thread .note")).to_contain_text("Offer a voucher.")
    expect(omar.locator("#participants")).to_contain_text("Sue")
