"""Customers' files are fetched from Twilio and from no other host."""

import base64
import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp import media
from channels_whatsapp.media import MediaRejectedError, MediaUnavailableError, fetch_media, validate_media_url
from channels_whatsapp.models import WhatsAppAccount
from tests import builders
from tests.media_server import FileResponse, FileServer

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 40
MESSAGE_SID, MEDIA_SID = "MM" + "a" * 32, "ME" + "b" * 32


@pytest.fixture
def account() -> WhatsAppAccount:
    return WhatsAppAccount(name="Shop", account_sid="AC" + "1" * 32, auth_token=builders.AUTH_TOKEN)


def media_url(account: WhatsAppAccount) -> str:
    return f"https://api.twilio.com/2010-04-01/Accounts/{account.account_sid}/Messages/{MESSAGE_SID}/Media/{MEDIA_SID}"


def simulator_path(account: WhatsAppAccount) -> str:
    return "/simulator/twilio/api" + media_url(account).removeprefix("https://api.twilio.com")


def fetch_from_server(account: WhatsAppAccount, declared: str = "image/jpeg") -> tuple[bytes, str]:
    media = fetch_media(account, media_url(account), declared)
    with media.file:
        return media.file.read(), media.content_type


def test_twilios_media_of_our_account_is_fetched_with_our_credentials(
    account: WhatsAppAccount, media_server: FileServer
) -> None:
    media_server.responses[simulator_path(account)] = [FileResponse(200, JPEG)]
    assert fetch_from_server(account) == (JPEG, "image/jpeg")
    pair = base64.b64encode(f"{account.account_sid}:{builders.AUTH_TOKEN}".encode()).decode()
    assert media_server.requests == [(simulator_path(account), f"Basic {pair}")]


def test_name_is_taken_from_the_response_after_redirects(account: WhatsAppAccount, media_server: FileServer) -> None:
    cdn_url, cdn_path = "https://mms.twiliocdn.com/x", "/simulator/twilio/cdn/x"
    redirect = {"Location": cdn_url, "Content-Disposition": "inline; filename=redirect.pdf"}
    named = {"Content-Disposition": "attachment; filename*=utf-8''Reclama%C3%A7%C3%A3o%20n%C2%BA%205.pdf"}
    media_server.responses[simulator_path(account)] = [FileResponse(307, headers=redirect)]
    media_server.responses[cdn_path] = [FileResponse(200, b"%PDF-1.7\n", headers=named)]
    fetched = fetch_media(account, media_url(account), "application/pdf")
    with fetched.file:
        assert (fetched.name, fetched.content_type) == ("Reclamação nº 5.pdf", "application/pdf")


