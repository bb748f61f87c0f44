"""Requests for which Django cannot create its request object are refused, never answered 5xx."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.test import Client

from omnichannel.core.network.request_guard import has_accepted_charset
from omnichannel.wsgi import application

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
REFUSED = [
    "hex",
    "punycode",
    "idna",
    "rot13",
    "zlib",
    "utf-16",
    "utf-7",
    "undefined",
    "latin-1",
    "cp037",
    "*",
    "x" * 999,
]
PATHS = ["/sign-in/", "/admin/login/", "/desk/", "/webhooks/whatsapp/none/inbound/", "/health/live/", "/none/"]


def request_status(method: str, path: str, content_type: str, query: str = "next=%00", body: bytes = b"") -> int:
    """Return the status with which the WSGI application answers."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    environ |= {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    statuses: list[str] = []
    application(environ, lambda status, headers, error=None: statuses.append(status))
    return int(statuses[0].split()[0])


@pytest.mark.parametrize("charset", REFUSED)
@pytest.mark.parametrize("path", PATHS)
def test_any_other_charset_is_answered_415(charset: str, path: str) -> None:
    content_type = f"{FORM}; charset={charset}"
    assert request_status("GET", path, content_type) == 415
    assert request_status("POST", path, content_type, body=b"username=dana") == 415


@pytest.mark.parametrize(
    "parameter", ["x*=bogus''%41", "x*=punycode''%ff", "charset*=bogus''hex", "charset*=utf-8''hex"]
)
def test_an_extended_parameter_in_another_encoding_is_answered_415(parameter: str) -> None:
    assert request_status("GET", "/sign-in/", f"{FORM}; {parameter}") == 415


@pytest.mark.parametrize("content_type", ["", f"{FORM}; charset=utf-8"])
def test_too_many_query_fields_are_answered_400(content_type: str) -> None:
    assert request_status("GET", "/sign-in/", content_type, query="a=b&" * 3000) == 400


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "ISO-8859-1", "latin-1"])
def test_a_multipart_form_may_have_another_usual_charset(client: Client, charset: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\ndana\r\n--x--\r\n'
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    assert has_accepted_charset(content_type)
    answer = client.generic("POST", "/sign-in/", body, content_type)
    assert (answer.status_code, 'value="dana"' in answer.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("content_type", "is_accepted"),
    [
        ("", True),
        ("multipart/form-data; boundary=xyz", True),
        ("application/json", True),
        (f"{FORM}; charset=UTF-8", True),
        (f'{FORM}; charset="utf-8"', True),
        (f"{FORM}; charset=", False),
        ("application/json; charset=hex", False),
    ],
)
def test_a_content_type_is_judged_by_its_charset(content_type: str, is_accepted: bool) -> None:
    assert has_accepted_charset(content_type) is is_accepted
