"""Writing, as people do it: by keyboard, with files, without a connection, and two at once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.desk import AppInstance
from tests.processes.programs import wait_until

pytestmark = pytest.mark.journey

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def picture_upload(name: str) -> dict[str, object]:
    return {"name": name, "mimeType": "image/png", "buffer": PNG}


@pytest.fixture
def dana(desk: AppInstance, someone: Callable[..., Page]) -> Page:
    """Dana, with one customer's conversation open."""
    desk.call("create_shop")
    desk.call("create_team_member", name="Omar", role="Agent")
    desk.call("create_customer_conversations", count=1)
    desk.call("create_quick_replies")
    desk.start_server()
    page = someone("dana")
    open_first_conversation(page)
    return page


def open_first_conversation(page: Page) -> None:
    page.goto("/desk/")
    page.locator(".row", has_text="Customer 0").click()
    expect(page.locator("#head h1")).to_have_text("Customer 0")


def reply_field(page: Page) -> Locator:
    return page.locator("#reply-text")


def test_a_reply_is_written_by_keyboard_with_quick_replies_commands_and_formatting(
    desk: AppInstance, dana: Page
) -> None:
    reply_field(dana).press_sequentially("/q #hel")
    options = dana.locator("#slash-list").get_by_role("option")
    expect(options).to_have_count(2)
    desk.call("send_from_customer", index=0, text="Are you there?")
    expect(dana.locator("#thread")).to_contain_text("Are you there?")
    expect(options).to_have_count(2)
    expect(options.nth(1)).to_contain_text("Hallo Customer 0, hier ist Dana.")
    dana.keyboard.press("ArrowDown")
    expect(reply_field(dana)).to_have_attribute("aria-activedescendant", str(options.nth(1).get_attribute("id")))
    dana.keyboard.press("ArrowUp")
    dana.keyboard.press("Enter")
    expect(reply_field(dana)).to_have_value("Hello Customer 0, Dana here.")

    reply_field(dana).fill("")
    reply_field(dana).press_sequentially("/q label")
    dana.keyboard.press("Tab")
    expect(dana.locator("#reply-error")).to_contain_text("Replace {LastName{Agent}} first")
    dana.keyboard.type("Kim")  # what is left to replace is selected
    expect(reply_field(dana)).to_have_value("The label is on its way, Kim.")

    dana.keyboard.press("Control+a")
    dana.keyboard.press("Control+b")
    expect(dana.locator("#as-seen strong")).to_have_text("The label is on its way, Kim.")
    dana.reload()
    expect(reply_field(dana)).to_have_value("*The label is on its way, Kim.*")
    expect(dana.locator("#as-seen strong")).to_be_visible()
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out strong")).to_have_text("The label is on its way, Kim.")
    expect(reply_field(dana)).to_have_value("")

    reply_field(dana).press_sequentially("/i")
    expect(options.first).to_contain_text("Internal")
    dana.keyboard.press("Enter")
    expect(dana.locator("#note-text")).to_be_focused()
    dana.keyboard.type("/t")
    expect(options.first).to_contain_text("Transfer")
    dana.keyboard.press("Enter")
    expect(dana.locator("#dialog")).to_be_visible()
    dana.keyboard.press("Escape")

    drafts = "Object.keys(localStorage).filter((key) => key.startsWith('draft-')).length"
    dana.locator(".write-switch").get_by_text("Public").click()
    reply_field(dana).fill("A secret")
    assert dana.evaluate(drafts) == 1
    dana.locator("details.menu summary", has_text="account").click()
    dana.get_by_role("button", name="Sign out").click()
    dana.wait_for_url("**/sign-in/**")
    assert dana.evaluate(drafts) == 0


