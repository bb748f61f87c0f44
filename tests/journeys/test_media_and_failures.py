"""Files in both directions, and messages that fail."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

PICTURE = Path(__file__).parents[2] / "omnichannel" / "demo" / "files" / "broken-lamp.png"


@pytest.fixture
def agent_and_phone(app: AppInstance, open_page_as: Callable[..., Page]) -> tuple[Page, Page]:
    """Return Dana's page with an active conversation, and the page of the customer's phone."""
    app.call("create_shop")
    app.call("create_team_member", name="Eve", role="Agent")
    app.call("create_customer_conversations", count=1)
    app.start_server()
    dana, phone = open_page_as("dana"), open_page_as()
    dana.goto("/desk/")
    dana.get_by_role("link", name="Customer 0").click()
    expect(dana.get_by_label("Message", exact=True)).to_be_visible()
    phone.goto("/simulator/")
    phone.get_by_role("link", name="Customer 0").click()
    return dana, phone


def test_a_customers_picture_appears_and_an_agents_picture_arrives(agent_and_phone: tuple[Page, Page]) -> None:
    dana, phone = agent_and_phone
    phone.locator("#message-form input[type=file]").set_input_files(PICTURE)
    phone.get_by_role("button", name="Send", exact=True).click()
    received = dana.locator(".msg.in img")
    expect(received).to_be_visible()
    assert received.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480

    dana.locator("form.composer input[type=file]").set_input_files(PICTURE)
    dana.get_by_label("Message", exact=True).fill("Like this?")
    dana.get_by_role("button", name="Send", exact=True).click()
    expect(dana.locator(".msg.out .status")).to_have_attribute("title", "Read")
    expect(phone.locator("#thread img").last).to_be_visible()


def test_a_message_that_did_not_arrive_says_why_and_is_sent_again(agent_and_phone: tuple[Page, Page]) -> None:
    dana, phone = agent_and_phone
    fault = phone.locator("#panel").get_by_label("Not on WhatsApp").first
    fault.check()
    phone.locator("#panel").get_by_role("button", name="Apply", exact=True).click()
    expect(fault).to_be_checked()
    dana.get_by_label("Message", exact=True).fill("Your parcel is on its way.")
    dana.get_by_role("button", name="Send", exact=True).click()
    failed = dana.locator(".msg.failed")
    expect(failed).to_contain_text("63024")
    expect(failed).to_contain_text("could not reach this number")

    fault.uncheck()
    phone.locator("#panel").get_by_role("button", name="Apply", exact=True).click()
    expect(fault).not_to_be_checked()
    failed.get_by_role("button", name="Send again").click()
    expect(dana.locator(".msg.out:not(.failed) .status")).to_have_attribute("title", "Read")
    expect(failed).to_contain_text("Sent again below")


def test_a_reply_that_is_too_long_is_refused_at_the_field_and_keeps_its_text(
    agent_and_phone: tuple[Page, Page],
) -> None:
    dana, _ = agent_and_phone
    field = dana.get_by_label("Message", exact=True)
    field.fill("a" * 1605)
    expect(dana.locator("#reply-count")).to_contain_text("5")
    dana.get_by_role("button", name="Send", exact=True).click()
    expect(dana.locator("#reply-error")).to_contain_text("1,600")
    expect(field).to_have_value("a" * 1605)
    expect(dana.locator(".msg.out")).to_have_count(0)
