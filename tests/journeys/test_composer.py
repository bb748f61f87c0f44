"""The composer in a browser: keyboard, files, lost connection, and two tabs."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.support.app_instance import AppInstance
from tests.processes.support.managed_process import wait_until

pytestmark = pytest.mark.journey

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def picture_upload(name: str) -> dict[str, object]:
    return {"name": name, "mimeType": "image/png", "buffer": PNG}


@pytest.fixture
def dana_page(app: AppInstance, open_page_as: Callable[..., Page]) -> Page:
    """Return Dana's page with one customer's conversation open."""
    app.call("create_shop")
    app.call("create_team_member", name="Omar", role="Agent")
    app.call("create_customer_conversations", count=1)
    app.call("create_quick_replies")
    app.start_server()
    page = open_page_as("dana")
    open_first_conversation(page)
    return page


def open_first_conversation(page: Page) -> None:
    page.goto("/desk/")
    page.locator(".row", has_text="Customer 0").click()
    expect(page.locator("#conversation-header h1")).to_have_text("Customer 0")


def reply_field(page: Page) -> Locator:
    return page.locator("#reply-text")


def test_a_reply_is_written_by_keyboard_with_quick_replies_and_formatting(app: AppInstance, dana_page: Page) -> None:
    reply_field(dana_page).press_sequentially("/q #hel")
    options = dana_page.locator("#command-palette").get_by_role("option")
    expect(options).to_have_count(2)
    app.call("send_from_customer", index=0, text="Are you there?")
    expect(dana_page.locator("#thread")).to_contain_text("Are you there?")
    expect(options).to_have_count(2)
    expect(options.nth(1)).to_contain_text("Hallo Customer 0, hier ist Dana.")
    dana_page.keyboard.press("ArrowDown")
    expect(reply_field(dana_page)).to_have_attribute("aria-activedescendant", str(options.nth(1).get_attribute("id")))
    dana_page.keyboard.press("ArrowUp")
    dana_page.keyboard.press("Enter")
    expect(reply_field(dana_page)).to_have_value("Hello Customer 0, Dana here.")

    reply_field(dana_page).fill("")
    reply_field(dana_page).press_sequentially("/q begrus")  # written "Begrüßung"
    expect(options).to_have_count(1)
    reply_field(dana_page).fill("")
    reply_field(dana_page).press_sequentially("/q dana")  # a name that is filled in is not searched
    expect(options).to_have_count(0)

    reply_field(dana_page).fill("")
    reply_field(dana_page).press_sequentially("/q label")
    dana_page.keyboard.press("Tab")
    expect(dana_page.locator("#reply-error")).to_contain_text("Replace {LastName{Agent}} before sending")
    dana_page.keyboard.type("Kim")  # The next placeholder is selected.
    expect(reply_field(dana_page)).to_have_value("The label is on its way, Kim.")

    dana_page.keyboard.press("Control+a")
    dana_page.keyboard.press("Control+b")
    expect(dana_page.locator("#reply-preview strong")).to_have_text("The label is on its way, Kim.")
    dana_page.reload()
    expect(reply_field(dana_page)).to_have_value("*The label is on its way, Kim.*")
    expect(dana_page.locator("#reply-preview strong")).to_be_visible()
    dana_page.keyboard.press("r")
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#thread .out strong")).to_have_text("The label is on its way, Kim.")
    expect(reply_field(dana_page)).to_have_value("")


def test_commands_open_notes_and_dialogs(dana_page: Page) -> None:
    options = dana_page.locator("#command-palette").get_by_role("option")
    reply_field(dana_page).press_sequentially("/i")
    expect(options.first).to_contain_text("Internal")
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#note-text")).to_be_focused()
    dana_page.keyboard.type("/t")
    expect(options.first).to_contain_text("Transfer")
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#dialog")).to_be_visible()
    dana_page.keyboard.press("Escape")
    expect(dana_page.locator("#dialog")).to_be_hidden()


def test_signing_out_deletes_drafts(dana_page: Page) -> None:
    drafts = "Object.keys(localStorage).filter((key) => key.startsWith('draft-')).length"
    reply_field(dana_page).fill("A secret")
    assert dana_page.evaluate(drafts) == 1
    dana_page.locator("details.menu summary", has_text="account").click()
    dana_page.get_by_role("button", name="Sign out").click()
    dana_page.wait_for_url("**/sign-in/**")
    assert dana_page.evaluate(drafts) == 0


def test_files_go_out_in_their_order_and_come_back_with_undo(app: AppInstance, dana_page: Page) -> None:
    dana_page.locator(".attach input").set_input_files([picture_upload("a.png"), picture_upload("b.png")])  # type: ignore[arg-type]
    expect(dana_page.locator("#files img")).to_have_count(2)
    dana_page.locator("#files").get_by_role("button", name="Remove b.png").click()
    dana_page.locator(".attach input").set_input_files([picture_upload("c.png")])  # type: ignore[arg-type]
    reply_field(dana_page).fill("Both")
    dana_page.keyboard.press("Enter")
    dana_page.get_by_role("button", name="Undo").click(delay=0)
    expect(reply_field(dana_page)).to_have_value("Both")
    expect(reply_field(dana_page)).to_be_focused()
    expect(dana_page.locator("#files li")).to_have_count(2)
    expect(dana_page.locator("#thread .msg")).to_have_count(0)
    assert app.call("list_replies") == []

    dana_page.locator("#open-emoji").click()
    dana_page.get_by_role("searchbox", name="Find an emoji").fill("daumen hoch")
    dana_page.keyboard.press("Enter")
    expect(reply_field(dana_page)).to_have_value("Both👍")
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#thread .out")).to_have_count(2)
    expect(dana_page.locator("#undo")).to_have_count(0)
    wait_until(lambda: len(app.call("list_twilio_messages")) == 2, 20, "Twilio has both")
    assert [message["body"] for message in app.call("list_twilio_messages")] == ["Both👍", ""]


def test_nothing_typed_is_lost_without_a_connection_or_with_the_conversation(app: AppInstance, dana_page: Page) -> None:
    reply_field(dana_page).fill("Said in a tunnel")
    dana_page.context.set_offline(True)
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#notice")).to_contain_text("No connection. Your text is kept.")
    dana_page.locator(".attach input").set_input_files([picture_upload("a.png")])  # type: ignore[arg-type]
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#files")).to_contain_text("No connection.")
    expect(reply_field(dana_page)).to_have_value("Said in a tunnel")
    dana_page.context.set_offline(False)
    reply_field(dana_page).press("Enter")
    expect(dana_page.locator("#thread .out")).to_contain_text("Said in a tunnel")
    expect(dana_page.locator("#notice")).to_be_hidden()  # The old error is gone.
    expect(dana_page.locator("#thread .out")).to_have_count(1)

    second_page = dana_page.context.new_page()
    second_page.goto(dana_page.url)
    reply_field(dana_page).fill("Half a sentence")
    expect(reply_field(second_page)).to_have_value("Half a sentence")
    second_page.close()
    app.call("reassign_all", username="omar")
    expect(dana_page.locator("#composer")).to_contain_text("Assigned to Omar.")
    expect(dana_page.locator(".unsent-text textarea")).to_have_value("Half a sentence")
    dana_page.reload()
    expect(dana_page.locator(".unsent-text textarea")).to_have_value("Half a sentence")
    app.call("reassign_all", username="dana")
    expect(reply_field(dana_page)).to_have_value("Half a sentence")


def test_colleagues_reply_warns_the_composer_and_customer_sees_typing(
    app: AppInstance, dana_page: Page, open_page_as: Callable[..., Page]
) -> None:
    app.call("send_from_new_customer", name="Amara Diallo", text="Is anybody there?")
    dana_page.get_by_role("button", name="Accept").click()
    expect(dana_page.locator("#conversation-header h1")).to_have_text("Amara Diallo")
    dana_page.locator("#thread .in [data-reply-to]").click()
    expect(dana_page.locator("#reply-quote")).to_contain_text("Is anybody there?")
    reply_field(dana_page).press_sequentially("I am")
    wait_until(lambda: app.call("is_typing_shown_to", name="Amara Diallo"), 20, "the customer sees that somebody types")

    omar = open_page_as("omar")
    omar.goto(dana_page.url)
    omar.locator(".mode-switch").get_by_text("Note").click()
    omar.get_by_role("textbox", name="Note").fill("She has written to me already.")
    expect(dana_page.locator("#viewers")).to_contain_text("Omar is typing")
    omar.keyboard.press("Enter")
    expect(dana_page.locator("#thread .note")).to_contain_text("already")

    reply_field(dana_page).press("Enter")
    expect(dana_page.locator("#reply-collision")).to_contain_text("She has written to me already.")
    dana_page.get_by_role("button", name="Review first").click()
    expect(reply_field(dana_page)).to_be_focused()
    dana_page.keyboard.press("Enter")
    expect(dana_page.locator("#thread .out:not(.note)")).to_contain_text(
        re.compile("Is anybody there.*I am", re.DOTALL)
    )
    expect(omar.locator("#thread .out .quote")).to_contain_text("Is anybody there?")