def test_files_go_out_in_their_order_and_come_back_with_undo(desk: AppInstance, dana: Page) -> None:
    desk.call("enable_undo_send", username="dana")
    dana.reload()
    dana.locator(".attach input").set_input_files([picture_upload("a.png"), picture_upload("b.png")])  # type: ignore[arg-type]
    expect(dana.locator("#files img")).to_have_count(2)
    dana.locator("#files").get_by_role("button", name="Remove b.png").click()
    dana.locator(".attach input").set_input_files([picture_upload("c.png")])  # type: ignore[arg-type]
    reply_field(dana).fill("Both")
    dana.keyboard.press("Enter")
    dana.get_by_role("button", name="Undo").click(delay=0)
    expect(reply_field(dana)).to_have_value("Both")
    expect(reply_field(dana)).to_be_focused()
    expect(dana.locator("#files li")).to_have_count(2)
    expect(dana.locator("#thread .msg")).to_have_count(0)
    assert desk.call("list_replies") == []

    dana.locator("#open-emoji").click()
    dana.get_by_role("searchbox", name="Find an emoji").fill("daumen hoch")
    dana.keyboard.press("Enter")
    expect(reply_field(dana)).to_have_value("Both👍")
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out")).to_have_count(2)
    expect(dana.locator("#undo")).to_have_count(0)
    wait_until(lambda: len(desk.call("list_twilio_messages")) == 2, 20, "Twilio has both")
    assert [one["body"] for one in desk.call("list_twilio_messages")] == ["Both👍", ""]


def test_nothing_typed_is_lost_without_a_connection_or_with_the_conversation(desk: AppInstance, dana: Page) -> None:
    reply_field(dana).fill("Said in a tunnel")
    dana.context.set_offline(True)
    dana.keyboard.press("Enter")
    expect(dana.locator("#notice")).to_contain_text("No connection. Nothing you wrote is lost.")
    dana.locator(".attach input").set_input_files([picture_upload("a.png")])  # type: ignore[arg-type]
    dana.keyboard.press("Enter")
    expect(dana.locator("#files")).to_contain_text("No connection.")
    expect(reply_field(dana)).to_have_value("Said in a tunnel")
    dana.context.set_offline(False)
    reply_field(dana).press("Enter")
    expect(dana.locator("#thread .out")).to_contain_text("Said in a tunnel")
    expect(dana.locator("#thread .out")).to_have_count(1)

    beside = dana.context.new_page()
    beside.goto(dana.url)
    reply_field(dana).fill("Half a sentence")
    expect(reply_field(beside)).to_have_value("Half a sentence")
    beside.close()
    desk.call("reassign_all", username="omar")
    expect(dana.locator("#composer")).to_contain_text("Omar has this conversation.")
    expect(dana.locator(".unsent textarea")).to_have_value("Half a sentence")
    dana.reload()
    expect(dana.locator(".unsent textarea")).to_have_value("Half a sentence")
    desk.call("reassign_all", username="dana")
    expect(reply_field(dana)).to_have_value("Half a sentence")


def test_colleagues_reply_warns_the_composer_and_customer_sees_typing(
    desk: AppInstance, dana: Page, someone: Callable[..., Page]
) -> None:
    desk.call("send_from_new_customer", name="Amara Diallo", text="Is anybody there?")
    dana.get_by_role("button", name="Accept").click()
    expect(dana.locator("#head h1")).to_have_text("Amara Diallo")
    dana.locator("#thread .in [data-reply-to]").click()
    expect(dana.locator("#quoting")).to_contain_text("Is anybody there?")
    reply_field(dana).press_sequentially("I am")
    wait_until(
        lambda: desk.call("is_typing_shown_to", name="Amara Diallo"), 20, "the customer sees that somebody types"
    )

    omar = someone("omar")
    omar.goto(dana.url)
    omar.locator(".write-switch").get_by_text("Note").click()
    omar.get_by_role("textbox", name="Note").fill("She has written to me already.")
    expect(dana.locator("#viewers")).to_contain_text("Omar is writing")
    omar.keyboard.press("Enter")
    expect(dana.locator("#thread .note")).to_contain_text("already")

    reply_field(dana).press("Enter")
    expect(dana.locator("#meanwhile")).to_contain_text("She has written to me already.")
    dana.get_by_role("button", name="Look first").click()
    expect(reply_field(dana)).to_be_focused()
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out:not(.note)")).to_contain_text(re.compile("Is anybody there.*I am", re.DOTALL))
    expect(omar.locator("#thread .out .quote")).to_contain_text("Is anybody there?")
