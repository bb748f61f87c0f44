"""`make screenshots`: save screenshots of all pages, light and dark, wide and narrow, in docs/screenshots/.

Three of them are copied to docs/ for the README. `python -m tests.screenshots conversation stream` takes only these.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browsers import CHROMIUM_ARGUMENTS, CHROMIUM_PATH
from tests.page_actions import (
    PageAction,
    click_and_wait,
    do_nothing,
    evaluate,
    fill_and_wait,
    in_sequence,
    press_and_wait,
)
from tests.processes.support.app_instance import AppInstance, create_template_database
from tests.processes.support.databases import ROOT

SCREENSHOT_FOLDER = ROOT / "docs" / "screenshots"
VIEWPORT_SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
ACTION_TIMEOUT = 6_000  # milliseconds
THEMES = ("light", "dark")
README_PICTURES = {"conversation-light-wide": "desk", "conversation-dark-narrow": "phone", "stream-light-wide": "admin"}
# Fragments that load with the page have arrived.
PAGE_IS_IDLE = "() => !document.querySelector('.htmx-request') && [...document.images].every((one) => one.complete)"


class Scene(NamedTuple):
    """A page in a state: name of the screenshot, user, path and action.

    `{name}` in the path is the id of a conversation of the scenario, or a path by its name.
    """

    name: str
    username: str
    path: str
    action: PageAction = do_nothing
    language: str = "en"
    full_page: bool = False
    themes: tuple[str, ...] = THEMES


def fail_to_sign_in(times: int) -> PageAction:
    """Return an action that signs in with a wrong password, each time as another user."""

    def act(page: Page) -> None:
        name = page.evaluate("crypto.randomUUID()")
        for _ in range(times):
            page.locator("[name=username]").fill(name)
            page.locator("[name=password]").fill("wrong")
            page.locator("form .button").click()

    return act


def conversation(name: str, key: str, action: PageAction = do_nothing, username: str = "dana") -> Scene:
    return Scene(name, username, f"/desk/conversations/{{{key}}}/", action)


def dialog(name: str, key: str, username: str = "dana") -> Scene:
    """Return the dialog with the URL `name`, as a page of its own and in English."""
    return Scene(f"dialog-{name}", username, f"/desk/conversations/{{{key}}}/{name}/")


DIALOG = "#dialog"
OPEN_SEARCH = in_sequence(press_and_wait("/", "#search:focus"), fill_and_wait("#search", "lamp", ".search-results"))
SELECT_ROWS = click_and_wait("#rows .row-checkbox", "#bulk button")
OPEN_MENU = click_and_wait("#do-more", ".more-menu .menu-item")
OPEN_TEMPLATE = click_and_wait("button.template-row", ".template-form")
SHOW_CUSTOMER = evaluate("() => { location.hash = 'customer'; }")
OPEN_SECTIONS = in_sequence(
    SHOW_CUSTOMER,
    evaluate("""() => {
        document.querySelectorAll(".panel-section").forEach((section) => { section.open = true; });
        document.querySelector(".panel-sections").scrollIntoView();
    }"""),
)
SHOW_PANEL = evaluate("() => { location.hash = 'panel'; }")
SHOW_DETAILS = in_sequence(
    SHOW_CUSTOMER, evaluate("() => document.getElementById('customer-details').scrollIntoView()")
)
SHOW_NOTICES = evaluate("""() => {
    document.getElementById("connection-status").hidden = false;
    Omnichannel.showNotice("No connection.", { retry: () => {} });
}""")

FILL_SETUP = in_sequence(
    *(
        fill_and_wait(f"[name={name}]", f"{name}!", "form")
        for name in ("first_name", "username", "password1", "password2")
    ),
    click_and_wait("form .button", ".field-error"),
)
FIND_JONAS = fill_and_wait("#merge-query", "Jonas", ".merge-candidates a")

SCENES = [
    Scene("sign-in", "", "/sign-in/"),
    Scene("inbox", "dana", "/desk/"),
    Scene("inbox-empty", "admin", "/desk/?view=my"),
    Scene("inbox-open", "dana", "/desk/?view=open"),
    conversation("conversation", "active"),
    conversation("message_kinds", "message_kinds"),
    conversation("window-closed", "window_closed"),
    conversation("wrap-up", "wrap_up"),
    conversation("closed", "closed"),
    Scene("search", "dana", "/desk/", OPEN_SEARCH),
    Scene("shortcuts", "dana", "/desk/", press_and_wait("?", "#shortcuts")),
    Scene("preferences", "dana", "/desk/preferences/", full_page=True),
    conversation("supervisor", "colleagues", username="sofia"),
    Scene("administration", "admin", "/admin/"),
    Scene("stream", "admin", "/admin/routing/workstream/1/change/"),
    Scene("rule", "admin", "/admin/routing/routingrule/1/change/"),
    Scene("channel", "admin", "/admin/channels_whatsapp/whatsappaccount/1/change/"),
    Scene("customers-phone", "admin", "/simulator/"),
]
OFFER_SCENE = Scene("offer", "dana", "/desk/", lambda page: page.locator(".offer").wait_for())
MORE_SCENES = [
    Scene("sign-in-refused", "", "/sign-in/", fail_to_sign_in(1)),
    Scene("sign-in-locked", "", "/sign-in/", fail_to_sign_in(5)),
    Scene("not-found", "dana", "/nowhere/"),
    Scene("no-conversation", "dana", "/desk/conversations/999999/"),
    Scene("forbidden", "dana", "/admin/routing/queue/"),
    Scene("setup-forged", "", "/setup/forged/"),
    Scene("inbox-closed", "dana", "/desk/?view=closed"),
    Scene("inbox-ongoing", "sofia", "/desk/?view=ongoing"),
    Scene("inbox-empty-closed", "admin", "/desk/?view=closed"),
    Scene("filters", "dana", "/desk/", click_and_wait("#do-filter", DIALOG)),
    Scene("sort-menu", "dana", "/desk/", click_and_wait("#sort-by", ".sort-menu .menu-item")),
    Scene("presence-menu", "dana", "/desk/", click_and_wait("#presence-button", "#presence .menu-item")),
    Scene("account-menu", "dana", "/desk/", click_and_wait("header .menu:last-child summary", "#show-shortcuts")),
    Scene("offers", "dana", "/desk/offers/"),
    Scene("bulk", "sofia", "/desk/?view=ongoing", SELECT_ROWS),
    Scene("bulk-own", "dana", "/desk/?view=my", SELECT_ROWS),
    Scene(
        "bulk-transfer",
        "sofia",
        "/desk/?view=ongoing",
        in_sequence(SELECT_ROWS, click_and_wait("#bulk-transfer", DIALOG)),
    ),
    Scene("bulk-end", "dana", "/desk/?view=my", in_sequence(SELECT_ROWS, click_and_wait("#bulk-end", DIALOG))),
    Scene("notices", "dana", "/desk/", SHOW_NOTICES),
    Scene("search-nothing", "dana", "/desk/search/?q=nothing-of-this"),
    Scene("search-number", "dana", "/desk/search/?q=%2B49301234567"),
    Scene("quick-replies", "dana", "/desk/quick-replies/", full_page=True),
    Scene("new-conversation", "dana", "/desk/conversations/new/"),
    Scene("new-conversation-template", "dana", "/desk/conversations/new/?to=%2B49301234567", OPEN_TEMPLATE),
    Scene("password", "dana", "/desk/preferences/password/"),
    conversation("closing-soon", "closing_soon"),
    conversation("opted-out", "opted_out"),
    conversation("opted-out-customer", "opted_out", SHOW_CUSTOMER),
    conversation("blocked", "blocked"),
    conversation("blocked-customer", "blocked", SHOW_CUSTOMER),
    conversation("waiting", "waiting"),
    conversation("open", "open"),
    conversation("unnamed", "unnamed"),
    conversation("colleagues", "colleagues"),
    conversation("monitored", "colleagues", click_and_wait("#do-monitor", "#do-join"), username="sofia"),
    conversation("supervisor-menu", "open", OPEN_MENU, username="sofia"),
    conversation("more-menu", "active", OPEN_MENU),
    conversation("customer", "active", SHOW_CUSTOMER),
    conversation("customer-details", "active", SHOW_DETAILS),
    conversation("customer-sections", "active", OPEN_SECTIONS),
    conversation("note", "active", click_and_wait(".mode-switch label:last-child", "#note-text")),
    conversation("emoji", "active", click_and_wait("#open-emoji", "#emoji button")),
    conversation("command-palette", "active", click_and_wait("#open-quick-replies", "#command-palette [role=option]")),
    conversation("save-quick-reply", "active", click_and_wait("#do-save-quick-reply", DIALOG)),
    conversation(
        "preview",
        "active",
        fill_and_wait("#reply-text", "*Bold* and _slanted_\n> said\n- `so`", "#reply-preview strong"),
    ),
    conversation("templates", "active", click_and_wait("#do-templates", DIALOG)),
    conversation(
        "template",
        "active",
        in_sequence(click_and_wait("#do-templates", DIALOG), click_and_wait(f"{DIALOG} .template-row")),
    ),
    conversation("template-in-composer", "window_closed", OPEN_TEMPLATE),
    conversation(
        "template-refused",
        "window_closed",
        in_sequence(OPEN_TEMPLATE, click_and_wait(".template-send button", "[aria-invalid]")),
    ),
    conversation("picture", "active", click_and_wait("#thread .picture", "#lightbox img")),
    conversation("dialog-transfer", "active", click_and_wait("#do-transfer", DIALOG)),
    *(
        conversation(f"dialog-{name}", "active", in_sequence(OPEN_MENU, click_and_wait(f"#do-{name}", DIALOG)))
        for name in ("consult", "labels", "snooze", "priority")
    ),
    conversation("dialog-close", "wrap_up", click_and_wait("#do-close", DIALOG)),
    conversation("dialog-assign", "open", click_and_wait("#do-assign", DIALOG), username="sofia"),
    *(
        dialog(name, "active")
        for name in (
            "end-and-close",
            "customer-labels",
            "customer-notes",
            "customer-files",
            "timeline",
            "previous-conversations",
        )
    ),
    conversation("merge", "active", in_sequence(SHOW_CUSTOMER, click_and_wait("#do-merge", DIALOG), FIND_JONAS)),
    conversation(
        "merge-comparison",
        "active",
        in_sequence(
            SHOW_CUSTOMER,
            click_and_wait("#do-merge", DIALOG),
            FIND_JONAS,
            click_and_wait(".merge-candidates a", f"{DIALOG} button.primary"),
        ),
    ),
    Scene("merge-nothing", "dana", "/desk/conversations/{active}/merge/?q=nobody"),
    Scene("phone-chat", "admin", "/simulator/", click_and_wait(".customer-link", "#thread .bubble"), full_page=True),
    Scene(
        "phone-panel",
        "admin",
        "/simulator/",
        in_sequence(click_and_wait(".customer-link", "#thread .bubble"), SHOW_PANEL),
    ),
    Scene("console", "admin", "/simulator/console/", full_page=True),
    Scene("admin-search", "admin", "/admin/conversations/conversation/?q=nobody"),
    Scene("admin-password", "admin", "/admin/password_change/"),
    Scene("admin-delete", "admin", "/admin/routing/skill/1/delete/"),
    Scene(
        "admin-validate",
        "admin",
        "/admin/channels_whatsapp/whatsappaccount/1/change/",
        click_and_wait("[data-validate]", ".findings"),
        full_page=True,
    ),
    Scene(
        "admin-rules-tested",
        "admin",
        "/admin/routing/workstream/1/change/",
        in_sequence(
            fill_and_wait("[name$=first_message]", "Lampe", "[data-dry-run]"),
            click_and_wait("[data-dry-run]", "#dry-run-result *"),
        ),
        full_page=True,
    ),
    Scene(
        "admin-error",
        "admin",
        "/admin/routing/queue/add/",
        click_and_wait("[name=_save]", ".errorlist, .errornote"),
    ),
]
LONG_SCENES = [
    conversation("long", "long"),
    conversation("long-customer", "long", SHOW_CUSTOMER),
    Scene("long-inbox", "dana", "/desk/"),
    Scene("long-search", "dana", "/desk/search/?q=Maximiliane"),
    conversation("long-transfer", "long", click_and_wait("#do-transfer", DIALOG)),
    conversation("long-labels", "long", in_sequence(OPEN_MENU, click_and_wait("#do-labels", DIALOG))),
    Scene("long-admin", "admin", "/admin/conversations/conversation/"),
]
# The desk remembers the filters, so these come last.
FILTER_SCENES = [
    Scene("inbox-empty-open", "admin", "/desk/?view=open&priority=4&sort=newest"),
    Scene("inbox-filtered", "dana", "/desk/?view=my&unread=1&closing_soon=1&priority=1&sort=newest"),
]
SETUP_SCENES = [
    Scene("setup", "", "{setup}"),
    Scene("setup-refused", "", "{setup}", FILL_SETUP),
    Scene("setup-signed-in", "dana", "{setup}"),
]
NOT_TRANSLATED = ("admin", "stream", "rule", "channel", "phone", "customers-phone", "console")


def in_german(scenes: list[Scene]) -> list[Scene]:
    """Return these scenes in German, without the pages that are in English only."""
    return [
        scene._replace(name=f"{scene.name}-de", language="de", themes=("light",))
        for scene in scenes
        if not scene.name.startswith(NOT_TRANSLATED)
    ]


class ScreenshotTaker:
    """Take each scene in each theme and size, or only the scenes with these names."""

    def __init__(self, app: AppInstance, browser: Browser, names: tuple[str, ...]) -> None:
        self.app, self.browser, self.names = app, browser, names
        self.paths: dict[str, Any] = {}
        self.sessions: dict[str, str] = {}
        self.contexts: dict[tuple[str, str, str, int], BrowserContext] = {}
        self.errors: list[str] = []

    def capture(self, scenes: list[Scene]) -> None:
        for scene in scenes:
            if self.names and scene.name not in self.names:
                continue
            for theme in scene.themes:
                for size, (width, height) in VIEWPORT_SIZES.items():
                    context = self._get_context(scene.username, scene.language, theme, width, height)
                    self._save_screenshot(context, scene, f"{scene.name}-{theme}-{size}")

    def _get_context(self, username: str, language: str, theme: str, width: int, height: int) -> BrowserContext:
        key = (username, language, theme, width)
        if key not in self.contexts:
            self.contexts[key] = self._create_context(username, language, theme, width, height)
        return self.contexts[key]

    def _create_context(self, username: str, language: str, theme: str, width: int, height: int) -> BrowserContext:
        context = self.browser.new_context(
            base_url=self.app.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
            locale=language,
        )
        if username:
            self.sessions[username] = self.sessions.get(username) or self.app.call("sign_in", username=username)
            cookies: list[Any] = [
                {"name": "sessionid", "value": self.sessions[username], "url": self.app.url},
                {"name": "timezone", "value": "Europe%2FBerlin", "url": self.app.url},
            ]
            context.add_cookies(cookies)
        return context

    def _save_screenshot(self, context: BrowserContext, scene: Scene, name: str) -> None:
        page = context.new_page()
        page.set_default_timeout(ACTION_TIMEOUT)
        try:
            page.goto(scene.path.format(**self.paths))
            page.wait_for_function(PAGE_IS_IDLE)
            scene.action(page)
            page.wait_for_function(PAGE_IS_IDLE)
        except PlaywrightError as error:  # One state that cannot be reached must not cost all other screenshots.
            self.errors.append(f"{name}: {str(error).splitlines()[0]}")
        page.wait_for_timeout(150)
        page.screenshot(path=SCREENSHOT_FOLDER / f"{name}.png", animations="disabled", full_page=scene.full_page)
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")  # drafts of replies
        page.close()


def capture_all(taker: ScreenshotTaker) -> None:
    """Take all scenes; those for the README come first, before records with long names exist."""
    call = taker.app.call
    taker.paths |= call("create_scenario")
    taker.app.start_server("--no-worker")
    taker.capture(SCENES)
    call("create_settings_of_every_kind")
    call("create_failed_work")
    admin_paths = call("list_admin_paths")
    taker.capture(MORE_SCENES)
    taker.capture([Scene(name, "admin", path, full_page=True, themes=("light",)) for name, path in admin_paths.items()])
    taker.capture(in_german(SCENES + MORE_SCENES))
    taker.paths |= call("create_long_names")
    taker.capture(LONG_SCENES + in_german(LONG_SCENES))
    call("create_offer")
    taker.capture([OFFER_SCENE, *in_german([OFFER_SCENE])])
    taker.capture(FILTER_SCENES + in_german(FILTER_SCENES))
    taker.paths["setup"] = call("set_administrators_active", are_active=False)
    taker.capture(SETUP_SCENES + in_german(SETUP_SCENES))


def main(*names: str) -> None:
    SCREENSHOT_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        blank = create_template_database(Path(folder))
        (Path(folder) / "desk").mkdir()
        with AppInstance(Path(folder) / "desk", template=blank) as desk:
            browser = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_ARGUMENTS)
            taker = ScreenshotTaker(desk, browser, names)
            capture_all(taker)
            browser.close()
        blank.drop()
    for picture, name in README_PICTURES.items():
        if (SCREENSHOT_FOLDER / f"{picture}.png").exists():
            shutil.copy(SCREENSHOT_FOLDER / f"{picture}.png", SCREENSHOT_FOLDER.parent / f"{name}.png")
    print(f"Screenshots are in {SCREENSHOT_FOLDER.relative_to(ROOT)}/.")
    sys.exit("\n".join(taker.errors) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
