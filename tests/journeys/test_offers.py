"""Work comes to agents: offered, accepted, missed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.desk import Desk

pytestmark = pytest.mark.journey


def offer_of(page: Page) -> Locator:
    return page.get_by_role("article", name="Amara Diallo")


def test_an_agent_comes_online_and_gets_the_waiting_conversation(desk: Desk, someone: Callable[..., Page]) -> None:
    desk.ask("open_shop")
    desk.ask("everybody_goes_home")
    desk.ask("customer_waits", name="Amara Diallo", text="Where is my lamp?")
    desk.serve()
    dana = someone("dana")
    expect(offer_of(dana)).to_contain_text("Where is my lamp?")
    expect(offer_of(dana)).to_contain_text("sec remaining")
    offer_of(dana).get_by_role("button", name="Accept").click()
    expect(dana.get_by_label("Message", exact=True)).to_be_visible()
    expect(dana.get_by_role("main")).to_contain_text("Where is my lamp?")
    expect(offer_of(dana)).to_have_count(0)
    expect(dana.locator("#presence-shown")).to_contain_text("Busy")
    expect(dana.locator("#presence-shown")).to_contain_text("70 of 100 free")
    expect(dana.locator("#tab-my")).to_have_attribute("aria-current", "page")


def test_an_agent_lets_an_offer_time_out_and_comes_back(desk: Desk, someone: Callable[..., Page]) -> None:
    desk.ask("open_shop")
    desk.ask("offers_last", seconds=10)
    desk.serve()
    dana = someone("dana")
    expect(dana.locator("#presence-shown")).to_contain_text("100 of 100 free")
    desk.ask("customer_waits", name="Amara Diallo", text="Anybody there?")
    expect(offer_of(dana)).to_contain_text("Anybody there?")
    expect(offer_of(dana)).to_have_count(0)
    missed = dana.get_by_text("You missed Amara Diallo and are Inactive.")
    expect(missed).to_be_visible()
    expect(dana.locator("#presence-shown")).to_contain_text("Inactive")
    dana.get_by_role("button", name="Come back").click()
    expect(missed).to_have_count(0)
    expect(dana.locator("#presence-shown")).to_contain_text("Available")


def test_what_one_agent_rejects_another_is_offered_until_somebody_takes_it(
    desk: Desk, someone: Callable[..., Page]
) -> None:
    desk.ask("open_shop")
    desk.ask("hire", name="Omar", role="Agent")
    desk.serve()
    dana = someone("dana")
    desk.ask("customer_waits", name="Amara Diallo", text="Is it in stock?")
    offer_of(dana).get_by_role("button", name="Reject").click()
    expect(offer_of(dana)).to_have_count(0)
    omar = someone("omar")
    expect(offer_of(omar)).to_contain_text("Is it in stock?")
    dana.goto("/desk/?view=open")
    dana.get_by_role("link", name="Amara Diallo").click()
    dana.get_by_role("button", name="Assign to me").first.click()
    expect(offer_of(omar)).to_have_count(0)
