"""axe finds no WCAG 2.2 AA violations on any page in any state, in light and dark mode."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.page_actions import (
    PageAction,
    click_and_wait,
    do_nothing,
    evaluate,
    fill_and_wait,
    in_sequence,
    press_and_wait,
)
from tests.processes.support.app_instance import AppInstance
from tests.processes.support.databases import TemporaryDatabase

pytestmark = pytest.mark.journey

AXE_SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Frames contain customers' files, which the browser's own viewer shows.
FULL_CHECK = {"runOnly": AXE_RULES, "resultTypes": ["violations"], "iframes": False}
CONTRAST_CHECK = {**FULL_CHECK, "runOnly": {"type": "rule", "values": ["color-contrast"]}}

# Wait for fragments that load with the page and for color transitions.
PAGE_IS_IDLE = """() => {
    const isChanging = ({ playState, effect }) => playState === "running" && effect.getTiming().iterations === 1;
    return !document.querySelector(".htmx-request") && !document.getAnimations().some(isChanging);
}"""


def attach_files(page: Page) -> None:
    """Attach a picture, and a file type that WhatsApp does not accept."""
    files = [("lamp.png", "image/png"), ("lamp.svg", "image/svg+xml")]
    page.locator(".attach input").set_input_files(
        [FilePayload(name=name, mimeType=kind, buffer=b"<svg/>") for name, kind in files]
    )
    page.locator("#files li").first.wait_for()


SELECT_FIRST_ROW = click_and_wait("#rows .row-checkbox", "#bulk button")
# States without a connection and after a failed request, and errors for texts that are too long.
SHOW_NOTICES = evaluate("""() => {
    document.getElementById("connection-status").hidden = false;
    Omnichannel.showNotice("No connection.", () => {});
}""")
ENTER_TOO_LONG_NOTE = evaluate("""() => {
    const note = document.getElementById("closing-note");
    note.removeAttribute("maxlength");
    note.value = "x".repeat(4001);
}""")


class PageState(NamedTuple):
    """A page after an action of a user; `{name}` in the path is a conversation of the scenario."""

    username: str
    path: str
    action: PageAction = do_nothing


def conversation_state(name: str, act: PageAction = do_nothing, username: str = "dana") -> PageState:
    return PageState(username, f"/desk/conversations/{{{name}}}/", act)


ANONYMOUS = "nobody"
ANONYMOUS_AND_ERROR_PAGES = [
    PageState(ANONYMOUS, "/sign-in/"),
    PageState("dana", "/nowhere/"),
    PageState("dana", "/desk/conversations/999999/"),
]
LIST_PAGES = [
    *(PageState("dana", f"/desk/?view={view}") for view in ("my", "open", "closed")),
    PageState("sofia", "/desk/?view=ongoing"),
    PageState("admin", "/desk/?view=my"),
    PageState("dana", "/desk/", click_and_wait("#presence-button", "#presence .menu-item")),
    PageState("dana", "/desk/", click_and_wait("header .menu:last-child summary", "#show-shortcuts")),
    PageState("dana", "/desk/", press_and_wait("?", "#shortcuts")),
    PageState("dana", "/desk/?view=my", in_sequence(SELECT_FIRST_ROW, SHOW_NOTICES)),
    PageState(
        "sofia",
        "/desk/?view=ongoing",
        in_sequence(SELECT_FIRST_ROW, click_and_wait("#bulk-transfer", "#dialog"), SHOW_NOTICES),
    ),
    PageState("dana in de", "/desk/", press_and_wait("?", "#shortcuts")),
    PageState("dana", "/desk/offers/"),
    PageState("dana", "/desk/search/?q=lamp"),
    PageState("dana", "/desk/search/?q=nothing-of-this"),
    PageState("dana", "/desk/filters/?view=my"),
    PageState("dana", "/desk/quick-replies/"),
    PageState("dana", "/desk/conversations/new/"),
    PageState("dana", "/desk/preferences/"),
    PageState("dana", "/desk/preferences/password/"),
    PageState("dana", "/desk/preferences/sessions/"),
]
CONVERSATION_PAGES = [
    *(
        conversation_state(name)
        for name in ("active", "message_kinds", "closing_soon", "window_closed", "opted_out", "blocked")
    ),
    *(conversation_state(name) for name in ("wrap_up", "waiting", "closed", "unnamed")),
    conversation_state("colleagues"),
    conversation_state("colleagues", username="sofia"),
    conversation_state("colleagues", click_and_wait("#do-monitor", "#do-join"), username="sofia"),
    conversation_state("active", press_and_wait("n", "#note-text:focus")),
    conversation_state("active", click_and_wait("#do-more", ".more-menu .menu-item")),
    conversation_state(
        "wrap_up",
        in_sequence(
            click_and_wait("#do-close", "#dialog"),
            ENTER_TOO_LONG_NOTE,
            click_and_wait("#dialog .primary", "#closing-note-error"),
        ),
    ),
    conversation_state("wrap_up", username="dana in de"),
    conversation_state(
        "active", in_sequence(press_and_wait("s", "#dialog"), click_and_wait("#dialog [value=at]", "#snooze-at-error"))
    ),
    conversation_state("active", in_sequence(click_and_wait("#do-more"), click_and_wait("#do-priority", "#dialog"))),
    conversation_state("open", click_and_wait("#do-assign", "#dialog"), username="sofia"),
    PageState("dana", "/desk/conversations/{active}/merge/"),
    PageState("dana", "/desk/conversations/{active}/transfer/"),
    conversation_state("active", click_and_wait("#thread .picture", "#lightbox img")),
    *(conversation_state("active", press_and_wait(key, "#dialog")) for key in ("t", "c", "l")),
]
TEMPLATE_ROW, TEMPLATE_FORM = "button.template-row", ".template-form"
COMPOSER_PAGES = [
    conversation_state("active", click_and_wait("#open-emoji", "#emoji button")),
    conversation_state(
        "active", fill_and_wait("#reply-text", "*Bold* and _slanted_\n> said\n- `so`", "#reply-preview strong")
    ),
    conversation_state("active", attach_files),
    conversation_state(
        "message_kinds", click_and_wait("#thread .in [data-reply-to]", "#reply-quote-text:text('مرحبا')")
    ),
    conversation_state(
        "window_closed",
        in_sequence(
            click_and_wait(TEMPLATE_ROW, TEMPLATE_FORM),
            fill_and_wait("[data-variable]", "Mei", ".template-variable:not(.is-empty)"),
        ),
    ),
    conversation_state(
        "window_closed",
        in_sequence(
            click_and_wait(TEMPLATE_ROW, TEMPLATE_FORM), click_and_wait(".template-send button", "[aria-invalid]")
        ),
    ),
    conversation_state(
        "active",
        in_sequence(
            click_and_wait("#do-templates", "#dialog"),
            click_and_wait(f"#dialog {TEMPLATE_ROW}", f"#dialog {TEMPLATE_FORM}"),
        ),
    ),
    conversation_state(
        "window_closed", click_and_wait(".template-sync button", ".template-sync [role]")
    ),  # Last, because Twilio has none of them.
]
ADMIN_PAGES = [
    PageState("admin", "/admin/"),
    PageState("admin", "/admin/routing/workstream/"),
    PageState("admin", "/admin/routing/workstream/1/change/"),
    PageState("admin", "/admin/routing/routingrule/1/change/"),
    PageState("admin", "/admin/routing/queue/add/"),
    PageState("admin", "/admin/channels_whatsapp/whatsappaccount/1/change/"),
    PageState("admin", "/admin/channels_whatsapp/messagetemplate/"),
    PageState("admin", "/simulator/", click_and_wait(".customer-link", "#thread li, #thread .bubble")),
    PageState("admin", "/simulator/console/"),
]


class AccessibilityChecker:
    """Open pages as different users, in English or "in de", and run axe on them."""

    def __init__(self, app: AppInstance, browser: Browser) -> None:
        self.app, self.browser = app, browser
        self.conversation_ids: dict[str, int] = app.call("create_scenario")
        self.contexts: dict[str, BrowserContext] = {}
        app.start_server("--no-worker")

    def page_for(self, username: str) -> Page:
        if username not in self.contexts:
            name, _, language = username.partition(" in ")
            size = {"width": 1440, "height": 900}
            context = self.browser.new_context(base_url=self.app.url, viewport=size, locale=language or "en")  # type: ignore[arg-type]
            context.add_init_script(AXE_SCRIPT)
            if name != ANONYMOUS:
                session = self.app.call("sign_in", username=name)
                context.add_cookies([{"name": "sessionid", "value": session, "url": self.app.url}])
            self.contexts[username] = context
            context.new_page()
        page = self.contexts[username].pages[0]
        page.set_default_timeout(10_000)
        return page

    def check(self, state: PageState) -> list[str]:
        """Return the violations in light and dark mode."""
        page = self.page_for(state.username)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        answer = page.goto(state.path.format(**self.conversation_ids), wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status < 500, state
        state.action(page)
        violations = self._run(page, FULL_CHECK)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        return [
            f"{state.username} {state.path}: {violation}"
            for violation in [*violations, *self._run(page, CONTRAST_CHECK)]
        ]

    def _run(self, page: Page, options: dict[str, Any]) -> list[str]:
        page.wait_for_function(PAGE_IS_IDLE)
        answer = page.evaluate(f"axe.run(document, {json.dumps(options)})")
        return [
            f"{broken['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for broken in answer["violations"]
            for node in broken["nodes"]
        ]

    def check_all(self, states: list[PageState]) -> list[str]:
        return [violation for state in states for violation in self.check(state)]

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


@pytest.fixture(scope="module")
def accessibility_checker(
    tmp_path_factory: pytest.TempPathFactory, template_database: TemporaryDatabase, browser: Browser
) -> Iterator[AccessibilityChecker]:
    with AppInstance(tmp_path_factory.mktemp("stage"), template=template_database) as desk:
        looks = AccessibilityChecker(desk, browser)
        yield looks
        looks.close()


@pytest.mark.parametrize(
    "states",
    [ANONYMOUS_AND_ERROR_PAGES, LIST_PAGES, CONVERSATION_PAGES, COMPOSER_PAGES, ADMIN_PAGES],
    ids=["strangers", "lists", "conversations", "writing", "administration"],
)
def test_axe_finds_nothing(accessibility_checker: AccessibilityChecker, states: list[PageState]) -> None:
    check_all = accessibility_checker.check_all(states)
    assert not check_all, "\n".join(check_all)


def test_pdf_preview_does_not_take_focus(accessibility_checker: AccessibilityChecker) -> None:
    page = accessibility_checker.page_for("dana")
    page.goto(
        conversation_state("message_kinds").path.format(**accessibility_checker.conversation_ids),
        wait_until="domcontentloaded",
    )
    page.locator("#reply-text").focus()
    page.evaluate("""() => {
        const pdf = document.querySelector("iframe.pdf");
        pdf.replaceWith(pdf.cloneNode());
        document.querySelector("iframe.pdf").focus();  // as the browser's viewer does when it has loaded
    }""")
    expect(page.locator("#reply-text")).to_be_focused()


def test_axe_finds_nothing_where_something_is_offered(accessibility_checker: AccessibilityChecker) -> None:
    accessibility_checker.app.call("create_offer")
    assert (
        accessibility_checker.check_all([PageState("dana", "/desk/", lambda page: page.locator(".offer").wait_for())])
        == []
    )


def test_axe_finds_nothing_on_a_refused_sign_in_and_a_locked_one(accessibility_checker: AccessibilityChecker) -> None:
    def fail(times: int) -> PageAction:
        def act(page: Page) -> None:
            for _ in range(times):
                page.locator("[name=username]").fill("dana")
                page.locator("[name=password]").fill("wrong")
                page.locator("form .button").click()

        return act

    assert (
        accessibility_checker.check_all(
            [PageState(ANONYMOUS, "/sign-in/", fail(1)), PageState(ANONYMOUS, "/sign-in/", fail(4))]
        )
        == []
    )
    assert accessibility_checker.page_for(ANONYMOUS).get_by_role("heading", name="Too many attempts").is_visible()


def test_axe_finds_nothing_where_the_first_administrator_is_created(
    accessibility_checker: AccessibilityChecker,
) -> None:
    def make_mistakes(page: Page) -> None:
        for field in ("first_name", "username", "password1", "password2"):
            page.locator(f"[name={field}]").fill(f"{field}!")
        page.locator("form .button").click()
        page.locator(".field-error").first.wait_for()

    link = accessibility_checker.app.call("set_administrators_active", are_active=False)
    try:
        violations = accessibility_checker.check_all(
            [PageState(ANONYMOUS, link), PageState(ANONYMOUS, link, make_mistakes), PageState("dana", link)]
        )
    finally:
        accessibility_checker.app.call("set_administrators_active", are_active=True)
    assert (
        violations
        + accessibility_checker.check_all([PageState(ANONYMOUS, link), PageState(ANONYMOUS, "/setup/forged/")])
        == []
    )
