"""Operating hours are set up in a browser: by keyboard, on a phone, and without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

PHONE_VIEWPORT = {"viewport": {"width": 390, "height": 844}}


def open_new_hours(app: AppInstance, open_page_as: Callable[..., Page], **options: object) -> Page:
    app.call("create_team_member", name="Ada", role="Administrator")
    app.start_server("--no-worker")
    page = open_page_as("ada", timezone_id="America/New_York", **options)
    page.goto("/admin/routing/operatinghours/add/")
    page.get_by_label("Name", exact=False).first.fill("Office")
    return page


def times_of(page: Page, day: str) -> list[str]:
    inputs = page.get_by_role("group", name=day, exact=True).get_by_role("textbox").all()
    return [field.input_value() for field in inputs]


def week_of(page: Page) -> list[list[str]]:
    return [times_of(page, day) for day in ("Monday", "Tuesday", "Friday", "Saturday")]


def button(page: Page, day: str, name: str) -> Locator:
    return page.get_by_role("button", name=f"{day}: {name}")


def save(page: Page) -> None:
    """Save, and wait for the page that comes back: the one before it already shows the same hours."""
    with page.expect_navigation():
        page.get_by_role("button", name="Save").last.click()


def test_a_day_is_typed_copied_undone_and_saved_by_keyboard(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    page = open_new_hours(app, open_page_as, **PHONE_VIEWPORT)
    expect(page.get_by_label("Time Zone")).to_have_value("America/New_York")
    button(page, "Monday", "add a period").press("Enter")
    for key in ("2", "1", "Tab", "2", "Tab"):
        page.keyboard.press(key)
    expect(page.get_by_text("next day").first).to_be_visible()
    button(page, "Monday", "Copy to Mon–Fri").press("Enter")
    night = ["21:00", "02:00"]
    assert week_of(page) == [night, night, night, []]
    page.get_by_role("button", name="Undo").press("Enter")
    assert week_of(page) == [night, [], [], []]
    button(page, "Monday", "Copy to Mon–Fri").press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_navigation():
        page.get_by_label("Name", exact=False).first.press("Enter")
    expect(page.get_by_text("“Office” was saved.")).to_be_visible()
    assert week_of(page) == [night, night, night, []]
    expect(page.get_by_text("25 h open")).to_be_visible()


def test_removed_hours_are_gone_after_saving(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    page = open_new_hours(app, open_page_as)
    for day in ("Monday", "Saturday"):
        button(page, day, "add a period").click()
        page.keyboard.type("9")
        page.keyboard.press("Tab")
        page.keyboard.type("24:00")
    save(page)
    page.get_by_role("group", name="Monday").get_by_role("button", name="Remove this period").click()
    save(page)
    expect(page.get_by_text("15 h open")).to_be_visible()
    assert week_of(page) == [[], [], [], ["09:00", "24:00"]]


def test_a_day_is_copied_without_scripts(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    page = open_new_hours(app, open_page_as, java_script_enabled=False)
    monday = page.get_by_role("group", name="Monday").get_by_role("textbox")
    monday.nth(0).fill("930")
    monday.nth(1).fill("17")
    button(page, "Monday", "Copy to Mon–Fri").click()
    expect(page.get_by_text("Monday was copied.")).to_be_visible()
    with page.expect_navigation():
        page.get_by_label("Name", exact=False).first.press("Enter")
    office = ["09:30", "17:00"]
    assert [times[:2] for times in week_of(page)] == [office, office, office, ["", ""]]
