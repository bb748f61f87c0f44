"""Offers in a browser: shown, accepted and missed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey


def find_offer(page: Page) -> Locator:
    return page.get_by_role("article", name="Amara Diallo")


def test_an_agent_comes_online_and_gets_the_waiting_conversation(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_shop")
    app.call("set_all_offline")
    app.call("create_waiting_conversation", name="Amara Diallo", text="Where is my lamp?")
    app.start_server()
    dana = open_page_as("dana")
    expect(find_offer(dana)).to_contain_text("Where is my lamp?")
    expect(find_offer(dana)).to_contain_text("sec remaining")
    find_offer(dana).get_by_role("button", name="Accept").click()
    expect(dana.get_by_label("Message", exact=True)).to_be_visible()
    expect(dana.get_by_role("main")).to_contain_text("Where is my lamp?")
    expect(find_offer(dana)).to_have_count(0)
    expect(dana.locator("#presence-button")).to_contain_text("Busy")
    expect(dana.locator("#presence-button")).to_contain_text("70 of 100 free")
    expect(dana.locator("#tab-my")).to_have_attribute("aria-current", "page")


def test_an_agent_lets_an_offer_time_out_and_comes_back(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("set_offer_seconds", seconds=10)
    app.start_server()
    dana = open_page_as("dana")
    expect(dana.locator("#presence-button")).to_contain_text("100 of 100 free")
    app.call("create_waiting_conversation", name="Amara Diallo", text="Anybody there?")
    expect(find_offer(dana)).to_contain_text("Anybody there?")
    expect(find_offer(dana)).to_have_count(0)
    missed = dana.get_by_text("You missed Amara Diallo and are now Inactive.")
    expect(missed).to_be_visible()
    expect(dana.locator("#presence-button")).to_contain_text("Inactive")
    dana.get_by_role("button", name="Come back").click()
    expect(missed).to_have_count(0)
    expect(dana.locator("#presence-button")).to_contain_text("Available")


def test_rejected_conversation_is_offered_to_others_until_accepted(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Omar", role="Agent")
    app.start_server()
    dana = open_page_as("dana")
    app.call("create_waiting_conversation", name="Amara Diallo", text="Is it in stock?")
    find_offer(dana).get_by_role("button", name="Reject").click()
    expect(find_offer(dana)).to_have_count(0)
    omar = open_page_as("omar")
    expect(find_offer(omar)).to_contain_text("Is it in stock?")
    dana.goto("/desk/?view=open")
    dana.get_by_role("link", name="Amara Diallo").click()
    dana.get_by_role("button", name="Assign to me").first.click()
    expect(find_offer(omar)).to_have_count(0)
