"""The start on a public server: static files, first administrator, no demo accounts."""

import http.client
import json
import os
import re
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from omnichannel.accounts.demo_accounts import DEMO_PASSWORD, DEMO_USERNAMES
from tests.processes.support.app_instance import START_TIMEOUT, STOP_TIMEOUT, AppInstance
from tests.processes.support.databases import ROOT
from tests.processes.support.managed_process import ManagedProcess, wait_until

pytestmark = pytest.mark.process

PUBLIC_URL = "https://desk.example.com"
FUTURE_TIMESTAMP = datetime(2035, 1, 1, tzinfo=UTC).timestamp()


class HttpClient:
    """Send requests as a TLS proxy passes them on, with cookies."""

    def __init__(self, port: int) -> None:
        self._port, self._cookies = port, SimpleCookie()

    def request(self, method: str, url: str, form: dict[str, str] | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {
            "Host": urlsplit(PUBLIC_URL).netloc,
            "X-Forwarded-Proto": "https",
            "Referer": PUBLIC_URL,
            "Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request(method, urlsplit(url).path, urlencode(form) if form else None, headers)
        response = connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        return response

    def get(self, url: str) -> str:
        """Return the page, which must exist."""
        response = self.request("GET", url)
        assert response.status == 200, (url, response.status)
        return response.read().decode()

    def post(self, url: str, **form: str) -> int:
        """Fill in the form at the URL and post it; return the status."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(url))[0]
        return self.request("POST", url, {"csrfmiddlewaretoken": token, **form}).status


@pytest.fixture
def static_root(tmp_path: Path) -> Path:
    """Return the folder for static files, which does not exist yet."""
    return tmp_path / "static"


@pytest.fixture
def production_app(app: AppInstance, static_root: Path) -> AppInstance:
    """Return an app with the settings of a public server behind a TLS proxy."""
    app.environment |= {
        "DEBUG": "",
        "PUBLIC_URL": PUBLIC_URL,
        "WHATSAPP_BACKEND": "",
        "TEST_STATIC_ROOT": str(static_root),
    }
    return app


def start_server(app: AppInstance) -> ManagedProcess:
    return app.start_server("--no-worker", "--port", str(app.port))


def setup_link(server: ManagedProcess) -> str:
    """Return the setup link that the server printed."""
    wait_until(
        lambda: "Omnichannel is running at" in server.read_output(), START_TIMEOUT, "the server says where it is"
    )
    return str(re.findall(rf"{PUBLIC_URL}/setup/\S+/", server.read_output())[0])


def create_administrator(browser: HttpClient, link: str) -> None:
    password = "many horses, one battery"
    names = {"first_name": "Grace", "last_name": "Hopper", "username": "grace"}
    assert browser.post(link, **names, password1=password, password2=password) == 302


def create_old_static_files(static: Path) -> None:
    """Create static files of an older release: other contents, newer dates, and their own manifest."""
    for name in ("css/admin.css", "css/admin.0123456789ab.css"):
        old = static / name
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("body { color: red }")
        os.utime(old, (FUTURE_TIMESTAMP, FUTURE_TIMESTAMP))
    manifest = {"paths": {"css/admin.css": "css/admin.0123456789ab.css"}, "version": "1.1", "hash": "0"}
    (static / "staticfiles.json").write_text(json.dumps(manifest))


def linked_paths(page: str, ending: str) -> list[str]:
    return re.findall(rf'(?:href|src)="(/[^"]+\.{ending})"', page)


@pytest.mark.parametrize("is_upgrade", [False, True], ids=["empty folder", "older release"])
def test_a_production_start_serves_the_styles_and_scripts_of_desk_and_administration(
    production_app: AppInstance, static_root: Path, is_upgrade: bool
) -> None:
    if is_upgrade:
        create_old_static_files(static_root)
    browser = HttpClient(production_app.port)
    create_administrator(browser, setup_link(start_server(production_app)))
    administration, desk = browser.get("/admin/"), browser.get("/desk/")
    for page in (administration, desk):
        assert linked_paths(page, "css")
        assert linked_paths(page, "js")
        assert all(browser.get(address) for ending in ("css", "js") for address in linked_paths(page, ending))
    stylesheet = next(address for address in linked_paths(administration, "css") if "/css/admin." in address)
    assert remove_whitespace((ROOT / "static/css/admin.css").read_text()[:500]) in remove_whitespace(
        browser.get(stylesheet)
    )


def remove_whitespace(text: str) -> str:
    return "".join(text.split())


def test_second_start_prints_no_setup_link_and_invalidates_the_first(production_app: AppInstance) -> None:
    browser = HttpClient(production_app.port)
    server = start_server(production_app)
    link = setup_link(server)
    create_administrator(browser, link)
    server.send_interrupt()
    server.assert_clean_exit(STOP_TIMEOUT)
    second_server = start_server(production_app)
    wait_until(
        lambda: "Omnichannel is running at" in second_server.read_output(), START_TIMEOUT, "the server says where it is"
    )
    assert "/setup/" not in second_server.read_output()
    assert HttpClient(production_app.port).request("GET", link).status == 410


def test_no_demonstration_account_can_sign_in_on_a_public_server(app: AppInstance, production_app: AppInstance) -> None:
    local = {"DEBUG": "true", "PUBLIC_URL": "http://127.0.0.1", "WHATSAPP_BACKEND": "simulator"}
    public = {name: app.environment[name] for name in local}
    app.environment.update(local)
    app.start_command("seed_demo").assert_clean_exit(START_TIMEOUT)
    session = str(app.call("sign_in", username="dana"))
    app.environment.update(public)
    server = start_server(production_app)
    for username in sorted(DEMO_USERNAMES):
        browser = HttpClient(production_app.port)
        assert (
            browser.post("/sign-in/", username=username, password=DEMO_PASSWORD, next="") == 200
        )  # The form is shown again.
        assert browser.request("GET", "/desk/").status == 302
    demo_browser = HttpClient(production_app.port)
    demo_browser._cookies["sessionid"] = session
    assert demo_browser.request("GET", "/desk/").status == 302
    assert "admin, sofia, dana, omar" in server.read_output()
    assert setup_link(server)
