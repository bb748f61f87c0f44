"""Live updates between two browsers, each only for users with access."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.journeys.conftest import sign_in
from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.journey

SHORT_TIMEOUT = 5_000  # milliseconds, on a machine that may be busy with other work
VISIBLE_POSITION_SCRIPT = """() => {
  const top = document.getElementById("scroller").getBoundingClientRect().top;
  const shown = [...document.querySelectorAll("#thread > .msg")].find((li) => li.getBoundingClientRect().bottom > top);
  return [shown.id, Math.round(shown.getBoundingClientRect().top)];
}"""
RECORD_NOTIFICATIONS_SCRIPT = """
  window.playedSounds = []; window.notifications = [];
  document.addEventListener("desk:sound-played", (event) => window.playedSounds.push(event.detail));
  window.Notification = class extends EventTarget {
    static permission = "granted";
    constructor(title, { body }) { super(); window.notifications.push(`${title}: ${body}`); window.last = this; }
    close() {}
  };
"""


@pytest.fixture
def app_with_customers(app: AppInstance) -> AppInstance:
    """Return the app with two customers of Dana in Orders, where Omar works too and Eve does not."""
    app.call("create_shop")
    for name, role in (("Omar", "Agent"), ("Eve", "Agent"), ("Sue", "Supervisor")):
        app.call("create_team_member", name=name, role=role)
    app.call("create_customer_conversations", count=2)
    app.call("move_all_to_queue", queue_name="Orders", usernames=["dana", "omar"])
    app.start_server()
    return app


def open_conversation(page: Page, customer: str = "Customer 0") -> Page:
    """Open the conversation and wait until the event stream is connected."""
    page.goto("/desk/?view=my")
    row = page.locator(".row", has_text=customer)
    if not row.count():
        page.goto("/desk/conversations/1/")
    else:
        row.click()
    expect(page.locator("#conversation-header h1")).to_have_text(customer)
    page.wait_for_function("() => window.Omnichannel?.isLeader")
    return page


def reply_field(page: Page) -> Locator:
    return page.locator("#reply-text")


def test_colleagues_see_typing_and_replies_and_others_nothing(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    eve = open_page_as("eve")
    requests: list[str] = []
    eve.goto("/desk/?view=open")
    eve.wait_for_function("() => window.Omnichannel?.isLeader")
    eve.on("request", lambda request: requests.append(request.url))
    dana, omar = open_conversation(open_page_as("dana")), open_conversation(open_page_as("omar"))
    expect(dana.locator(".viewer-list")).to_contain_text("Omar", timeout=SHORT_TIMEOUT)
    expect(omar.locator(".viewer-list")).to_contain_text("Dana", timeout=SHORT_TIMEOUT)

    reply_field(dana).press_sequentially("On its way", delay=10)
    expect(omar.locator("#typing-indicator")).to_have_text("Dana is typing…", timeout=SHORT_TIMEOUT)
    dana.locator("#reply-send").click()
    expect(omar.locator("#typing-indicator")).to_have_count(0, timeout=SHORT_TIMEOUT)
    expect(omar.locator(".msg.out")).to_contain_text("On its way", timeout=SHORT_TIMEOUT)
    with omar.expect_request("**/updates/?message=*"):  # that message and nothing else
        app_with_customers.call("mark_last_reply_read")
    expect(omar.locator(".msg.out .status")).to_have_attribute("title", "Read", timeout=SHORT_TIMEOUT)

    app_with_customers.call("create_customer_message", index=0, text="Thank you!")
    for page in (dana, omar):
        expect(page.locator(".msg.in")).to_contain_text("Thank you!", timeout=SHORT_TIMEOUT)
    expect(dana.locator("#announce")).to_contain_text("Customer 0: Thank you!")
    omar.get_by_text("Note", exact=True).first.click()
    omar.locator("#note-text").fill("Well done.")
    omar.locator("#note-send").click()
    expect(dana.locator(".msg.note")).to_contain_text("Well done.", timeout=SHORT_TIMEOUT)
    omar.goto("/desk/")
    expect(dana.locator(".viewer-list")).to_have_count(0, timeout=SHORT_TIMEOUT)
    assert [url for url in requests if "/conversations/" in url] == []
    expect(eve.locator(".row")).to_have_count(0)


def test_details_of_an_event_open_by_keyboard_and_stay_open(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    dana = open_conversation(open_page_as("dana"))
    app_with_customers.call("record_offer_with_details")
    dana.locator("[data-section=timeline] > summary").click()
    for place in ("#thread", ".customer-timeline"):
        details = dana.locator(f"{place} details", has_text="Offered to Dana")
        expect(details.get_by_text("40 units free")).to_be_hidden()
        details.locator("summary").focus()
        dana.keyboard.press("Enter")
        expect(details.get_by_text("40 units free")).to_be_visible()
    with dana.expect_response("**/timeline/"):
        app_with_customers.call("record_offer_with_details")
    for place in ("#thread", ".customer-timeline"):
        details = dana.locator(f"{place} details", has_text="Offered to Dana")
        expect(details).to_have_count(2)
        expect(details.get_by_text("40 units free").locator("visible=true")).to_have_count(1)
    expect(dana.locator(".customer-timeline [open] > summary")).to_be_focused()


def test_supervisor_monitors_unseen_and_sees_typing(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    dana, sue = open_conversation(open_page_as("dana")), open_page_as("sue")
    sue.goto("/desk/conversations/1/")
    expect(sue.locator(".viewer-list")).to_contain_text("Dana", timeout=SHORT_TIMEOUT)
    reply_field(dana).press_sequentially("One moment", delay=10)
    expect(sue.locator("#typing-indicator")).to_have_text("Dana is typing…", timeout=SHORT_TIMEOUT)
    dana.evaluate("Omnichannel.refreshViewers()")
    expect(dana.locator("#viewers")).to_have_text("")
    sue.locator("#conversation-header .more-menu summary, #do-release_to_queue").first.click()
    sue.locator("#do-release_to_queue").click()
    # The page is updated, says so, and keeps the draft.
    expect(dana.locator("#notice")).to_contain_text("Customer 0: Open", timeout=SHORT_TIMEOUT)
    expect(dana.locator("#conversation-header .state")).to_have_text("Open")


@pytest.fixture
def page_allowing_network_errors(browser: Browser, app_with_customers: AppInstance) -> Iterator[Page]:
    """Return Dana's page, where network errors in the console are allowed."""
    context = browser.new_context(base_url=app_with_customers.url)
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, "dana")
    yield open_conversation(page)
    context.close()


