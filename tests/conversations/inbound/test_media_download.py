"""Files are downloaded in the background, retried, and shown as failed after the last attempt."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.conversations.contacts.vcard_parser import parse_people
from omnichannel.conversations.inbound.media_download import (
    RETRY_DELAYS,
    MediaRetryError,
    fetch_attachment,
    mark_attachment_failed,
    retry_download,
)
from omnichannel.conversations.inbound.receive import ATTACHMENTS_DISABLED
from omnichannel.conversations.models import Attachment, AttachmentState, MessageKind
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS
from tests.file_samples import build_docx, build_mp4
from tests.media_server import FileResponse, FileServer
from tests.webhook_client import load_payload, post_webhook

pytestmark = pytest.mark.django_db

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 40
CARD_TEMPLATE = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:%s\r\nTEL;TYPE=CELL:+49 151 1234\r\nEND:VCARD\r\n"


def receive_message_with_files(name: str, **changed: Any) -> list[Attachment]:
    """Receive a message with files and return the attachments."""
    number = builders.create_number()
    assert post_webhook(number.account.inbound_url, load_payload(name, number, **changed)).status_code == 200
    return list(Attachment.objects.order_by("position"))


def set_file_responses(media_server: FileServer, attachment: Attachment, *answers: FileResponse) -> None:
    path = attachment.source_url.removeprefix("https://api.twilio.com")
    media_server.responses["/simulator/twilio/api" + path] = list(answers)


def run_media_lane() -> datetime | None:
    """Run the media lane that is due and return the time of the next attempt."""
    [lease] = claim_lanes(["media"], 1)
    due = fetch_attachment(lease)
    lease.finish(due)
    return due


def test_file_is_stored_under_a_generated_name_and_an_event_is_published(media_server: FileServer) -> None:
    [file] = receive_message_with_files("voice")
    set_file_responses(media_server, file, FileResponse(200, JPEG))
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.content_type, file.size) == (AttachmentState.STORED, "image/jpeg", len(JPEG))
    assert (file.file.read(), file.display_type()) == (JPEG, "image")
    assert str(file.file.name).startswith("attachments/")
    assert Event.objects.latest("pk").part_id == file.message_id
    assert not Lane.objects.filter(kind="media").exists()


def test_a_file_that_is_not_there_at_first_is_fetched_later(media_server: FileServer) -> None:
    [file] = receive_message_with_files("voice")
    set_file_responses(media_server, file, FileResponse(404), FileResponse(404), FileResponse(200, JPEG))
    for seconds in RETRY_DELAYS[:2]:
        due = run_media_lane()
        assert due is not None
        assert abs(due - timezone.now() - seconds).total_seconds() < 0.5
        Lane.objects.update(due_at=timezone.now())
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.error) == (AttachmentState.STORED, "")


def test_undownloadable_file_is_shown_as_failed_and_can_be_retried(media_server: FileServer) -> None:
    [file] = receive_message_with_files("voice")
    set_file_responses(media_server, file, FileResponse(404))
    for _ in RETRY_DELAYS:
        assert run_media_lane() is not None
        Lane.objects.update(due_at=timezone.now())
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.error) == (AttachmentState.FAILED, "Twilio returned error 404.")
    set_file_responses(media_server, file, FileResponse(200, JPEG))
    retry_download(file)
    assert run_media_lane() is None
    file.refresh_from_db()
    assert file.state == AttachmentState.STORED


def test_file_of_a_failed_lane_is_shown_as_failed_and_can_be_retried(media_server: FileServer) -> None:
    [file] = receive_message_with_files("voice")
    set_file_responses(media_server, file, FileResponse(200, JPEG))
    mark_attachment_failed(file.pk)
    file.refresh_from_db()
    assert (file.state, file.error) == (AttachmentState.FAILED, "This file could not be processed.")
    retry_download(file)
    assert run_media_lane() is None
    file.refresh_from_db()
    assert file.state == AttachmentState.STORED


def test_file_of_another_account_is_never_requested(media_server: FileServer) -> None:
    url = (
        f"https://api.twilio.com/2010-04-01/Accounts/{builders.new_sid('AC')}/Messages/MM{'a' * 32}/Media/ME{'b' * 32}"
    )
    [file] = receive_message_with_files("voice", MediaUrl0=url)
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.error, media_server.requests) == (
        AttachmentState.FAILED,
        "The file belongs to another Twilio account.",
        [],
    )


@pytest.mark.parametrize("url", ["https://[::1", "nonsense", "http://127.0.0.1/", "https://evil.example/x"])
def test_invalid_media_url_fails_immediately(media_server: FileServer, url: str) -> None:
    [file] = receive_message_with_files("voice", MediaUrl0=url)
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, media_server.requests) == (AttachmentState.FAILED, [])


@pytest.mark.parametrize(
    ("content", "declared", "shown"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "file"),
        (b"<!doctype html><script>1</script>", "text/html", "file"),
        (b"<!doctype html><script>1</script>", "image/jpeg", "file"),
        (b"%PDF-1.7\n", "text/html", "pdf"),
        (b"OggS" + b"\x00" * 24 + b"\x01vorbis", "audio/ogg", "audio"),
        (b"PK\x03\x04" + b"\x00" * 40, "application/zip", "file"),
        (build_mp4(), "audio/mp4", "audio"),
        (build_mp4(), "video/mp4", "video"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 40, "image/heic", "file"),
        (b"II*\x00" + b"\x00" * 40, "image/tiff", "file"),
        (b"8BPS" + b"\x00" * 40, "image/vnd.adobe.photoshop", "file"),
        (b"#!AMR\n" + b"\x00" * 40, "audio/amr", "file"),
        (b"RIFF\x00\x00\x00\x00AVI " + b"\x00" * 40, "video/x-msvideo", "file"),
        (b"GIF89a" + b"\x00" * 40, "image/gif", "image"),
    ],
)
def test_only_what_is_safe_is_shown_inline(media_server: FileServer, content: bytes, declared: str, shown: str) -> None:
    [file] = receive_message_with_files("voice", MediaContentType0=declared)
    set_file_responses(media_server, file, FileResponse(200, content, headers={"Content-Type": declared}))
    run_media_lane()
    file.refresh_from_db()
    assert file.display_type() == shown


def test_a_file_that_is_fetched_twice_is_stored_once(media_server: FileServer) -> None:
    [file] = receive_message_with_files("contact_card")
    set_file_responses(media_server, file, FileResponse(200, CARD_TEMPLATE % b"Omar"))
    run_media_lane()
    Lane.objects.create(kind="media", key=file.pk, due_at=timezone.now())
    assert run_media_lane() is None
    file.message.refresh_from_db()
    assert len(file.message.content["contacts"]) == 1


def test_only_failed_files_with_a_url_can_be_retried(media_server: FileServer) -> None:
    files = [
        Attachment(state=AttachmentState.PENDING, source_url="x"),
        Attachment(state=AttachmentState.STORED, source_url="x"),
        Attachment(state=AttachmentState.FAILED, source_url=""),
        Attachment(state=AttachmentState.FAILED, source_url="x", error=ATTACHMENTS_DISABLED),
    ]
    for file in files:
        with pytest.raises(MediaRetryError):
            retry_download(file)


# -- Names ------------------------------------------------------------------------------------------------------------

PDF = b"%PDF-1.7\n" + b"x" * 40


def download_document(
    media_server: FileServer, body: str, header: str, declared: str = "application/pdf"
) -> Attachment:
    """Receive a document with this text, download it with this Content-Disposition, and return it."""
    [file] = receive_message_with_files("voice", Body=body, MediaContentType0=declared, MessageType="document")
    headers = {"Content-Disposition": header} if header else {}
    set_file_responses(media_server, file, FileResponse(200, PDF, headers=headers))
    assert run_media_lane() is None
    return Attachment.objects.select_related("message").get(pk=file.pk)


NAME_HEADER = "attachment; filename*=utf-8''Reclama%C3%A7%C3%A3o%20n%C2%BA%205%20%E2%80%93%20a%C3%B1o.pdf"


@pytest.mark.parametrize(
    ("body", "header", "name", "text"),
    [
        ("", NAME_HEADER, "Reclamação nº 5 – año.pdf", ""),
        ("Reclamação nº 5 – año.pdf", "", "Reclamação nº 5 – año.pdf", ""),
        ("Reclamação nº 5 – año.pdf", NAME_HEADER, "Reclamação nº 5 – año.pdf", ""),
        ("Reclamacao n 5 ano.pdf", "inline; filename=Reclamacao_n_5_ano.pdf", "Reclamacao_n_5_ano.pdf", ""),
        ("Please see scan.pdf", 'inline; filename="scan.pdf"', "scan.pdf", "Please see scan.pdf"),
        ("Here it is", 'inline; filename="scan.pdf"', "scan.pdf", "Here it is"),
        ("Contract", 'inline; filename="Contract"', "Contract.pdf", ""),
        ("..\\..\\evil\u202efdp.pdf", "", "evilfdp.pdf", ""),
        ("Invoice 4.pdf", f'inline; filename="ME{"0a" * 16}"', "Invoice 4.pdf", ""),
    ],
)
def test_documents_have_the_name_the_customer_gave_them(
    media_server: FileServer, body: str, header: str, name: str, text: str
) -> None:
    file = download_document(media_server, body, header)
    assert (file.name, file.message.body, file.message.kind) == (name, text, MessageKind.MEDIA)


def test_name_is_known_before_the_file_is_downloaded() -> None:
    [file] = receive_message_with_files("voice", Body="Invoice 4.pdf", MediaContentType0="application/pdf")
    assert (file.name, file.message.body) == ("Invoice 4.pdf", "")


def test_caption_of_a_picture_stays_its_text() -> None:
    [file] = receive_message_with_files("voice", Body="beach.jpg", MediaContentType0="image/jpeg")
    assert (file.name, file.message.body) == ("", "beach.jpg")


@pytest.mark.parametrize(
    ("content", "declared", "ending"),
    [
        (b"a;b", "text/csv", ".csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 40, "application/vnd.ms-excel", ".xls"),
        (build_docx(), "application/octet-stream", ".docx"),
        (build_mp4(), "audio/mp4", ".m4a"),
        (b"\x00\x01", "", ""),
    ],
)
def test_ending_follows_the_declared_type_where_the_content_cannot_tell(
    media_server: FileServer, content: bytes, declared: str, ending: str
) -> None:
    [file] = receive_message_with_files("voice", MediaContentType0=declared)
    set_file_responses(media_server, file, FileResponse(200, content))
    run_media_lane()
    file.refresh_from_db()
    assert file.name == f"file-{file.message_id}-1{ending}"


# -- Contact cards -----------------------------------------------------------------------------------------------------


def test_a_contact_card_shows_names_and_numbers(media_server: FileServer) -> None:
    [file] = receive_message_with_files("contact_card")
    set_file_responses(
        media_server, file, FileResponse(200, CARD_TEMPLATE % b"Omar <script>" + CARD_TEMPLATE % "Zoë\x00".encode())
    )
    assert run_media_lane() is None
    file.message.refresh_from_db()
    assert file.message.kind == MessageKind.CONTACTS
    assert file.message.content["contacts"] == [
        {"name": "Omar <script>", "phones": ["+49 151 1234"]},
        {"name": "Zoë", "phones": ["+49 151 1234"]},
    ]


@pytest.mark.django_db(transaction=True)
def test_two_cards_fetched_at_once_are_both_shown(media_server: FileServer) -> None:
    media = {"MediaContentType0": "text/vcard", "MediaContentType1": "text/vcard", "MediaUrl2": None}
    files = receive_message_with_files("several_media", **media)
    for file, name in zip(files, (b"Omar", b"Zoe"), strict=True):
        set_file_responses(media_server, file, FileResponse(200, CARD_TEMPLATE % name))
    assert run_concurrently(*[lambda lease=lease: fetch_attachment(lease) for lease in claim_lanes(["media"], 2)]) == [
        None,
        None,
    ]
    files[0].message.refresh_from_db()
    assert {person["name"] for person in files[0].message.content["contacts"]} == {"Omar", "Zoe"}


@pytest.mark.parametrize(
    "card",
    [
        b"",
        b"BEGIN:VCARD",
        b"BEGIN:VCARD\r\nFN",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR",
        b"END:VCARD",
        b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE:=ZZ\r\nEND:VCARD",
        b"BEGIN:VCARD\r\nPHOTO;ENCODING=b:!!!!\r\nEND:VCARD\r\n",
        b"BEGIN:VCARD\r\n" * 2000,
        b"\xff\xfe" * 500,
    ],
)
def test_malformed_card_causes_no_error(card: bytes) -> None:
    assert isinstance(parse_people(card), list)


def test_a_malformed_card_stays_a_file_to_download(media_server: FileServer) -> None:
    [file] = receive_message_with_files("contact_card")
    set_file_responses(media_server, file, FileResponse(200, b"BEGIN:VCARD\r\nnonsense"))
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.content_type, file.display_type()) == (AttachmentState.STORED, "text/vcard", "file")


def test_a_card_without_a_name_still_shows_its_numbers() -> None:
    [person] = parse_people(b"BEGIN:VCARD\r\nVERSION:3.0\r\nTEL:+49 1\r\nTEL:+49 2\r\nEND:VCARD\r\n")
    assert person == {"name": "+49 1", "phones": ["+49 1", "+49 2"]}


def test_a_card_with_a_large_photo_shows_its_name_and_number_and_stays_whole(media_server: FileServer) -> None:
    [file] = receive_message_with_files("contact_card")
    photo = b"PHOTO;ENCODING=b;TYPE=JPEG:" + b"\r\n ".join([b"QUJD" * 18] * 1700)
    card = CARD_TEMPLATE % (b"Lena\r\n" + photo)
    set_file_responses(media_server, file, FileResponse(200, card))
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.message.content["contacts"], file.size) == ([{"name": "Lena", "phones": ["+49 151 1234"]}], len(card))


@pytest.mark.parametrize("name", HOSTILE_VCARDS)
def test_a_hostile_card_is_stored_like_any_other(media_server: FileServer, name: str) -> None:
    [file] = receive_message_with_files("contact_card")
    set_file_responses(media_server, file, FileResponse(200, HOSTILE_VCARDS[name]))
    assert run_media_lane() is None
    file.refresh_from_db()
    assert (file.state, file.size, len(file.file.read())) == (AttachmentState.STORED, *[len(HOSTILE_VCARDS[name])] * 2)


@settings(deadline=None)  # The machine may be busy with other work.
@given(st.binary(max_size=200), st.text(max_size=100))
def test_any_bytes_are_handled_as_a_card(noise: bytes, name: str) -> None:
    for person in parse_people(noise) + parse_people(CARD_TEMPLATE % name.encode()):
        assert len(person["name"]) <= 200
        assert "\x00" not in str(person)
