"""Actions on a page that lead to the state to check or to take a screenshot of."""

from collections.abc import Callable

from playwright.sync_api import Page

PageAction = Callable[[Page], object]


def do_nothing(page: Page) -> None:
    """Do nothing on the page."""


def click_and_wait(selector: str, shows: str = "") -> PageAction:
    """Return an action that clicks on an element and waits for another one."""

    def act(page: Page) -> None:
        page.locator(selector).first.click()
        if shows:
            page.locator(shows).first.wait_for()

    return act


def press_and_wait(key: str, shows: str) -> PageAction:
    """Return an action that leaves the focused field, presses a key and waits for an element."""

    def act(page: Page) -> None:
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        page.locator(shows).first.wait_for()

    return act


def fill_and_wait(selector: str, text: str, shows: str) -> PageAction:
    """Return an action that fills a field and waits for an element."""

    def act(page: Page) -> None:
        page.locator(selector).first.fill(text)
        page.locator(shows).first.wait_for()

    return act


def in_sequence(*acts: PageAction) -> PageAction:
    """Return an action that runs these actions in order."""

    def act(page: Page) -> None:
        for action in acts:
            action(page)

    return act


def evaluate(script: str) -> PageAction:
    """Return an action that runs this JavaScript on the page."""
    return lambda page: page.evaluate(script)
