"""Customers' files are shown or downloaded, never executed, and served in ranges."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Attachment, AttachmentState, MessageKind
from omnichannel.conversations.outbound.uploads import LINK_MAX_AGE_SECONDS, get_signed_url
from omnichannel.desk.shared.file_responses import parse_range_header
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

FILE_CONTENT = bytes(range(256)) * 4


def create_attachment(
    desk: DeskScenario, content_type: str = "image/png", name: str = "lamp.png", content: bytes = FILE_CONTENT
) -> Attachment:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    attachment = Attachment(
        message=message, content_type=content_type, name=name, state=AttachmentState.STORED, size=len(content)
    )
    attachment.file.save("", ContentFile(content), save=True)
    return attachment


def get_attachment(desk: DeskScenario, attachment: Attachment, query: str = "", **headers: str) -> Any:
    url = reverse("desk:attachment", args=[attachment.pk])
    return client_for(desk.dana).get(url + query, headers=headers)


def read_stream(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_file_carries_headers_that_keep_it_from_acting(desk: DeskScenario) -> None:
    answer = get_attachment(desk, create_attachment(desk))
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none';")
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cache-Control"].startswith("private")
    assert read_stream(answer) == FILE_CONTENT


@pytest.mark.parametrize(
    ("content_type", "disposition"),
    [
        ("image/png", "inline"),
        ("audio/ogg", "inline"),
        ("video/mp4", "inline"),
        ("application/pdf", "inline"),
        ("audio/mp4", "inline"),
        ("image/heic", "attachment"),
        ("image/tiff", "attachment"),
        ("video/x-msvideo", "attachment"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("text/vcard", "attachment"),
        ("application/octet-stream", "attachment"),
        ("", "attachment"),
    ],
)
def test_only_what_is_safe_to_show_is_shown(desk: DeskScenario, content_type: str, disposition: str) -> None:
    answer = get_attachment(desk, create_attachment(desk, content_type))
    assert answer["Content-Disposition"].startswith(disposition)
    assert answer["Content-Type"] == content_type or "application/octet-stream"


def test_a_download_is_saved_under_its_name(desk: DeskScenario) -> None:
    answer = get_attachment(desk, create_attachment(desk, name="Rechnung für Jürgen.pdf"), "?download=1")
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''Rechnung%20f%C3%BCr")


def test_a_name_with_line_breaks_or_quotes_stays_one_header(desk: DeskScenario) -> None:
    answer = get_attachment(desk, create_attachment(desk, name='a"\r\nSet-Cookie: x=1.png'))
    assert "\n" not in answer["Content-Disposition"]
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize(
    ("range_header", "content", "shown"),
    [
        ("bytes=0-9", FILE_CONTENT[:10], "bytes 0-9/1024"),
        ("bytes=1000-", FILE_CONTENT[1000:], "bytes 1000-1023/1024"),
        ("bytes=1000-9999", FILE_CONTENT[1000:], "bytes 1000-1023/1024"),
        ("bytes=-24", FILE_CONTENT[1000:], "bytes 1000-1023/1024"),
        ("bytes=-9999", FILE_CONTENT, "bytes 0-1023/1024"),
        ("bytes=1023-1023", FILE_CONTENT[1023:], "bytes 1023-1023/1024"),
    ],
)
def test_range_request_returns_partial_content(
    desk: DeskScenario, range_header: str, content: bytes, shown: str
) -> None:
    answer = get_attachment(desk, create_attachment(desk, "video/mp4"), Range=range_header)
    assert answer.status_code == 206
    assert answer["Content-Range"] == shown
    assert answer["Content-Length"] == str(len(content))
    assert read_stream(answer) == content


@pytest.mark.parametrize("range_header", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_range_beyond_the_end_is_refused_with_the_size(desk: DeskScenario, range_header: str) -> None:
    answer = get_attachment(desk, create_attachment(desk, "video/mp4"), Range=range_header)
    assert answer.status_code == 416
    assert answer["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "range_header", ["", "bytes=", "bytes=-", "bytes=9-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"]
)
def test_a_range_that_means_nothing_here_gets_the_whole_file(desk: DeskScenario, range_header: str) -> None:
    answer = get_attachment(desk, create_attachment(desk, "video/mp4"), Range=range_header)
    assert answer.status_code == 200
    assert answer["Accept-Ranges"] == "bytes"
    assert read_stream(answer) == FILE_CONTENT


def test_empty_file_has_no_ranges() -> None:
    assert parse_range_header("bytes=0-", 0) == range(0, 0)


def test_a_file_that_has_not_come_or_is_gone_is_not_found(desk: DeskScenario) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    pending = Attachment.objects.create(message=message, declared_type="image/png")
    assert get_attachment(desk, pending).status_code == 404
    lost = create_attachment(desk)
    lost.file.storage.delete(str(lost.file.name))
    assert get_attachment(desk, lost).status_code == 404


def test_twilio_fetches_an_signed_attachment_without_signing_in(desk: DeskScenario) -> None:
    link = get_signed_url(create_attachment(desk, "application/pdf", "Invoice 2231.pdf")).removeprefix(
        "https://desk.example.com"
    )
    for method in (Client().get, Client().head):
        answer = method(link)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
        assert 'filename="Invoice 2231.pdf"' in answer["Content-Disposition"]
        assert answer["Content-Length"] == str(len(FILE_CONTENT))


def test_a_forged_or_old_link_offers_nothing(desk: DeskScenario, time_machine: Any) -> None:
    attachment = create_attachment(desk)
    forged = reverse("signed_attachment", args=[signing.dumps(attachment.pk, salt="another")])
    assert Client().get(forged).status_code == 404
    link = get_signed_url(attachment).removeprefix("https://desk.example.com")
    time_machine.move_to(timezone.now() + timedelta(seconds=LINK_MAX_AGE_SECONDS + 5))
    assert Client().get(link).status_code == 404


def test_retry_fetches_a_file_again_that_never_came(desk: DeskScenario) -> None:
    message = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    fields = {
        "state": AttachmentState.FAILED,
        "error": "Twilio returned error 404.",
        "source_url": "https://api.twilio.com/x",
    }
    lost = Attachment.objects.create(message=message, declared_type="image/png", **fields)
    answer = client_for(desk.dana).post(reverse("desk:retry_download", args=[lost.pk]), **HTMX_HEADERS)
    lost.refresh_from_db()
    assert lost.state == AttachmentState.PENDING
    assert "Downloading" in answer.content.decode()
