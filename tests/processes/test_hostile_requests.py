"""The server withstands requests that no browser sends."""

import http.client
import socket
from urllib.parse import urlencode

import pytest

from tests.processes.support.app_instance import AppInstance

pytestmark = pytest.mark.process

FORM = "application/x-www-form-urlencoded"
FAILURES = 5  # wrong passwords of one user at one address before a lock


def post_sign_in(app: AppInstance, content_type: str = FORM, **headers: str) -> int:
    """Post a wrong password; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    connection.request("GET", "/sign-in/")
    response = connection.getresponse()
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    page = response.read().decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = urlencode({"csrfmiddlewaretoken": token, "username": "dana", "password": "wrong"})
    connection.request("POST", "/sign-in/?next=/", form, {"Cookie": cookie, "Content-Type": content_type, **headers})
    return connection.getresponse().status


@pytest.mark.parametrize("parameter", ["charset=hex", "charset=punycode", "charset=latin-1", "x*=bogus''%41"])
def test_a_form_in_a_charset_that_django_cannot_read_is_answered_415(app: AppInstance, parameter: str) -> None:
    app.start_server("--no-worker")
    assert post_sign_in(app, f"{FORM}; {parameter}") == 415
    assert post_sign_in(app, f"{FORM}; charset=utf-8") == 200


def test_a_connection_with_half_a_head_is_closed(app: AppInstance) -> None:
    app.environment["TEST_HEADER_TIMEOUT"] = "0.5"
    app.start_server("--no-worker")
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        connection.sendall(b"GET /health/live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert connection.recv(1000) == b""


@pytest.mark.parametrize(("proxies", "status"), [("", 200), ("127.0.0.0/8", 200), ("10.0.0.1", 429)])
def test_the_clients_address_is_taken_from_trusted_proxies_only(app: AppInstance, proxies: str, status: int) -> None:
    app.call("create_shop")
    app.environment["TRUSTED_PROXIES"] = proxies
    app.start_server("--no-worker")
    headers = [{"X-Forwarded-For": f"203.0.113.{index}"} for index in range(FAILURES)]
    assert [post_sign_in(app, **header) for header in headers][-1] == status
