"""An administrator creates, orders and tries routing rules."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.processes.support.app_instance import AppInstance
from tests.processes.support.managed_process import wait_until

pytestmark = pytest.mark.journey


def rule_rows(page: Page) -> Locator:
    return page.locator("#routingrule tbody th")


def add_rule(page: Page, name: str, word: str) -> None:
    page.get_by_role("link", name="New rule item").click()
    page.get_by_label("Name").fill(name)
    page.locator(".field-queue .select2-selection").click()
    page.get_by_role("option", name="Default messaging queue").click()
    page.get_by_role("button", name="+ Condition").click()
    page.get_by_label("Field").select_option("First message")
    page.get_by_label("Operator").select_option("contains")
    page.get_by_label("Value").fill(word)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/change/**")
    page.get_by_role("link", name="Back to WhatsApp channel work stream").click()


def drag_row(page: Page, row: Locator, *, to: int) -> None:
    """Drag the row to the place of another one and drop it when the order has changed."""
    row_text = row.text_content() or ""
    expect(page.locator("#routingrule tbody tr").first).to_have_attribute("draggable", "true")  # The script is loaded.
    row.hover(position={"x": 150, "y": 10})
    page.mouse.down()
    rule_rows(page).nth(to).hover(position={"x": 150, "y": 12})
    # Under load the browser starts to drag a moment later: move until the row follows.
    for place in range(40):
        if rule_rows(page).nth(to).text_content() == row_text:
            break
        rule_rows(page).nth(to).hover(position={"x": 150, "y": 3 + place % 4})
    expect(rule_rows(page).nth(to)).to_have_text(row_text)
    page.mouse.up()


def try_message(page: Page, message: str, outcome: str) -> None:
    page.get_by_label("First message").fill(message)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#dry-run-result")).to_contain_text(outcome)


def test_rules_are_built_put_in_order_and_tried(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Ada", role="Administrator")
    app.start_server()
    ada = open_page_as("ada")
    ada.goto("/admin/routing/workstream/")
    ada.get_by_role("link", name="WhatsApp channel work stream").click()
    add_rule(ada, "Lamps", "lamp")
    add_rule(ada, "Orders", "order")
    expect(rule_rows(ada)).to_have_text(["Lamps", "Orders"])
    ada.get_by_role("button", name="Move Orders up").press("Enter")
    expect(ada.get_by_text("Order saved.")).to_be_visible()
    ada.reload()
    expect(rule_rows(ada)).to_have_text(["Orders", "Lamps"])
    drag_row(ada, rule_rows(ada).nth(1), to=0)
    expect(ada.get_by_text("Order saved.")).to_be_visible()
    expect(rule_rows(ada)).to_have_text(["Lamps", "Orders"])
    try_message(ada, "Where is my lamp?", "Rule “Lamps” → queue Default messaging queue")


def test_a_rule_with_a_group_comes_back_as_it_was_built(app: AppInstance, open_page_as: Callable[..., Page]) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Ada", role="Administrator")
    app.start_server()
    ada = open_page_as("ada")
    ada.goto("/admin/routing/skillrule/add/?work_stream=1")
    ada.get_by_label("Name").fill("Weekends")
    ada.get_by_role("button", name="+ Group").click()
    ada.get_by_label("Field").select_option("Day of the week")
    ada.get_by_label("Value").fill("sat")
    ada.get_by_role("group", name="Group 1").get_by_role("button", name="+ Condition").click()
    ada.get_by_label("Field").nth(1).select_option("Time of day")
    expect(ada.get_by_label("Operator").nth(1)).to_have_value("between")
    ada.get_by_label("Value").nth(1).fill("18:00 - 22:00")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("“Weekends” was saved.")).to_be_visible()
    group = ada.get_by_role("group", name="Group 1")
    expect(group.get_by_label("Value").nth(0)).to_have_value("Saturday")
    expect(group.get_by_label("Value").nth(1)).to_have_value("18:00 - 22:00")
    group.get_by_role("button", name="Ungroup").click()
    expect(ada.get_by_role("group", name="Condition").get_by_label("Field")).to_have_count(2)


def test_a_customer_goes_where_a_rule_about_a_context_variable_says(
    app: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app.call("create_shop")
    app.call("create_team_member", name="Ada", role="Administrator")
    app.start_server()
    ada = open_page_as("ada", timezone_id="Asia/Tokyo")
    ada.goto("/admin/routing/workstream/1/change/")
    ada.get_by_role("link", name="New context variable").click()
    ada.wait_for_load_state()
    ada.get_by_label("Display Name").fill("Größe der Bestellung")
    expect(ada.get_by_label("Name", exact=True)).to_have_value("grosse_der_bestellung")
    ada.get_by_label("Type").select_option("Number")
    ada.get_by_label("Text before the value").fill("Amount:")
    ada.get_by_role("button", name="Save").click()
    ada.get_by_role("link", name="Back to WhatsApp channel work stream").click()
    ada.get_by_role("link", name="New rule item").click()
    ada.wait_for_load_state()
    ada.get_by_label("Name").fill("Big orders")
    with ada.expect_popup() as popup:
        ada.get_by_role("link", name="Add another queue").click()
    popup.value.get_by_label("Name").fill("Big ones")
    popup.value.get_by_role("button", name="Save").click()
    ada.get_by_role("button", name="+ Condition").click()
    ada.get_by_label("Field").select_option("Größe der Bestellung")
    ada.get_by_label("Operator").select_option("is greater than")
    ada.get_by_label("Value").fill("500")
    ada.get_by_role("button", name="Save").click()
    ada.get_by_role("link", name="Back to WhatsApp channel work stream").click()
    expect(ada.get_by_label("Date and time (Asia/Tokyo)")).not_to_have_value("")
    try_message(ada, "Amount: 499,99", "No rule → queue Default messaging queue")
    try_message(ada, "Hello!\nAmount: 1200 €", "Rule “Big orders” → queue Big ones")
    app.call("send_from_new_customer", name="Amara", text="Hello!\nAmount: 1200 €")
    wait_until(lambda: app.call("queue_name_of_customer", customer="Amara") == "Big ones", 15, "the rule has decided")