def test_inbox_refreshes_do_not_overlap(app_with_customers: AppInstance, open_page_as: Callable[..., Page]) -> None:
    request_count, max_concurrent = open_conversation(open_page_as("dana")).evaluate(
        """async () => {
          const real = fetch;
          let [asked, now, most] = [0, 0, 0];
          window.fetch = async (address, how) => {
            if (!String(address).startsWith("/desk/?")) return real(address, how);
            asked += 1;
            most = Math.max(most, (now += 1));
            const answer = await real(address, how);
            now -= 1;
            return answer;
          };
          for (; !asked; await new Promise(requestAnimationFrame)) {
            // A request that is running may serve all of them.
            await Promise.all([...Array(9)].map(Omnichannel.refreshList));
          }
          return [asked, most];
        }"""
    )
    assert max_concurrent == 1
    assert request_count < 5


def test_server_restart_loses_nothing(app_with_customers: AppInstance, page_allowing_network_errors: Page) -> None:
    # At first the requests only fail.
    page_allowing_network_errors.route("**/reply/", lambda route: route.fulfill(status=500, body="broken"), times=1)
    reply_field(page_allowing_network_errors).fill("Hello?")
    page_allowing_network_errors.locator("#reply-send").click()
    expect(page_allowing_network_errors.locator("#notice")).to_contain_text(
        "Something went wrong.", timeout=SHORT_TIMEOUT
    )
    expect(reply_field(page_allowing_network_errors)).to_have_value("Hello?")
    page_allowing_network_errors.get_by_role("button", name="Try again").click()
    expect(page_allowing_network_errors.locator(".msg.out")).to_contain_text("Hello?")

    app_with_customers.processes[-1].kill()
    reply_field(page_allowing_network_errors).fill("Are you still there?")
    page_allowing_network_errors.locator("#reply-send").click()
    expect(page_allowing_network_errors.locator("#notice")).to_contain_text("Your text is kept.", timeout=SHORT_TIMEOUT)
    expect(reply_field(page_allowing_network_errors)).to_have_value("Are you still there?")
    expect(page_allowing_network_errors.locator("#connection-status")).to_be_visible()
    app_with_customers.call("create_customer_message", index=0, text="Written meanwhile")
    app_with_customers.start_server("--no-worker")
    expect(page_allowing_network_errors.locator(".msg.in")).to_contain_text("Written meanwhile")
    expect(page_allowing_network_errors.locator("#connection-status")).to_be_hidden()
    page_allowing_network_errors.get_by_role("button", name="Try again").click()
    expect(page_allowing_network_errors.locator(".msg.out").last).to_contain_text("Are you still there?")
    expect(reply_field(page_allowing_network_errors)).to_have_value("")
    expect(page_allowing_network_errors.locator(".msg.out")).to_have_count(2)


