"""Files are for their owner only, and the log names no secret and no customer, whatever its level."""

import http.client
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.builders import AUTH_TOKEN
from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import wait_until
from tests.processes.support.webhook_sender import build_text_form, post_concurrently

pytestmark = pytest.mark.process

PASSWORD = "correct horse"  # of the builders' users
WRITING_CUSTOMER, ANSWERED_CUSTOMER = "4915113000001", "4915114000000"


class Browser:
    """Requests with cookies and a CSRF token."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies = SimpleCookie()
        self.csrf_token = ""

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
        """Send a form, or no body with GET; return status and body."""
        body = urlencode({"csrfmiddlewaretoken": self.csrf_token, **form}) if method == "POST" else None
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        self.connection.request(
            method,
            path,
            body,
            {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        )
        response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        content = response.read().decode(errors="replace")
        if match := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', content):
            self.csrf_token = match[1]
        return response.status, content


def test_the_log_names_no_secret_and_no_customer_even_at_debug(app: AppInstance) -> None:
    shop = app.call("create_shop")
    app.call("create_customer_conversations", count=1)
    app.environment["LOG_LEVEL"] = "DEBUG"
    app.start_server()
    browser = Browser(app.port)
    browser.request("GET", "/sign-in/")
    assert browser.request("POST", "/sign-in/", username="dana", password="wrong-password")[0] == 200
    assert browser.request("POST", "/sign-in/", username="dana", password=PASSWORD)[0] == 302
    app.call("send_replies", replies_per_customer=1)
    webhook = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    assert post_concurrently(app.url, webhook, [build_text_form(shop, 1, "My card is 4111")]) == [200]
    for path in (
        "/desk/",
        f"/desk/search/?q={ANSWERED_CUSTOMER}",
        "/desk/conversations/1/",
        f"/nothing/?q={ANSWERED_CUSTOMER}",
    ):
        browser.request("GET", path)
    browser.request(
        "POST", "/desk/preferences/", {"Referer": f"{app.url}/?q={ANSWERED_CUSTOMER}"}, csrfmiddlewaretoken="bad"
    )
    wait_until(lambda: not app.call("count_reply_statuses").get("queued"), START_TIMEOUT, "the reply is sent")
    app.wait_until_applied()
    output = "".join(program.read_output() for program in app.processes)
    assert "Not Found: /nothing/" in output
    secrets = [
        AUTH_TOKEN,
        app.environment["SECRET_KEY"],
        browser.csrf_token,
        browser.cookies["csrftoken"].value,
        browser.cookies["sessionid"].value,
        PASSWORD,
        "wrong-password",
        WRITING_CUSTOMER,
        ANSWERED_CUSTOMER,
        "My card is",
    ]
    assert [secret for secret in secrets if secret in output] == []


def list_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix != ".log")


def list_open_files(folder: Path) -> list[str]:
    """Return the files and folders that others than their owner may read, write or enter."""
    return sorted(path.name for path in list_files(folder) if path.stat().st_mode & 0o077)


def test_the_server_creates_private_files_and_repairs_open_ones(app: AppInstance) -> None:
    app.call("create_shop")
    month, other = app.folder / "media/attachments/2026", app.folder / "media/of-another-program"
    month.mkdir(parents=True)
    (month / "photo.jpg").touch()
    other.touch()
    for path in list_files(app.folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert "photo.jpg" in list_open_files(app.folder)
    app.start_server("--no-worker")
    others = ["media", "of-another-program"]
    wait_until(lambda: list_open_files(app.folder) == others, START_TIMEOUT, "all files of the desk are private")
    if app.database.file.exists():
        assert {path.suffix for path in app.folder.glob("desk*")} == {".sqlite3", ".sqlite3-wal", ".sqlite3-shm"}
