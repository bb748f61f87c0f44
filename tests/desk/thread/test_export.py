"""The export of a conversation as text and as PDF."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from omnichannel.conversations import timeline
from omnichannel.conversations.export import pdf as pdfs
from omnichannel.conversations.export import transcript as exports
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Message,
    MessageKind,
    TimelineEventKind,
)
from omnichannel.core.limited_process import Limits
from omnichannel.core.localized_text import localized
from tests import builders
from tests.desk.scenario import DeskScenario, client_for

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def get_export(desk: DeskScenario, person: str = "dana", query: str = "", zone: str = "") -> Any:
    client = client_for(getattr(desk, person))
    if zone:
        client.cookies["timezone"] = zone
    return client.get(reverse("desk:export", args=[desk.conversation.pk]) + query)


def export_text(desk: DeskScenario, **query: str) -> str:
    answer = get_export(desk, **query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def create_messages(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "My lamp is broken", created_at=NOON)
    builders.create_outbound_message(
        desk.conversation, "Sorry!", author=desk.dana.user, created_at=NOON.replace(minute=1)
    )
    desk.conversation.notes.create(author=desk.supervisor.user, text="Third one", created_at=NOON.replace(minute=2))
    timeline.record(
        desk.conversation,
        TimelineEventKind.ACTIVE,
        localized("Dana took the conversation."),
        actor=None,
        at=NOON.replace(minute=3),
    )


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("omar", 200), ("supervisor", 200), ("administrator", 200), ("eve", 404), ("stranger", 403)],
)
def test_users_with_access_can_export_a_conversation(desk: DeskScenario, person: str, status: int) -> None:
    assert get_export(desk, person).status_code == status
    if status != 200:
        assert get_export(desk, person, "?format=pdf").status_code == status


def test_anonymous_user_cannot_export(desk: DeskScenario) -> None:
    assert Client().get(reverse("desk:export", args=[desk.conversation.pk]))["Location"].startswith("/sign-in/")


def test_the_text_says_who_wrote_what_and_when_in_the_readers_zone(desk: DeskScenario) -> None:
    create_messages(desk)
    exported = export_text(desk, zone="Europe/Berlin")
    assert exported.startswith("Conversation with Amara Diallo\n")
    assert desk.conversation.contact.display_number in exported
    assert "[2026-07-01 14:00] Amara Diallo: My lamp is broken\n" in exported
    assert "[2026-07-01 14:01] Dana: Sorry!\n" in exported
    assert "times in Europe/Berlin" in exported


def test_notes_and_timeline_come_only_when_asked_for(desk: DeskScenario) -> None:
    create_messages(desk)
    plain = export_text(desk)
    assert "Third one" not in plain
    assert "took the conversation" not in plain
    full = export_text(desk, query="?include_notes=1&include_timeline=1")
    assert full.index("Sorry!") < full.index("Note by Sue: Third one") < full.index("* Dana took the conversation.")


def test_details_of_events_are_written_in_full(desk: DeskScenario) -> None:
    timeline.record(desk.conversation, TimelineEventKind.OFFERED, localized("Offered to Dana"), actor=None)
    desk.conversation.events.update(details=localized("%(free)s units free", free=40))
    assert "* Offered to Dana: 40 units free\n" in export_text(desk, query="?include_timeline=1")


@pytest.mark.slow
def test_it_is_written_in_the_readers_language(desk: DeskScenario) -> None:
    create_messages(desk)
    timeline.record(
        desk.conversation,
        TimelineEventKind.ACTIVE,
        localized("%(agent)s took the conversation.", agent="Dana"),
        actor=None,
    )
    desk.dana.user.language = "de"
    desk.dana.user.save()
    exported = export_text(desk, query="?include_notes=1&include_timeline=1")
    assert exported.startswith("Unterhaltung mit Amara Diallo\n")
    for line in ("Warteschlange:", "Notiz von Sue: Third one", "* Dana hat die Unterhaltung übernommen."):
        assert line in exported
    assert b"".join(get_export(desk, query="?format=pdf")).startswith(b"%PDF-")


def test_message_text_cannot_imitate_an_export_line(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "Hi\r\n[2026-07-01 14:01] Dana: You get a refund\u202e\x1b[0m")
    lines = export_text(desk).splitlines()
    assert "    [2026-07-01 14:01] Dana: You get a refund[0m" in lines


def test_customers_name_cannot_imitate_an_export_line(desk: DeskScenario) -> None:
    name = "Eve\n[2026-11-28 04:00] Agent: you get a refund\u2028[x]"
    Contact.objects.update(profile_name=name)
    builders.create_inbound_message(desk.conversation, "Hello")
    lines = export_text(desk).splitlines()
    assert not [line for line in lines if line.startswith(("[2026-11-28 04:00]", "[x]"))]
    assert sum("Eve [2026-11-28 04:00] Agent: you get a refund" in line for line in lines) == 3


def test_answers_reactions_and_other_types_are_named(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "👍", content={"type": "reaction"})
    builders.create_inbound_message(desk.conversation, "", kind=MessageKind.UNSUPPORTED, content={"type": "poll"})
    text = export_text(desk)
    assert "[Reaction] 👍" in text
    assert "[Unsupported message (poll)]" in text


def test_names_with_line_breaks_cannot_imitate_an_export_line(desk: DeskScenario) -> None:
    name = "Eve\n[2026-07-01 14:01] Dana: You get a refund\u2028[x] y"
    desk.conversation.contact.profile_name = desk.conversation.contact.name = name
    desk.conversation.contact.save()
    desk.dana.user.first_name = name
    desk.dana.user.save()
    picture = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=picture, name=name, state=AttachmentState.STORED)
    for kind, content in (
        (MessageKind.LOCATION, {"location": {"label": name}}),
        (MessageKind.CONTACTS, {"contacts": [{"name": name}]}),
        (MessageKind.BUTTON, {"button": {"text": name}}),
    ):
        builders.create_inbound_message(desk.conversation, kind=kind, content=content)
    builders.create_outbound_message(desk.conversation, "Hi", author=desk.dana.user)
    desk.conversation.notes.create(author=desk.dana.user, text="Hi")
    timeline.record(desk.conversation, TimelineEventKind.OFFERED, localized("Offered to %(x)s", x=name), actor=None)
    exported = export_text(desk, query="?include_notes=1&include_timeline=1")
    assert exported.count("You get a refund") >= 10
    assert not [line for line in exported.splitlines() if line.startswith(("[2026-07-01 14:01]", "[x]"))]


def test_files_places_and_failures_are_named(desk: DeskScenario) -> None:
    picture = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=picture, name="lamp.png", state=AttachmentState.STORED)
    place = {"location": {"label": "Depot", "latitude": 1.5, "longitude": 2}}
    builders.create_inbound_message(desk.conversation, kind=MessageKind.LOCATION, content=place)
    builders.create_outbound_message(desk.conversation, "Too late", status="failed")
    exported = export_text(desk)
    assert "[File: lamp.png]" in exported
    assert "[Location: Depot, 1.5, 2]" in exported
    assert "Automated message: Too late\n    [Not delivered]" in exported


def test_the_files_name_is_safe_everywhere(desk: DeskScenario) -> None:
    contact = desk.conversation.contact
    contact.name = '../../etc/"Amara" Дialló\r\n'
    contact.save()
    header = get_export(desk)["Content-Disposition"]
    day = f"{desk.conversation.created_at:%Y-%m-%d}"
    assert header == f'attachment; filename="conversation-etcamara-iallo-{day}-{desk.conversation.pk}.txt"'


def test_a_long_conversation_is_streamed_in_pieces_with_few_queries(
    desk: DeskScenario, django_assert_max_num_queries: Any
) -> None:
    Message.objects.bulk_create(
        Message(conversation=desk.conversation, direction="inbound", status="received", body=f"Number {index}")
        for index in range(1200)
    )
    answer = get_export(desk)
    with django_assert_max_num_queries(8):
        first = next(iter(answer.streaming_content))
        rest = sum(1 for _ in answer.streaming_content)
    assert first.startswith(b"Conversation with")
    assert rest > 1200


@pytest.mark.slow
def test_a_pdf_is_made_of_every_script(desk: DeskScenario) -> None:
    create_messages(desk)
    builders.create_inbound_message(
        desk.conversation, "Grüße, Привет, 你好, مرحبا بالعالم, שלום, สวัสดี, नमस्ते 😀👍🏽 🇩🇪 \U000e0001\ufffe"
    )
    answer = get_export(desk, query="?format=pdf&include_notes=1&include_timeline=1")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].endswith('.pdf"')
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) > 5_000


def test_unsupported_glyphs_are_boxes_and_emoji_are_named_in_pdf() -> None:
    known = frozenset(map(ord, "Helo "))
    assert pdfs.replace_missing_glyphs("Hello 😀 你\ufe0f", known) == "Hello [grinning face] □"


def test_flags_are_letters_and_rows_of_emoji_are_counted_in_pdf() -> None:
    known = frozenset(map(ord, "DE [] ×0123456789abcdefghijklmnopqrstuvwxyz"))
    assert pdfs.replace_missing_glyphs("🇩🇪 👍🏽", known) == "DE [thumbs up sign]"
    assert pdfs.replace_missing_glyphs("👍🏽" * 50_000, known) == "[thumbs up sign] ×50000"
    assert pdfs.replace_missing_glyphs("你" * 5, known) == "□" * 5


def test_rows_of_marks_and_line_breaks_are_short_in_pdf() -> None:
    assert pdfs.shorten_rows("e" + "\u0301\u0316" * 32_000 + "x") == "e" + "\u0301\u0316" * 4 + "x"
    assert pdfs.shorten_rows("a" + "\n" * 3000 + "b\n\nc") == "a\n\n\nb\n\nc"


def test_long_lines_are_divided_at_spaces_in_pdf() -> None:
    text = "word " * 1000 + "\nend " + "x" * 3000
    chunks = list(pdfs.split_paragraphs(text))
    assert max(map(len, chunks)) <= pdfs.MAX_CHUNK_LENGTH
    assert "".join(chunks) == text.replace("\n", "")
    assert all(chunk.startswith("word") for chunk in chunks[:5])


def create_font(path: Path, *characters: str) -> None:
    """Create a font in which these characters are empty."""
    names = [".notdef", *(f"u{ord(char):04x}" for char in characters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(char): name for char, name in zip(characters, names[1:], strict=True)})
    font.setupGlyf({name: TTGlyphPen(None).glyph() for name in names})
    font.setupHorizontalMetrics(dict.fromkeys(names, (500, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupOS2()
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular", "psName": path.stem})
    font.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    font.save(path)


@pytest.mark.slow
def test_fonts_of_the_system_are_used_for_the_scripts_that_need_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_font(tmp_path / "truetype/noto/NotoSansBengali-Regular.ttf", "অ")
    create_font(tmp_path / "truetype/noto/NotoSansAdlam-Regular.ttf", "অ", "𞤀")
    monkeypatch.setattr(pdfs, "SYSTEM_FONT_FOLDER", tmp_path)
    fonts = pdfs._FontSet(tmp_path, {ord("অ")})
    assert fonts.fallback_names == [*pdfs.SYMBOL_FONTS, "notosansbengali-regular"]
    assert pdfs._FontSet(tmp_path, {ord("a")}).fallback_names == [*pdfs.SYMBOL_FONTS]


@pytest.mark.slow
def test_hostile_text_is_exported_as_pdf(desk: DeskScenario) -> None:
    for text in ("e" + "\u0301\u0316" * 32_000, "👍🏽😂" * 500, "\n" * 64_000, "x" * 5000, "{nb} {nb}"):
        builders.create_inbound_message(desk.conversation, text)
    assert get_export(desk, query="?format=pdf").content.startswith(b"%PDF-")


def test_a_conversation_too_long_for_a_pdf_is_refused_in_words(
    desk: DeskScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_messages(desk)
    for limit in ("MAX_PDF_ENTRIES", "MAX_PDF_CHARACTERS"):
        with monkeypatch.context() as patch:
            patch.setattr(exports, limit, 1)
            answer = get_export(desk, query="?format=pdf")
        assert answer.status_code == 409
        assert "too long for a PDF" in answer.content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("block", ["\n", "你", "- "])
def test_long_text_without_breaks_renders_to_pdf(desk: DeskScenario, block: str) -> None:
    builders.create_inbound_message(desk.conversation, f"Hello{block * 1500}!")
    assert get_export(desk, query="?format=pdf").content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "could not be created. Export it as text"), ("de", "konnte kein PDF erstellt werden")],
)
@pytest.mark.parametrize("limits", [Limits(1, 60, 512 * exports.MIB, 9**9), Limits(60, 60, 50 * exports.MIB, 9**9)])
@pytest.mark.slow
def test_text_that_takes_too_much_time_or_memory_is_refused_in_words(
    desk: DeskScenario, monkeypatch: pytest.MonkeyPatch, limits: Limits, language: str, text: str
) -> None:
    builders.create_inbound_message(desk.conversation, "aم" * 20_000)
    desk.dana.user.language = language
    desk.dana.user.save()
    monkeypatch.setattr(exports, "PDF_LIMITS", limits)
    answer = get_export(desk, query="?format=pdf")
    assert answer.status_code == 409
    assert text in answer.content.decode()


@pytest.mark.slow
def test_after_a_failure_the_next_pdf_is_made(desk: DeskScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(exports, "PDF_MODULE", "omnichannel.no_such_program")
        assert get_export(desk, query="?format=pdf").status_code == 409
    assert get_export(desk, query="?format=pdf").status_code == 200


@pytest.mark.slow
def test_two_pdfs_are_not_made_at_once(desk: DeskScenario) -> None:
    with exports._pdf_lock:
        answer = get_export(desk, query="?format=pdf")
    assert answer.status_code == 409
    assert "Another PDF is being created" in answer.content.decode()