def test_a_long_conversation_is_walked_in_both_directions_and_the_place_is_kept(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    pks = app_with_customers.call("create_message_history", messages=700)
    dana = open_conversation(open_page_as("dana"))
    expect(dana.locator("#thread > .msg")).to_have_count(50)
    expect(dana.locator(".fold button")).to_have_text("4 earlier events")
    expect(dana.get_by_text("Event 0.")).to_be_hidden()
    dana.locator(".fold button").press("Enter")
    expect(dana.get_by_text("Event 0.")).to_be_visible()

    dana.evaluate("document.getElementById('scroller').scrollTop = -600")
    before = dana.evaluate(VISIBLE_POSITION_SCRIPT)
    dana.locator("#earlier a").evaluate("link => link.click()")
    expect(dana.locator("#thread > .msg")).to_have_count(100)
    assert dana.evaluate(VISIBLE_POSITION_SCRIPT) == before
    app_with_customers.call("create_customer_message", index=0, text="New below")
    expect(dana.locator("#to-newest")).to_have_text("1 new message")
    assert dana.evaluate(VISIBLE_POSITION_SCRIPT) == before

    dana.locator(".quote").evaluate("link => link.click()")
    expect(dana.locator(f"#message-{pks[0]}")).to_be_in_viewport()
    dana.evaluate("document.getElementById('scroller').scrollTop = 0")
    expect(dana.locator(f"#message-{pks[60]}")).to_be_attached()
    assert dana.locator("#thread > .msg").count() < 150
    dana.locator("#to-newest").click()
    expect(dana.locator("#thread").get_by_text("New below")).to_be_in_viewport()


def test_the_place_is_kept_when_a_picture_below_comes_late(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    pk, dana, distance = (
        app_with_customers.call("create_long_conversation", messages=50),
        open_page_as("dana"),
        list[Route](),
    )
    dana.route("**/attachments/*/", lambda route: distance.append(route))
    with dana.expect_request("**/attachments/*/"):
        dana.goto(f"/desk/conversations/{pk}/")
    dana.evaluate("document.getElementById('scroller').scrollTop = -900")
    message, before = dana.evaluate(VISIBLE_POSITION_SCRIPT)
    distance.pop().continue_()
    dana.wait_for_function("() => document.querySelector('.picture img').getBoundingClientRect().height > 200")
    now = dana.evaluate("(id) => document.getElementById(id).getBoundingClientRect().top", message)
    assert now == pytest.approx(before, abs=2)


def test_linked_message_is_scrolled_into_view(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    pks = app_with_customers.call("create_message_history", messages=300)
    dana = open_page_as("dana")
    dana.goto(f"/desk/conversations/1/?message={pks[150]}")
    expect(dana.locator(f"#message-{pks[150]}")).to_be_in_viewport()
    for end in ("earlier", "later"):
        dana.locator(f"#{end} a").evaluate("link => link.click()")
    for place in (100, 190):
        expect(dana.locator(f"#message-{pks[place]}")).to_be_attached()
    expect(dana.locator(f"#message-{pks[150]}")).to_be_in_viewport()


def test_notifications_stay_off_when_the_browser_blocks_them(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    dana = open_page_as("dana")
    dana.add_init_script("Notification.requestPermission = async () => 'denied';")
    dana.goto("/desk/preferences/")
    switch = dana.get_by_label("Show notifications")
    switch.click()
    expect(dana.locator("#notifications-error")).to_contain_text("Your browser blocks notifications")
    expect(switch).not_to_be_checked()


def test_hidden_page_notifies_once_and_not_of_the_open_conversation(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    dana = open_page_as("dana")
    dana.context.add_init_script(RECORD_NOTIFICATIONS_SCRIPT)
    open_conversation(dana)
    dana.evaluate("document.body.dataset.notifications = document.body.dataset.sounds = ''")
    dana.locator("#scroller").click()
    other = dana.context.new_page()
    other.goto("/desk/preferences/")
    dana.bring_to_front()
    app_with_customers.call("create_customer_message", index=0, text="In front")
    expect(dana.locator(".msg.in")).to_contain_text("In front")
    app_with_customers.call("create_customer_message", index=1, text="Elsewhere")
    dana.wait_for_function("() => playedSounds.length")
    expect(dana).to_have_title(re.compile(r"^\(1\) "))
    icon = dana.locator("link[rel=icon]")
    assert icon.get_attribute("href") == icon.get_attribute("data-unread")
    assert dana.evaluate("[playedSounds, notifications]") == [["message"], []]
    # Prevent a repetition of these notifications if the other tab is the last one.
    with other.expect_response("**/desk/notifications/**") as answer:
        other.evaluate("Omnichannel.isLeader = true; Omnichannel.refreshNotifications()")
    assert answer.value.json()["notifications"] == []

    other.close()
    dana.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    dana.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    app_with_customers.call("create_customer_message", index=0, text="And away")
    dana.wait_for_function("() => notifications.length")
    assert dana.evaluate("notifications") == ["Customer 0: And away"]
    expect(dana.locator("#unread-divider + .msg")).to_contain_text("And away")
    other = dana.context.new_page()
    other.goto("/desk/")
    other.locator(".top-bar-end .menu summary").last.click()
    other.get_by_role("button", name="Sign out").click()
    dana.wait_for_url("**/sign-in/**")


def test_focus_is_kept_when_fragments_are_replaced(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app_with_customers.call("send_replies", replies_per_customer=1)
    app_with_customers.call("set_fault", kind="not_on_whatsapp")
    dana = open_conversation(open_page_as("dana"))
    expect(dana.get_by_role("button", name="Send again")).to_be_visible()
    states: list[dict[str, Any]] = dana.evaluate(
        """async () => {
          const failed = document.querySelector(".msg.failed").id;
          const parts = ["conversation-header", failed, "composer", "customer-header", "rows", "tabs"];
          const wanted = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary";
          const lost = [];
          for (const id of parts) {
            const places = [...document.getElementById(id)?.querySelectorAll(wanted) ?? []];
            for (let place = 0; place < places.length; place += 1) {
              const now = document.getElementById(id).querySelectorAll(wanted)[place];
              if (!now?.offsetParent || now.matches("input[type=radio], input[type=file]")) continue;
              now.focus();
              const before = document.activeElement;
              const name = before.id || before.textContent.trim();
              for (const part of parts) {
                const one = document.getElementById(part);
                if (one?.dataset.version) one.dataset.version = "another";
                if (part === "rows" || part === "tabs") one?.append(document.createComment("another"));
              }
              await Promise.all([Omnichannel.refreshConversation(), Omnichannel.refreshList()]);
              const after = document.activeElement;
              const kept = name === (after.id || after.textContent.trim());
              if (!kept) lost.push({ id, name, now: after.tagName + after.id });
            }
          }
          return lost;
        }"""
    )
    assert "\n".join(map(str, states)) == ""


def test_without_the_script_a_conversation_is_read_and_answered(
    app_with_customers: AppInstance, open_page_as: Callable[..., Page]
) -> None:
    app_with_customers.call("create_customer_message", index=0, text="Plainly")
    dana = open_page_as("dana", java_script_enabled=False)
    dana.goto("/desk/conversations/1/")
    expect(dana.locator(".msg.in")).to_contain_text("Plainly")
    reply_field(dana).fill("Answered plainly")
    dana.locator("#reply-send").click()
    expect(dana.locator(".msg.out")).to_contain_text("Answered plainly")
