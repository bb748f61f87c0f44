"""The inbox in a browser: filters, search, sort orders, snooze and bulk actions."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey


@pytest.fixture
def sue_page(app: AppInstance, open_page_as: Callable[..., Page]) -> Page:
    """Return the page of Sue, the supervisor of Dana, who has three conversations."""
    app.call("create_shop")
    app.call("create_team_member", name="Sue", role="Supervisor")
    app.call("create_customer_conversations", count=3)
    app.call("create_labels", names=["VIP", "Refund"])
    app.start_server()
    return open_page_as("sue")


def choose_from_more_menu(page: Page, menu_item: str) -> None:
    page.locator("#do-more").click()
    page.locator(f"#do-{menu_item}").click()


def test_a_conversation_is_labeled_and_found_by_its_label(
    app: AppInstance, sue_page: Page, open_page_as: Callable[..., Page]
) -> None:
    dana = open_page_as("dana")
    rows = dana.locator("#row-list .row")
    expect(rows).to_have_count(3)
    dana.locator("#row-list .row", has_text="Customer 1").click()

    # Add labels by keyboard: search by a few letters, choose with Enter.
    expect(dana.locator("#conversation-header h1")).to_have_text("Customer 1")
    choose_from_more_menu(dana, "labels")
    expect(dana.locator("#label-name")).to_be_focused()
    dana.keyboard.type("vi")
    dana.keyboard.press("Enter")
    dana.locator("#dialog").get_by_role("button", name="Save").click()
    expect(dana.locator("#conversation-header .label", has_text="VIP")).to_be_visible()
    expect(dana.locator("#row-list .row", has_text="VIP")).to_have_count(1)
    expect(dana.locator("#do-more")).to_be_focused()

    # Filter by the label and reset; the URL contains the filter.
    dana.goto("/desk/?view=my")
    dana.locator("#do-filter").click()
    dana.locator("#dialog").get_by_label("Label").select_option("VIP")
    dana.locator("#dialog").get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(1)
    expect(dana).to_have_url(app.url + "/desk/?view=my&label=1&sort=newest")
    dana.locator("#clear-filters").click()
    expect(rows).to_have_count(3)


def test_a_conversation_is_snoozed_found_and_wrapped_up(
    app: AppInstance, sue_page: Page, open_page_as: Callable[..., Page]
) -> None:
    dana = open_page_as("dana")
    rows = dana.locator("#row-list .row")
    dana.locator("#row-list .row", has_text="Customer 1").click()
    expect(dana.locator("#conversation-header h1")).to_have_text("Customer 1")

    # A snoozed conversation is hidden and returns with the customer's message.
    choose_from_more_menu(dana, "snooze")
    dana.locator("#dialog").get_by_role("button", name="Tomorrow morning").click()
    expect(rows).to_have_count(2)
    expect(dana.locator("#show-snoozed")).to_have_text("1 snoozed")
    app.call("send_from_customer", index=1, text="One more thing about lamp 4711")
    expect(rows).to_have_count(3)

    # Search by message text shows the matching line and links to the message.
    dana.keyboard.press("Escape")
    dana.locator("#search").fill("lamp 47")
    hit = dana.locator("#search-results .row", has_text="lamp 4711")
    expect(hit.locator("mark").first).to_have_text("lamp")
    dana.locator("#search").press("ArrowDown")
    expect(hit).to_be_focused()
    dana.keyboard.press("ArrowUp")
    expect(dana.locator("#search")).to_be_focused()
    dana.keyboard.press("ArrowDown")
    dana.keyboard.press("Enter")
    expect(dana.locator("#thread li.is-highlighted", has_text="One more thing")).to_be_visible()
    dana.locator("#search").press("Escape")
    expect(dana.locator("#search-results")).to_be_empty()

    # End and close in one step, with a note.
    choose_from_more_menu(dana, "end_and_close")
    dana.locator("#dialog").get_by_label("Note for colleagues").fill("All settled.")
    dana.locator("#dialog").get_by_role("button", name="End and close").click()
    expect(dana.locator("#conversation-header .state")).to_have_text("Closed")
    expect(dana.locator("#thread")).to_contain_text("All settled.")
    expect(rows).to_have_count(2)


def test_supervisor_uses_a_bulk_action(app: AppInstance, sue_page: Page) -> None:
    sue_page.goto("/desk/?view=ongoing")
    rows = sue_page.locator("#row-list .row")
    expect(rows).to_have_count(3)
    rows.first.focus()
    sue_page.keyboard.press("x")
    sue_page.locator("#row-list li").nth(2).locator(".row-checkbox input").click(modifiers=["Shift"])
    expect(sue_page.locator("#selected-count")).to_have_text("3 selected")

    # A message that arrives meanwhile moves a row but keeps the selection.
    app.call("send_from_customer", index=0, text="Are you there?")
    expect(rows.first).to_contain_text("Are you there?")
    expect(sue_page.locator(".row-checkbox :checked")).to_have_count(3)

    sue_page.locator("#bulk-priority").click()
    sue_page.locator("#dialog").get_by_role("button", name="Urgent").click()
    expect(sue_page.locator("#notice")).to_have_text("Priority: 3 updated.")
    expect(sue_page.locator("#row-list .priority.p1")).to_have_count(3)
    expect(sue_page.locator(".row-checkbox :checked")).to_have_count(0)

    # Failures are reported row by row.
    sue_page.locator("#row-list .row-checkbox input").first.check()
    sue_page.locator("#bulk-end").click()
    sue_page.locator("#dialog").get_by_role("button", name="End", exact=True).click()
    expect(sue_page.locator("#dialog")).to_contain_text("0 updated, 1 failed")
    expect(sue_page.locator("#dialog")).to_contain_text("Only the assigned agent can do this.")


@pytest.mark.parametrize("width", [1440, 390])
def test_tabs_and_chips_fit_on_one_line_in_each_language(
    sue_page: Page, open_page_as: Callable[..., Page], width: int
) -> None:
    for page, tabs in ((sue_page, 4), (open_page_as("dana"), 3)):
        page.set_viewport_size({"width": width, "height": 844})
        for language in ("en", "de"):
            page.set_extra_http_headers({"Accept-Language": language})
            for view in ("my", "open", "closed"):
                page.goto(f"/desk/?view={view}")
                assert page.locator("#tabs a").count() == tabs
                line_counts = page.evaluate(
                    """() => ["#tabs > a", "#list-toolbar > *"].map((parts) => new Set(
                        [...document.querySelectorAll(parts)].map((part) => part.getBoundingClientRect().top)).size)"""
                )
                assert line_counts == [1, 1], (tabs, language, view)
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_conversation_in_wrap_up_can_be_closed_on_a_phone(
    app: AppInstance, sue_page: Page, open_page_as: Callable[..., Page]
) -> None:
    dana = open_page_as("dana", viewport={"width": 390, "height": 844})
    dana.locator("#row-list .row", has_text="Customer 1").click()
    dana.locator("#do-end").click()
    dana.locator("#do-close").click()
    dana.locator("#dialog").get_by_role("button", name="Close").last.click()
    expect(dana.locator("#conversation-header .state")).to_have_text("Closed")
