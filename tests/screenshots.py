"""`make screenshots`: save screenshots of the desk's states, light and dark, wide and narrow, in docs/screenshots/.

Three of them are copied to docs/ for the README. `python -m tests.screenshots conversation stream` takes only these.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browsers import CHROMIUM_ARGUMENTS, CHROMIUM_PATH
from tests.processes.support.app_instance import AppInstance, create_template_database
from tests.processes.support.databases import ROOT

SCREENSHOT_FOLDER = ROOT / "docs" / "screenshots"
VIEWPORT_SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
README_PICTURES = {"conversation-light-wide": "desk", "conversation-dark-narrow": "phone", "stream-light-wide": "admin"}
# Fragments that load with the page have arrived.
PAGE_IS_IDLE = "() => !document.querySelector('.htmx-request') && [...document.images].every((one) => one.complete)"

PageAction = Callable[[Page], object]


class Scene(NamedTuple):
    """A page in a state: name of the screenshot, user, path and action."""

    name: str
    username: str
    path: str
    action: PageAction | None = None


def open_search(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("lamp")
    page.wait_for_timeout(800)


def open_shortcuts(page: Page) -> None:
    page.keyboard.press("?")


def wait_for_offer(page: Page) -> None:
    page.locator(".offer").wait_for()


SCENES = [
    Scene("sign-in", "", "/sign-in/"),
    Scene("inbox", "dana", "/desk/"),
    Scene("inbox-empty", "admin", "/desk/?view=my"),
    Scene("inbox-open", "dana", "/desk/?view=open"),
    Scene("conversation", "dana", "/desk/conversations/{active}/"),
    Scene("message_kinds", "dana", "/desk/conversations/{message_kinds}/"),
    Scene("window-closed", "dana", "/desk/conversations/{window_closed}/"),
    Scene("wrap-up", "dana", "/desk/conversations/{wrap_up}/"),
    Scene("closed", "dana", "/desk/conversations/{closed}/"),
    Scene("search", "dana", "/desk/", open_search),
    Scene("shortcuts", "dana", "/desk/", open_shortcuts),
    Scene("preferences", "dana", "/desk/preferences/"),
    Scene("supervisor", "sofia", "/desk/conversations/{colleagues}/"),
    Scene("administration", "admin", "/admin/"),
    Scene("stream", "admin", "/admin/routing/workstream/1/change/"),
    Scene("rule", "admin", "/admin/routing/routingrule/1/change/"),
    Scene("channel", "admin", "/admin/channels_whatsapp/whatsappaccount/1/change/"),
    Scene("customers-phone", "admin", "/simulator/"),
]
OFFER_SCENE = Scene("offer", "dana", "/desk/", wait_for_offer)


class ScreenshotTaker:
    """Take each scene in each theme and size."""

    def __init__(self, app: AppInstance, browser: Browser, stage: dict[str, int]) -> None:
        self.app, self.browser, self.conversation_ids = app, browser, stage
        self.sessions: dict[str, str] = {}

    def capture(self, scene: Scene, language: str = "en") -> None:
        for theme in THEMES:
            for size, (width, height) in VIEWPORT_SIZES.items():
                with self._context(scene.username, theme, width, height, language) as context:
                    self._save_screenshot(context, scene, f"{scene.name}-{theme}-{size}")

    @contextmanager
    def _context(self, username: str, theme: str, width: int, height: int, language: str) -> Iterator[BrowserContext]:
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
        yield context
        context.close()

    def _save_screenshot(self, context: BrowserContext, scene: Scene, name: str) -> None:
        page = context.new_page()
        page.goto(scene.path.format(**self.conversation_ids))
        page.wait_for_function(PAGE_IS_IDLE)
        if scene.action:
            scene.action(page)
        page.wait_for_function(PAGE_IS_IDLE)
        page.wait_for_timeout(150)
        page.screenshot(path=SCREENSHOT_FOLDER / f"{name}.png", animations="disabled")


def main(*names: str) -> None:
    SCREENSHOT_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        blank = create_template_database(Path(folder))
        (Path(folder) / "desk").mkdir()
        with AppInstance(Path(folder) / "desk", template=blank) as desk:
            conversation_ids = desk.call("create_scenario")
            desk.start_server("--no-worker")
            browser = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_ARGUMENTS)
            photographer = ScreenshotTaker(desk, browser, conversation_ids)
            for scene in SCENES:
                if not names or scene.name in names:
                    photographer.capture(scene)
            desk.call("create_offer")
            if not names or OFFER_SCENE.name in names:
                photographer.capture(OFFER_SCENE)
            browser.close()
        blank.drop()
    for picture, name in README_PICTURES.items():
        if (SCREENSHOT_FOLDER / f"{picture}.png").exists():
            shutil.copy(SCREENSHOT_FOLDER / f"{picture}.png", SCREENSHOT_FOLDER.parent / f"{name}.png")
    print(f"Screenshots are in {SCREENSHOT_FOLDER.relative_to(ROOT)}/.")


if __name__ == "__main__":
    main(*sys.argv[1:])
