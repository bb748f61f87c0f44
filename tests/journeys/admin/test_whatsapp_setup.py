"""The specification's setup walk-through on the real pages, then a conversation until the window closes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

DISPLAYED_NUMBER = "+1 (415) 555-0142"
STORED_NUMBER = "+14155550142"
WINDOW_CLOSED_TEXT = "This conversation has exceeded the 24 hour limit to respond to the customer."


def test_an_administrator_sets_up_a_channel_and_an_agent_answers_a_customer(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_team_member", name="Ada", role="Administrator")
    app.call("create_team_member", name="Dana", role="Agent")
    app.start_server()
    console = open_twilio_account(open_page_as())
    admin = open_page_as("ada")
    create_channel(admin, console)
    paste_callback(console, copy_inbound_url(admin))
    add_number(admin)
    validate_account(admin)

    dana = open_page_as("dana")
    dana.goto("/desk/?view=open")
    phone = send_from_phone(open_page_as(), "Hi! My lamp arrived broken.")
    take_conversation(dana, "Hi! My lamp arrived broken.")
    answer_customer(dana, phone, "So sorry! Which color would you like?")
    check_reply_after_a_day(dana, phone)


def open_twilio_account(page: Page) -> Page:
    """Step 1: open the Twilio account, its details, and a WhatsApp sender."""
    page.goto("/simulator/console/")
    account = page.locator("form", has=page.get_by_role("heading", name="Create an account"))
    account.get_by_role("textbox").first.fill("Lumen Lamps")
    account.get_by_role("button", name="Create account").click()
    number = page.locator("form", has=page.get_by_role("heading", name="Add a number"))
    number.get_by_label("Account").select_option(label="Lumen Lamps")
    number.get_by_label("Number").fill(STORED_NUMBER)
    number.get_by_label("Name").fill("Lumen Lamps")
    number.get_by_role("button", name="Add number").click()
    expect(page.get_by_role("button", name="Save Lumen Lamps")).to_be_visible()
    return page


def create_channel(page: Page, console: Page) -> None:
    """Steps 1 to 4: open WhatsApp under Channels, fill in the account's details, save."""
    account_sid, auth_token = console.locator("dl code").all_inner_texts()
    page.goto("/admin/")
    page.get_by_role("navigation").get_by_role("link", name="WhatsApp", exact=True).first.click()
    page.get_by_role("link", name="New WhatsApp").first.click()
    expect(page.get_by_role("heading", name="New WhatsApp", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Twilio account details")).to_be_visible()
    expect(page.get_by_role("heading", name="Callback information")).to_have_count(0)
    page.get_by_label("Name", exact=False).first.fill("WhatsApp channel")
    page.get_by_label("Account SID").fill(account_sid)
    page.get_by_label("Auth Token", exact=False).first.fill(auth_token)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Callback information")).to_be_visible()
    expect(page.get_by_label("Auth Token", exact=False).first).to_have_value("")


def copy_inbound_url(page: Page) -> str:
    """Step 4: copy the inbound URL with the button."""
    page.get_by_role("button", name="Copy the Twilio inbound URL").click()
    expect(page.locator("[data-copy=inbound-url]")).to_contain_text("Copied")
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_role("textbox", name="Twilio inbound URL").input_value()
    return copied


def paste_callback(console: Page, url: str) -> None:
    """Step 5: paste the URL in Twilio's console."""
    form = console.locator("form.number").first
    form.get_by_role("textbox").first.fill(url)
    form.get_by_role("button", name="Save Lumen Lamps").click()
    expect(console.locator("form.number").first.get_by_role("textbox").first).to_have_value(url)


def add_number(page: Page) -> None:
    """Steps 6 to 10: add a WhatsApp number, save, go back and find it in the list."""
    page.get_by_role("link", name="+ Add New WhatsApp Number").click()
    expect(page.get_by_role("heading", name="New WhatsApp Number", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Phone number details")).to_be_visible()
    expect(page.locator("#content").get_by_role("heading", name="Work distribution")).to_be_visible()
    expect(page.locator("#id_account")).to_contain_text("WhatsApp channel")
    expect(page.locator("#id_work_stream")).to_contain_text("WhatsApp channel work stream")
    page.get_by_label("Name", exact=False).first.fill("WhatsApp phone number")
    page.locator("#id_number").fill(DISPLAYED_NUMBER)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_number")).to_have_value(STORED_NUMBER)
    page.go_back()
    listed = page.get_by_role("region", name="WhatsApp phone numbers").first
    expect(listed.get_by_role("link", name="WhatsApp phone number")).to_be_visible()
    expect(listed).to_contain_text(STORED_NUMBER)
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()


def validate_account(page: Page) -> None:
    """Step 11: validate; a toast appears and the result stays on the page."""
    page.get_by_role("button", name="Validate").click()
    expect(page.locator("#validation-report")).to_contain_text(STORED_NUMBER)
    expect(page.get_by_role("status").filter(has_text="Validation succeeded")).to_be_visible()
    page.reload()
    expect(page.locator("#validation-report")).to_contain_text(STORED_NUMBER)


def send_from_phone(page: Page, text: str) -> Page:
    """Send a message to the number from a customer's phone."""
    page.goto("/simulator/")
    page.locator("details.new-customer").evaluate("details => details.open = true")
    form = page.locator("details.new-customer form")
    form.get_by_label("Name").fill("Amara Diallo")
    form.get_by_role("textbox").nth(1).fill("+4917139200021")
    form.get_by_role("button", name="Create customer").click()
    page.get_by_label("Message to Lumen Lamps").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#thread")).to_contain_text(text)
    return page


def take_conversation(page: Page, text: str) -> None:
    """Wait for the conversation to appear without a reload, open it and take it."""
    page.get_by_role("link", name="Amara Diallo").click()
    expect(page.get_by_role("main")).to_contain_text(text)
    page.get_by_role("button", name="Assign to me").first.click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def answer_customer(page: Page, phone: Page, text: str) -> None:
    """Reply, and wait until the status becomes read without a reload."""
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    bubble = page.locator(".msg.out", has_text=text)
    expect(bubble).to_have_count(1)
    expect(phone.locator("#thread")).to_contain_text(text)
    expect(bubble.locator(".status")).to_have_attribute("title", "Read", timeout=30_000)


def check_reply_after_a_day(page: Page, phone: Page) -> None:
    """Check that a reply 24 hours later is refused with the exact sentence, on the page and by the server."""
    page.get_by_label("Message", exact=True).fill("Are you still there?")
    stale = page.context.new_page()
    stale.goto(page.url)
    form = stale.get_by_role("form", name="Reply").evaluate(
        "form => [form.action, Object.fromEntries(new FormData(form))]"
    )
    phone.get_by_role("button", name="Skip 24 hours").click()
    expect(page.locator(".window-exceeded")).to_have_text(WINDOW_CLOSED_TEXT)
    fields = {name: value for name, value in form[1].items() if name != "file"}
    refused = stale.request.post(
        form[0], form={**fields, "text": "Are you still there?"}, headers={"Referer": page.url}
    )
    assert (refused.status, WINDOW_CLOSED_TEXT in refused.text()) == (422, True)
