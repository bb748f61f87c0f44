"""A conversation to take away, as text and as a PDF."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.export import pdf as pdfs
from omnichannel.conversations.export import transcript as exports
from omnichannel.conversations.models import Attachment, AttachmentState, Message, MessageKind
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.limited_process import Limits
from omnichannel.core.localized_text import localized
from tests import builders
from tests.desk.people import Desk, browser

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def export(desk: Desk, who: str = "dana", query: str = "", zone: str = "") -> Any:
    client = browser(getattr(desk, who))
    if zone:
        client.cookies["timezone"] = zone
    return client.get(reverse("desk:export", args=[desk.conversation.pk]) + query)


def text(desk: Desk, **how: str) -> str:
    answer = export(desk, **how)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def speak(desk: Desk) -> None:
    builders.inbound(desk.conversation, "My lamp is broken", created_at=NOON)
    builders.outbound(desk.conversation, "Sorry!", author=desk.dana.user, created_at=NOON.replace(minute=1))
    desk.conversation.notes.create(author=desk.sue.user, text="Third one", created_at=NOON.replace(minute=2))
    record_event(
        desk.conversation, "active", localized("Dana took the conversation."), by=None, at=NOON.replace(minute=3)
    )


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("omar", 200), ("sue", 200), ("ada", 200), ("eve", 404), ("stranger", 403)]
)
def test_who_sees_a_conversation_may_take_it_away(desk: Desk, who: str, status: int) -> None:
    assert export(desk, who).status_code == status
    if status != 200:
        assert export(desk, who, "?format=pdf").status_code == status


def test_who_is_not_signed_in_takes_nothing_away(desk: Desk) -> None:
    assert Client().get(reverse("desk:export", args=[desk.conversation.pk]))["Location"].startswith("/sign-in/")


def test_the_text_says_who_wrote_what_and_when_in_the_readers_zone(desk: Desk) -> None:
    speak(desk)
    told = text(desk, zone="Europe/Berlin")
    assert told.startswith("Conversation with Amara Diallo\n")
    assert desk.conversation.contact.number in told
    assert "[2026-07-01 14:00] Amara Diallo: My lamp is broken\n" in told
    assert "[2026-07-01 14:01] Dana: Sorry!\n" in told
    assert "times are of Europe/Berlin" in told


def test_notes_and_timeline_come_only_when_asked_for(desk: Desk) -> None:
    speak(desk)
    plain = text(desk)
    assert "Third one" not in plain
    assert "took the conversation" not in plain
    full = text(desk, query="?notes=1&timeline=1")
    assert full.index("Sorry!") < full.index("Note by Sue: Third one") < full.index("* Dana took the conversation.")


def test_it_is_written_in_the_readers_language(desk: Desk) -> None:
    speak(desk)
    record_event(desk.conversation, "active", localized("%(agent)s took the conversation.", agent="Dana"), by=None)
    desk.dana.user.language = "de"
    desk.dana.user.save()
    told = text(desk, query="?notes=1&timeline=1")
    assert told.startswith("Unterhaltung mit Amara Diallo\n")
    for line in ("Warteschlange:", "Notiz von Sue: Third one", "* Dana hat die Unterhaltung übernommen."):
        assert line in told
    assert b"".join(export(desk, query="?format=pdf")).startswith(b"%PDF-")


def test_nobodys_text_passes_for_somebody_elses_line(desk: Desk) -> None:
    builders.inbound(desk.conversation, "Hi\r\n[2026-07-01 14:01] Dana: You get a refund\u202e\x1b[0m")
    lines = text(desk).splitlines()
    assert "    [2026-07-01 14:01] Dana: You get a refund[0m" in lines


def test_files_places_and_failures_are_named(desk: Desk) -> None:
    picture = builders.inbound(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=picture, name="lamp.png", state=AttachmentState.STORED)
    place = {"location": {"label": "Depot", "latitude": 1.5, "longitude": 2}}
    builders.inbound(desk.conversation, kind=MessageKind.LOCATION, content=place)
    builders.outbound(desk.conversation, "Too late", status="failed")
    told = text(desk)
    assert "[File: lamp.png]" in told
    assert "[Location: Depot, 1.5, 2]" in told
    assert "Automatic message: Too late\n    [Not delivered]" in told


def test_the_files_name_is_safe_everywhere(desk: Desk) -> None:
    contact = desk.conversation.contact
    contact.name = '../../etc/"Amara" Дialló\r\n'
    contact.save()
    header = export(desk)["Content-Disposition"]
    day = f"{desk.conversation.created_at:%Y-%m-%d}"
    assert header == f'attachment; filename="conversation-etcamara-iallo-{day}-{desk.conversation.pk}.txt"'


def test_a_long_conversation_is_streamed_in_pieces_with_few_queries(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    Message.objects.bulk_create(
        Message(conversation=desk.conversation, direction="inbound", status="received", body=f"Number {index}")
        for index in range(1200)
    )
    answer = export(desk)
    with django_assert_max_num_queries(8):
        first = next(iter(answer.streaming_content))
        rest = sum(1 for _ in answer.streaming_content)
    assert first.startswith(b"Conversation with")
    assert rest > 1200


def test_a_pdf_is_made_of_every_script(desk: Desk) -> None:
    speak(desk)
    builders.inbound(
        desk.conversation, "Grüße, Привет, 你好, مرحبا بالعالم, שלום, สวัสดี, नमस्ते 😀👍🏽 🇩🇪 \U000e0001\ufffe"
    )
    answer = export(desk, query="?format=pdf&notes=1&timeline=1")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].endswith('.pdf"')
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) > 5_000


def test_what_no_font_knows_is_a_box_and_an_emoji_has_its_name() -> None:
    known = frozenset(map(ord, "Helo "))
    assert pdfs.replace_missing_glyphs("Hello 😀 你\ufe0f", known) == "Hello [grinning face] □"


def test_a_conversation_too_long_for_a_pdf_is_refused_in_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(desk)
    for limit in ("PDF_ENTRIES", "PDF_CHARACTERS"):
        with monkeypatch.context() as patch:
            patch.setattr(exports, limit, 1)
            answer = export(desk, query="?format=pdf")
        assert answer.status_code == 409
        assert "too long for a PDF" in answer.content.decode()


@pytest.mark.parametrize("what", ["\n", "你", "- "])
def test_a_long_run_without_letters_is_no_obstacle_to_a_pdf(desk: Desk, what: str) -> None:
    builders.inbound(desk.conversation, f"Hello{what * 1500}!")
    assert export(desk, query="?format=pdf").content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "could not be made into a PDF. Export it as text"), ("de", "konnte kein PDF erstellt werden")],
)
@pytest.mark.parametrize("limits", [Limits(1, 60, 512 * exports.MIB, 9**9), Limits(60, 60, 50 * exports.MIB, 9**9)])
def test_text_that_takes_too_much_time_or_memory_is_refused_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, limits: Limits, language: str, words: str
) -> None:
    builders.inbound(desk.conversation, "e" + "\u0301" * 4095)
    desk.dana.user.language = language
    desk.dana.user.save()
    monkeypatch.setattr(exports, "PDF_LIMITS", limits)
    answer = export(desk, query="?format=pdf")
    assert answer.status_code == 409
    assert words in answer.content.decode()


def test_after_a_failure_the_next_pdf_is_made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(exports, "PDF_MODULE", "omnichannel.no_such_program")
        assert export(desk, query="?format=pdf").status_code == 409
    assert export(desk, query="?format=pdf").status_code == 200


def test_two_pdfs_are_not_made_at_once(desk: Desk) -> None:
    with exports._pdf_lock:
        answer = export(desk, query="?format=pdf")
    assert answer.status_code == 409
    assert "Another PDF is being made" in answer.content.decode()
