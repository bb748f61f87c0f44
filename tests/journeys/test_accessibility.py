"""WCAG 2.2 AA: axe finds nothing on any page in any state, in light and in dark."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.processes.databases import Database
from tests.processes.desk import Desk

pytestmark = pytest.mark.journey

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Frames are files of customers, shown by the browser's own viewer.
WHOLE = {"runOnly": RULES, "resultTypes": ["violations"], "iframes": False}
COLOURS = {**WHOLE, "runOnly": {"type": "rule", "values": ["color-contrast"]}}

# What the page fetches as it opens is there, and colours that change slowly have changed.
AT_REST = """() => {
    const isChanging = ({ playState, effect }) => playState === "running" && effect.getTiming().iterations === 1;
    return !document.querySelector(".htmx-request") && !document.getAnimations().some(isChanging);
}"""

Act = Callable[[Page], object]


def as_it_is(page: Page) -> None:
    """Nothing is done on the page."""


def click(selector: str, shows: str = "") -> Act:
    """Click there, and wait for what it shows."""

    def act(page: Page) -> None:
        page.locator(selector).first.click()
        if shows:
            page.locator(shows).first.wait_for()

    return act


def press(key: str, shows: str) -> Act:
    """Leave the field where the page put the cursor, press a key, and wait for what it shows."""

    def act(page: Page) -> None:
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.locator(shows).first.wait_for()

    return act


def fill(selector: str, text: str, shows: str) -> Act:
    """Type there, and wait for what it shows."""

    def act(page: Page) -> None:
        page.locator(selector).first.fill(text)
        page.locator(shows).first.wait_for()

    return act


def attach(page: Page) -> None:
    """Choose a picture to send, and a file that WhatsApp does not take."""
    files = [("lamp.png", "image/png"), ("lamp.svg", "image/svg+xml")]
    page.locator(".attach input").set_input_files(
        [{"name": name, "mimeType": kind, "buffer": b"<svg/>"} for name, kind in files]
    )
    page.locator("#files li").first.wait_for()


def in_turn(*acts: Act) -> Act:
    """One after the other."""

    def act(page: Page) -> None:
        for one in acts:
            one(page)

    return act


def run(script: str) -> Act:
    """Let the page itself do this."""
    return lambda page: page.evaluate(script)


PICK = click("#rows .row-pick", "#bulk button")
# What the connection and a failing request say; what is typed past a field's length comes back with an error.
SPEAK = run("""() => {
    document.getElementById("stream").hidden = false;
    Omnichannel.showNotice("No connection.", () => {});
}""")
TOO_LONG = run("""() => {
    const note = document.getElementById("closing-note");
    note.removeAttribute("maxlength");
    note.value = "x".repeat(4001);
}""")


class State(NamedTuple):
    """A page as somebody sees it after they did something; `{name}` is a conversation of the stage."""

    who: str
    path: str
    act: Act = as_it_is


def talk(name: str, act: Act = as_it_is, who: str = "dana") -> State:
    return State(who, f"/desk/conversations/{{{name}}}/", act)


NOBODY = "nobody"
STRANGERS = [
    State(NOBODY, "/sign-in/"),
    State("dana", "/nowhere/"),
    State("dana", "/desk/conversations/999999/"),
]
LISTS = [
    *(State("dana", f"/desk/?view={view}") for view in ("my", "open", "closed")),
    State("sofia", "/desk/?view=ongoing"),
    State("admin", "/desk/?view=my"),
    State("dana", "/desk/", click("#presence-shown", "#presence .menu-item")),
    State("dana", "/desk/", click("header .menu:last-child summary", "#show-shortcuts")),
    State("dana", "/desk/", press("?", "#shortcuts")),
    State("dana", "/desk/?view=my", in_turn(PICK, SPEAK)),
    State("sofia", "/desk/?view=ongoing", in_turn(PICK, click("#bulk-transfer", "#dialog"), SPEAK)),
    State("dana in de", "/desk/", press("?", "#shortcuts")),
    State("dana", "/desk/offers/"),
    State("dana", "/desk/search/?q=lamp"),
    State("dana", "/desk/search/?q=nothing-of-this"),
    State("dana", "/desk/filters/?view=my"),
    State("dana", "/desk/quick-replies/"),
    State("dana", "/desk/start/"),
    State("dana", "/desk/preferences/"),
    State("dana", "/desk/preferences/password/"),
]
TALKS = [
    *(talk(name) for name in ("active", "kinds", "closing_soon", "window_closed", "opted_out", "blocked")),
    *(talk(name) for name in ("wrap_up", "waiting", "closed", "nameless")),
    talk("of_a_colleague"),
    talk("of_a_colleague", who="sofia"),
    talk("of_a_colleague", click("#do-monitor", "#do-join"), who="sofia"),
    talk("active", press("n", "#note-text:focus")),
    talk("active", click("#do-more", ".more-menu .menu-item")),
    talk("wrap_up", in_turn(click("#do-close", "#dialog"), TOO_LONG, click("#dialog .primary", "#closing-note-error"))),
    talk("wrap_up", who="dana in de"),
    talk("active", in_turn(press("s", "#dialog"), click("#dialog [value=at]", "#snooze-at-error"))),
    talk("active", in_turn(click("#do-more"), click("#do-priority", "#dialog"))),
    talk("open", click("#do-assign", "#dialog"), who="sofia"),
    State("dana", "/desk/conversations/{active}/merge/"),
    State("dana", "/desk/conversations/{active}/transfer/"),
    talk("active", click("#thread .picture", "#viewer img")),
    *(talk("active", press(key, "#dialog")) for key in ("t", "c", "l")),
]
TEMPLATE, FILLED = "button.template-row", ".template-form"
WRITING = [
    talk("active", click("#open-emoji", "#emoji button")),
    talk("active", fill("#reply-text", "*Bold* and _slanted_\n> said\n- `so`", "#as-seen strong")),
    talk("active", attach),
    talk("kinds", click("#thread .in [data-reply-to]", "#quoting-text:text('مرحبا')")),
    talk("window_closed", in_turn(click(TEMPLATE, FILLED), fill("[data-variable]", "Mei", ".slot:not(.is-empty)"))),
    talk("window_closed", in_turn(click(TEMPLATE, FILLED), click(".template-send button", "[aria-invalid]"))),
    talk("active", in_turn(click("#do-templates", "#dialog"), click(f"#dialog {TEMPLATE}", f"#dialog {FILLED}"))),
    talk("window_closed", click(".template-sync button", ".template-sync [role]")),  # last: Twilio has none of them
]
ADMINISTRATION = [
    State("admin", "/admin/"),
    State("admin", "/admin/routing/workstream/"),
    State("admin", "/admin/routing/workstream/1/change/"),
    State("admin", "/admin/routing/routingrule/1/change/"),
    State("admin", "/admin/routing/queue/add/"),
    State("admin", "/admin/channels_whatsapp/whatsappaccount/1/change/"),
    State("admin", "/admin/channels_whatsapp/messagetemplate/"),
    State("admin", "/simulator/", click(".person", "#thread li, #thread .bubble")),
    State("admin", "/simulator/console/"),
]


class Inspector:
    """Opens the desk's pages as different people, in English or "in de", and lets axe look at them."""

    def __init__(self, desk: Desk, browser: Browser) -> None:
        self.desk, self.browser = desk, browser
        self.stage: dict[str, int] = desk.ask("set_the_stage")
        self.people: dict[str, BrowserContext] = {}
        desk.serve("--no-worker")

    def page_of(self, who: str) -> Page:
        if who not in self.people:
            name, _, language = who.partition(" in ")
            size = {"width": 1440, "height": 900}
            context = self.browser.new_context(base_url=self.desk.url, viewport=size, locale=language or "en")  # type: ignore[arg-type]
            context.add_init_script(AXE)
            if name != NOBODY:
                session = self.desk.ask("sign_in", username=name)
                context.add_cookies([{"name": "sessionid", "value": session, "url": self.desk.url}])
            self.people[who] = context
            context.new_page()
        page = self.people[who].pages[0]
        page.set_default_timeout(10_000)
        return page

    def look_at(self, state: State) -> list[str]:
        """What axe complains of, in light and in dark."""
        page = self.page_of(state.who)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        answer = page.goto(state.path.format(**self.stage), wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status < 500, state
        state.act(page)
        found = self._run(page, WHOLE)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        return [f"{state.who} {state.path}: {one}" for one in [*found, *self._run(page, COLOURS)]]

    def _run(self, page: Page, options: dict[str, Any]) -> list[str]:
        page.wait_for_function(AT_REST)
        answer = page.evaluate(f"axe.run(document, {json.dumps(options)})")
        return [
            f"{broken['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for broken in answer["violations"]
            for node in broken["nodes"]
        ]

    def complaints(self, states: list[State]) -> list[str]:
        return [one for state in states for one in self.look_at(state)]

    def close(self) -> None:
        for context in self.people.values():
            context.close()


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory, _blank: Database, browser: Browser) -> Iterator[Inspector]:
    with Desk(tmp_path_factory.mktemp("stage"), blank=_blank) as desk:
        looks = Inspector(desk, browser)
        yield looks
        looks.close()


