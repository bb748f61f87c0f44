"""Writing, as people do it: by keyboard, with files, without a connection, and two at once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.desk import Desk
from tests.processes.programs import wait_until

pytestmark = pytest.mark.journey

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def picture(name: str) -> dict[str, object]:
    return {"name": name, "mimeType": "image/png", "buffer": PNG}


@pytest.fixture
def dana(desk: Desk, someone: Callable[..., Page]) -> Page:
    """Dana, with one customer's conversation open."""
    desk.ask("open_shop")
    desk.ask("hire", name="Omar", role="Agent")
    desk.ask("customers_write", count=1)
    desk.ask("quick_replies")
    desk.serve()
    page = someone("dana")
    open_first(page)
    return page


def open_first(page: Page) -> None:
    page.goto("/desk/")
    page.locator(".row", has_text="Customer 0").click()
    expect(page.locator("#head h1")).to_have_text("Customer 0")


def field(page: Page) -> Locator:
    return page.locator("#reply-text")


def test_a_reply_is_written_by_keyboard_with_quick_replies_commands_and_formatting(desk: Desk, dana: Page) -> None:
    field(dana).press_sequentially("/q #hel")
    options = dana.locator("#slash-list").get_by_role("option")
    expect(options).to_have_count(2)
    desk.ask("customer_writes_again", place=0, text="Are you there?")
    expect(dana.locator("#thread")).to_contain_text("Are you there?")
    expect(options).to_have_count(2)
    expect(options.nth(1)).to_contain_text("Hallo Customer 0, hier ist Dana.")
    dana.keyboard.press("ArrowDown")
    expect(field(dana)).to_have_attribute("aria-activedescendant", str(options.nth(1).get_attribute("id")))
    dana.keyboard.press("ArrowUp")
    dana.keyboard.press("Enter")
    expect(field(dana)).to_have_value("Hello Customer 0, Dana here.")

    field(dana).fill("")
    field(dana).press_sequentially("/q label")
    dana.keyboard.press("Tab")
    expect(dana.locator("#reply-error")).to_contain_text("Replace {LastName{Agent}} first")
    dana.keyboard.type("Kim")  # what is left to replace is selected
    expect(field(dana)).to_have_value("The label is on its way, Kim.")

    dana.keyboard.press("Control+a")
    dana.keyboard.press("Control+b")
    expect(dana.locator("#as-seen strong")).to_have_text("The label is on its way, Kim.")
    dana.reload()
    expect(field(dana)).to_have_value("*The label is on its way, Kim.*")
    expect(dana.locator("#as-seen strong")).to_be_visible()
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out strong")).to_have_text("The label is on its way, Kim.")
    expect(field(dana)).to_have_value("")

    field(dana).press_sequentially("/i")
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
    field(dana).fill("A secret")
    assert dana.evaluate(drafts) == 1
    dana.locator("details.menu summary", has_text="account").click()
    dana.get_by_role("button", name="Sign out").click()
    dana.wait_for_url("**/sign-in/**")
    assert dana.evaluate(drafts) == 0


def test_files_go_out_in_their_order_and_come_back_with_undo(desk: Desk, dana: Page) -> None:
    desk.ask("can_undo", username="dana")
    dana.reload()
    dana.locator(".attach input").set_input_files([picture("a.png"), picture("b.png")])  # type: ignore[arg-type]
    expect(dana.locator("#files img")).to_have_count(2)
    dana.locator("#files").get_by_role("button", name="Remove b.png").click()
    dana.locator(".attach input").set_input_files([picture("c.png")])  # type: ignore[arg-type]
    field(dana).fill("Both")
    dana.keyboard.press("Enter")
    dana.get_by_role("button", name="Undo").click(delay=0)
    expect(field(dana)).to_have_value("Both")
    expect(field(dana)).to_be_focused()
    expect(dana.locator("#files li")).to_have_count(2)
    expect(dana.locator("#thread .msg")).to_have_count(0)
    assert desk.ask("replies") == []

    dana.locator("#open-emoji").click()
    dana.get_by_role("searchbox", name="Find an emoji").fill("daumen hoch")
    dana.keyboard.press("Enter")
    expect(field(dana)).to_have_value("Both👍")
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out")).to_have_count(2)
    expect(dana.locator("#undo")).to_have_count(0)
    wait_until(lambda: len(desk.ask("taken_by_twilio")) == 2, 20, "Twilio has both")
    assert [one["body"] for one in desk.ask("taken_by_twilio")] == ["Both👍", ""]


def test_nothing_typed_is_lost_without_a_connection_or_with_the_conversation(desk: Desk, dana: Page) -> None:
    field(dana).fill("Said in a tunnel")
    dana.context.set_offline(True)
    dana.keyboard.press("Enter")
    expect(dana.locator("#notice")).to_contain_text("No connection. Nothing you wrote is lost.")
    dana.locator(".attach input").set_input_files([picture("a.png")])  # type: ignore[arg-type]
    dana.keyboard.press("Enter")
    expect(dana.locator("#files")).to_contain_text("No connection.")
    expect(field(dana)).to_have_value("Said in a tunnel")
    dana.context.set_offline(False)
    field(dana).press("Enter")
    expect(dana.locator("#thread .out")).to_contain_text("Said in a tunnel")
    expect(dana.locator("#thread .out")).to_have_count(1)

    beside = dana.context.new_page()
    beside.goto(dana.url)
    field(dana).fill("Half a sentence")
    expect(field(beside)).to_have_value("Half a sentence")
    beside.close()
    desk.ask("goes_to", username="omar")
    expect(dana.locator("#composer")).to_contain_text("Omar has this conversation.")
    expect(dana.locator(".unsent textarea")).to_have_value("Half a sentence")
    dana.reload()
    expect(dana.locator(".unsent textarea")).to_have_value("Half a sentence")
    desk.ask("goes_to", username="dana")
    expect(field(dana)).to_have_value("Half a sentence")


def test_a_colleagues_words_come_first_and_the_customer_sees_who_types(
    desk: Desk, dana: Page, someone: Callable[..., Page]
) -> None:
    desk.ask("customer_writes", name="Amara Diallo", text="Is anybody there?")
    dana.get_by_role("button", name="Accept").click()
    expect(dana.locator("#head h1")).to_have_text("Amara Diallo")
    dana.locator("#thread .in [data-reply-to]").click()
    expect(dana.locator("#quoting")).to_contain_text("Is anybody there?")
    field(dana).press_sequentially("I am")
    wait_until(lambda: desk.ask("typed_to", name="Amara Diallo"), 20, "the customer sees that somebody types")

    omar = someone("omar")
    omar.goto(dana.url)
    omar.locator(".write-switch").get_by_text("Note").click()
    omar.get_by_role("textbox", name="Note").fill("She has written to me already.")
    expect(dana.locator("#viewers")).to_contain_text("Omar is writing")
    omar.keyboard.press("Enter")
    expect(dana.locator("#thread .note")).to_contain_text("already")

    field(dana).press("Enter")
    expect(dana.locator("#meanwhile")).to_contain_text("She has written to me already.")
    dana.get_by_role("button", name="Look first").click()
    expect(field(dana)).to_be_focused()
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread .out:not(.note)")).to_contain_text(re.compile("Is anybody there.*I am", re.DOTALL))
    expect(omar.locator("#thread .out .quote")).to_contain_text("Is anybody there?")
