"""Offers in a browser: shown, accepted and missed."""

import re
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
    expect(find_offer(dana)).to_contain_text(re.compile(r"\d:\d\d"))
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


def test_offers_cover_nothing_and_leave_room_for_the_list(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_customer_conversations", count=1)
    app.call("create_offers", username="dana", count=5)
    app.start_server("--no-worker")
    dana = open_page_as("dana")
    expect(dana.locator(".offer:visible")).to_have_count(3)
    more = dana.get_by_role("button", name="+2 more")
    expect(more).to_contain_text(re.compile(r"next ends in \d:\d\d"))
    dana.get_by_role("checkbox", name="Select Customer 0").check()
    boxes = [dana.locator(selector).bounding_box() for selector in ("#offers", "#search", "#rows", "#bulk")]
    edges = [(box["y"], box["y"] + box["height"]) for box in boxes if box]
    assert len(edges) == 4
    assert all(upper[1] <= lower[0] + 1 for upper, lower in zip(edges, edges[1:], strict=False))
    more.click()
    expect(dana.locator(".offer:visible")).to_have_count(5)
    dana.locator("#fold-offers").click()
    expect(dana.locator(".offer:visible")).to_have_count(0)
    expect(dana.locator("#more-offers")).to_contain_text("5 offers")
    dana.set_viewport_size({"width": 390, "height": 844})
    dana.locator("#more-offers").click()
    dana.locator("#more-offers").click()  # Show less.
    expect(dana.locator(".offer:visible")).to_have_count(1)


def test_a_second_click_on_accept_accepts_no_other_offer(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_offers", username="dana", count=2)
    app.start_server("--no-worker")
    dana = open_page_as("dana")
    first = dana.get_by_role("article", name="Offered 0")
    first.get_by_role("button", name="Accept").dblclick()
    expect(dana.locator("#conversation-header h1")).to_have_text("Offered 0")
    expect(dana.get_by_role("article", name="Offered 1")).to_be_visible()
    dana.locator("#conversation-header").hover()
    expect(first).to_have_count(0)
    expect(dana.get_by_role("article", name="Offered 1").get_by_role("button", name="Accept")).to_be_enabled()


def test_the_administration_shows_presence_and_offers(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Ada", role="Administrator")
    app.start_server("--no-worker")
    ada = open_page_as("ada")
    with ada.expect_request("**/live/**"):  # The stream that keeps an agent present.
        ada.goto("/admin/")
    app.call("create_offers", username="ada", count=1)
    ada.locator("#presence-button").click()
    ada.locator("#presence").get_by_role("button", name="Do not disturb").click()
    expect(ada.locator("#presence-button")).to_contain_text("Do not disturb")
    ada.get_by_role("article", name="Offered 0").get_by_role("button", name="Accept").click()
    expect(ada.locator("#conversation-header h1")).to_have_text("Offered 0")