VALID_URL = "https://api.twilio.com/2010-04-01/Accounts/AC" + "1" * 32 + f"/Messages/{MESSAGE_SID}/Media/{MEDIA_SID}"
FORBIDDEN_URLS = [
    "",
    "nonsense",
    "file:///etc/passwd",
    VALID_URL.replace("https", "http"),
    VALID_URL.replace("https", "HTTPS"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com:8443"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com."),
    VALID_URL.replace("api.twilio.com", "user:pass@api.twilio.com"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com@evil.example"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com\\@evil.example"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com\n.evil.example"),
    VALID_URL.replace("api.twilio.com", "evil.example"),
    VALID_URL.replace("api.twilio.com", "api.twilio.com.evil.example"),
    VALID_URL.replace("api.twilio.com", "apiXtwilio.com"),
    VALID_URL.replace("api.twilio.com", "127.0.0.1"),
    VALID_URL.replace("api.twilio.com", "[::1"),
    VALID_URL.replace("AC" + "1" * 32, "AC" + "2" * 32),
    VALID_URL.replace("/Messages/", "/../AC" + "2" * 32 + "/Messages/"),
    VALID_URL.replace("/Media/", "/%2e%2e/Media/"),
    VALID_URL + "?x=1",
    VALID_URL + "#x",
    VALID_URL + "/",
    VALID_URL + ".json",
    VALID_URL + "\n",
    " " + VALID_URL,
    VALID_URL.replace("/2010-04-01", "//2010-04-01"),
    VALID_URL[:-1],
    VALID_URL[:-1] + "\uff11",
    "https://api.twilio.com/2010-04-01/Accounts/AC" + "1" * 32 + "/Messages.json",
]


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_other_urls_are_refused_without_a_request(account: WhatsAppAccount, media_server: FileServer, url: str) -> None:
    with pytest.raises(MediaRejectedError):
        fetch_media(account, url, "image/jpeg")
    assert media_server.requests == []


@given(st.text())
def test_any_invalid_url_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(MediaRejectedError):
        validate_media_url(WhatsAppAccount(account_sid="AC" + "1" * 32), text)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_a_redirect(account: WhatsAppAccount, media_server: FileServer, code: int) -> None:
    cdn = "https://mms.twiliocdn.com/file?signature=x"
    media_server.responses[simulator_path(account)] = [FileResponse(code, headers={"Location": cdn})]
    media_server.responses["/simulator/twilio/cdn/file?signature=x"] = [FileResponse(200, JPEG)]
    assert fetch_from_server(account)[0] == JPEG
    assert media_server.requests[1] == ("/simulator/twilio/cdn/file?signature=x", None)


@pytest.mark.parametrize(
    "target",
    [
        "http://mms.twiliocdn.com/x",
        "https://user@mms.twiliocdn.com/x",
        "https://@mms.twiliocdn.com/x",
        "https://evil.example/x",
        "https://[::1",
        "https://[nonsense]/",
        "//127.0.0.1/x",
        "file:///etc/passwd",
        "https://mms.twiliocdn.com:99999999/",
    ],
)
def test_a_redirect_to_an_odd_place_is_refused(account: WhatsAppAccount, media_server: FileServer, target: str) -> None:
    media_server.responses[simulator_path(account)] = [FileResponse(302, headers={"Location": target})]
    with pytest.raises(MediaRejectedError, match="unsafe address"):
        fetch_from_server(account)
    assert len(media_server.requests) == 1


@pytest.fixture
def redirect_from_twilio(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that lets Twilio, whose own host is not asked, redirect to a URL."""
    settings.WHATSAPP_BACKEND = "twilio"
    get = requests.Session.get

    def redirect(target: str) -> None:
        def answer(session: requests.Session, url: str, **options: Any) -> requests.Response:
            if not url.startswith("https://api.twilio.com/"):
                return get(session, url, **options)
            response = requests.Response()
            response.status_code, response.headers["Location"] = 302, target
            response.raw = io.BytesIO()
            return response

        monkeypatch.setattr(requests.Session, "get", answer)

    return redirect


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "0.0.0.0", "localhost"],
)
def test_a_redirect_into_our_own_network_is_refused(
    account: WhatsAppAccount, redirect_from_twilio: Callable[[str], None], host: str
) -> None:
    redirect_from_twilio(f"https://{host}/latest/meta-data/")
    with pytest.raises(MediaRejectedError, match="private address"):
        fetch_from_server(account)


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "..", "a..b"])
def test_a_redirect_to_a_name_that_is_none_is_refused(
    account: WhatsAppAccount, redirect_from_twilio: Callable[[str], None], host: str
) -> None:
    redirect_from_twilio(f"https://{host}/")
    with pytest.raises((MediaRejectedError, MediaUnavailableError)):
        fetch_from_server(account)


def test_the_time_limit_holds_before_the_first_byte_of_the_file(
    account: WhatsAppAccount, media_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "DOWNLOAD_TIMEOUT_SECONDS", 0.2)
    media_server.responses[simulator_path(account)] = [FileResponse(200, headers={"X-Slow": "1"}, endless_head=True)]
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)


def test_redirects_without_end_are_refused(account: WhatsAppAccount, media_server: FileServer) -> None:
    media_server.responses[simulator_path(account)] = [FileResponse(302, headers={"Location": ""})]
    with pytest.raises(MediaRejectedError, match="too many times"):
        fetch_from_server(account)
    assert len(media_server.requests) == media.MAX_REDIRECTS + 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503])
def test_temporary_http_errors_are_retryable(account: WhatsAppAccount, media_server: FileServer, code: int) -> None:
    media_server.responses[simulator_path(account)] = [FileResponse(code), FileResponse(200, JPEG)]
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)
    assert fetch_from_server(account)[0] == JPEG


def test_interrupted_download_is_retryable(account: WhatsAppAccount, media_server: FileServer) -> None:
    media_server.responses[simulator_path(account)] = [FileResponse(200, JPEG, declared_length=5000)]
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)


def test_endless_download_is_aborted_and_retried(
    account: WhatsAppAccount, media_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "DOWNLOAD_TIMEOUT_SECONDS", 0.2)
    media_server.responses[simulator_path(account)] = [
        FileResponse(200, JPEG, declared_length=5_000_000, never_ends=True)
    ]
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)


def test_a_file_of_unknown_length_that_is_cut_off_by_the_time_limit_is_not_stored(
    account: WhatsAppAccount, media_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "DOWNLOAD_TIMEOUT_SECONDS", 0.2)
    media_server.responses[simulator_path(account)] = [FileResponse(200, JPEG, declared_length=-1, never_ends=True)]
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)


def test_connection_error_is_retryable(account: WhatsAppAccount, settings: Any) -> None:
    settings.PUBLIC_URL, settings.WHATSAPP_BACKEND = "http://127.0.0.1:9", "simulator"
    with pytest.raises(MediaUnavailableError):
        fetch_from_server(account)


def test_the_size_is_capped_while_it_streams(
    account: WhatsAppAccount, media_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "SIZE_LIMIT", 1024 * 1024)
    media_server.responses[simulator_path(account)] = [FileResponse(200, JPEG + b"\x00" * (1024 * 1024))]
    with pytest.raises(MediaRejectedError, match="larger than 1 MB"):
        fetch_from_server(account)


def test_a_file_that_unpacks_to_more_than_the_cap_is_refused(
    account: WhatsAppAccount, media_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "SIZE_LIMIT", 1024 * 1024)
    bomb = gzip.compress(b"\x00" * (8 * 1024 * 1024))
    media_server.responses[simulator_path(account)] = [FileResponse(200, bomb, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(MediaRejectedError, match="larger"):
        fetch_from_server(account)
