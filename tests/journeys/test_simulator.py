"""The simulator's pages in a browser: they stay up to date by themselves and show the browser's times."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # 25 hours apart
SHOWN_TIME = """element => {
  const time = new Date(element.dateTime);
  const part = (number) => String(number).padStart(2, "0");
  return `${part(time.getHours())}:${part(time.getMinutes())}` === element.textContent;
}"""


@pytest.fixture
def shop(app: AppInstance) -> AppInstance:
    """Return the running app with a number and one customer with a phone."""
    app.call("create_shop")
    app.call("create_team_member", name="Eve", role="Agent")
    app.call("create_customer_conversations", count=1)
    app.start_server()
    return app


def write(phone: Page, text: str) -> None:
    phone.locator("#message-form textarea").fill(text)
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.locator("#thread")).to_contain_text(text)


def test_phone_shows_times_and_days_of_the_browsers_zone(shop: AppInstance, open_page_as: Callable[..., Page]) -> None:
    days = []
    for zone in ZONES:
        phone = open_page_as(timezone_id=zone)
        phone.goto("/simulator/")
        write(phone, f"Hello from {zone}")
        sent_at = phone.locator("#thread .bubble time").last
        assert sent_at.evaluate(SHOWN_TIME)
        assert phone.locator("#customer-list time").first.evaluate(SHOWN_TIME)
        days.append(phone.locator("#thread .day").last.inner_text())
    assert days[0] != days[1]


def test_list_of_customers_is_live(shop: AppInstance, open_page_as: Callable[..., Page]) -> None:
    watching, phone = open_page_as(), open_page_as()
    for page in (watching, phone):
        page.goto("/simulator/")
    write(phone, "Is the lamp still there?")
    row = watching.locator("#customer-list .customer-link").first
    expect(row).to_contain_text("Is the lamp still there?")
    expect(row).to_have_attribute("aria-current", "true")


def test_console_is_live_and_does_not_lose_what_is_typed(shop: AppInstance, open_page_as: Callable[..., Page]) -> None:
    watching, typing, other = open_page_as(), open_page_as(), open_page_as()
    for page in (watching, typing, other):
        page.goto("/simulator/console/")
    typing.get_by_label("Account name").fill("Half a na")
    other.get_by_label("Account name").fill("Second shop")
    with other.expect_navigation():
        other.get_by_role("button", name="Create account").click()
    expect(watching.get_by_role("heading", name="Second shop")).to_be_visible()
    expect(typing.get_by_label("Account name")).to_have_value("Half a na")
    typing.get_by_label("Account name").fill("")
    typing.get_by_role("heading", name="Console").click()
    expect(typing.get_by_role("heading", name="Second shop")).to_be_visible()


def test_the_phone_leads_to_the_desk(shop: AppInstance, open_page_as: Callable[..., Page]) -> None:
    phone = open_page_as("dana")
    phone.goto("/simulator/")
    phone.get_by_role("link", name="Desk", exact=True).click()
    expect(phone).to_have_url(re.compile("/desk/"))