@pytest.mark.parametrize(
    "states",
    [STRANGERS, LISTS, TALKS, WRITING, ADMINISTRATION],
    ids=["strangers", "lists", "conversations", "writing", "administration"],
)
def test_axe_finds_nothing(inspector: Inspector, states: list[State]) -> None:
    complaints = inspector.complaints(states)
    assert not complaints, "\n".join(complaints)


def test_a_pdf_takes_the_focus_from_nobody(inspector: Inspector) -> None:
    page = inspector.page_of("dana")
    page.goto(talk("kinds").path.format(**inspector.stage), wait_until="domcontentloaded")
    page.locator("#reply-text").focus()
    page.evaluate("""() => {
        const pdf = document.querySelector("iframe.pdf");
        pdf.replaceWith(pdf.cloneNode());
        document.querySelector("iframe.pdf").focus();  // as the browser's viewer does when it has loaded
    }""")
    expect(page.locator("#reply-text")).to_be_focused()


def test_axe_finds_nothing_where_something_is_offered(inspector: Inspector) -> None:
    inspector.desk.ask("offer")
    assert inspector.complaints([State("dana", "/desk/", lambda page: page.locator(".offer").wait_for())]) == []


def test_axe_finds_nothing_on_a_refused_sign_in_and_a_locked_one(inspector: Inspector) -> None:
    def fail(times: int) -> Act:
        def act(page: Page) -> None:
            for _ in range(times):
                page.locator("[name=username]").fill("dana")
                page.locator("[name=password]").fill("wrong")
                page.locator("form .button").click()

        return act

    assert inspector.complaints([State(NOBODY, "/sign-in/", fail(1)), State(NOBODY, "/sign-in/", fail(4))]) == []
    assert inspector.page_of(NOBODY).get_by_role("heading", name="Too many attempts").is_visible()


def test_axe_finds_nothing_where_the_first_administrator_is_created(inspector: Inspector) -> None:
    def make_mistakes(page: Page) -> None:
        for field in ("first_name", "username", "password1", "password2"):
            page.locator(f"[name={field}]").fill(f"{field}!")
        page.locator("form .button").click()
        page.locator(".field-error").first.wait_for()

    link = inspector.desk.ask("administrators", are_active=False)
    try:
        found = inspector.complaints([State(NOBODY, link), State(NOBODY, link, make_mistakes), State("dana", link)])
    finally:
        inspector.desk.ask("administrators", are_active=True)
    assert found + inspector.complaints([State(NOBODY, link), State(NOBODY, "/setup/forged/")]) == []
