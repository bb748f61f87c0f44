"""A real browser with a running app."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browsers import CHROMIUM_ARGUMENTS, CHROMIUM_PATH
from tests.processes.conftest import app, template_database
from tests.processes.support.app_instance import AppInstance

__all__ = ["app", "template_database"]

PASSWORD = "correct horse"
# Chromium reports refused requests, which have 4xx statuses, and requests without a network as errors.
# Tests expect both.
EXPECTED_CONSOLE_ERRORS = (
    "the server responded with a status of 4",
    "net::ERR_INTERNET_DISCONNECTED",
    "htmx:sendError",
    "htmx:afterRequest",
)

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page_as(browser: Browser, app: AppInstance) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page in a new browser context, signed in if a user name is given.

    An unexpected error in a console fails the test.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def record_error(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(pattern in message.text for pattern in EXPECTED_CONSOLE_ERRORS):
            errors.append(message.text)

    def open_browser(name: str = "", **options: object) -> Page:
        context = browser.new_context(base_url=app.url, **options)  # type: ignore[arg-type]
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", record_error)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if name:
            sign_in(page, name)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert not errors


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/desk/**")
