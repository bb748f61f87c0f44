"""Localized texts are stored with their values and rendered in each reader's language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from omnichannel.conversations import timeline
from omnichannel.conversations.models import ConversationEvent, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText, localized, localized_plural
from routing.models import BasePresence
from tests import builders

TAKEN_TEXT = "%(agent)s took the conversation."
HOURS_TEXTS = ("%(count)s hour", "%(count)s hours")


def store_and_load(sentence: LocalizedText) -> LocalizedText:
    return LocalizedText.from_json(sentence.to_json())


def test_text_is_rendered_in_the_readers_language() -> None:
    line = store_and_load(localized(TAKEN_TEXT, agent="Dana"))
    assert str(line) == "Dana took the conversation."
    with translation.override("de"):
        assert str(line) == "Dana hat die Unterhaltung übernommen."


@pytest.mark.parametrize(("count", "english", "german"), [(1, "1 hour", "1 Stunde"), (3, "3 hours", "3 Stunden")])
def test_a_number_takes_the_form_it_needs(count: int, english: str, german: str) -> None:
    line = store_and_load(localized_plural(*HOURS_TEXTS, count))
    assert str(line) == english
    with translation.override("de"):
        assert str(line) == german


def test_time_is_rendered_in_the_readers_time_zone() -> None:
    until = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
    line = store_and_load(localized("%(agent)s snoozed the conversation until %(until)s.", agent="Dana", until=until))
    with timezone.override(ZoneInfo("America/New_York")):
        assert str(line) == "Dana snoozed the conversation until 30 Nov 2026, 03:15."
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("de"):
        assert str(line) == "Dana hat die Unterhaltung bis 30. Nov 2026, 09:15 zurückgestellt."


def test_pieces_and_lists_of_them_are_translated_too() -> None:
    needs = [localized_plural(*HOURS_TEXTS, 1), "German 5"]
    line = store_and_load(localized("Required skills: %(skills)s.", skills=needs))
    with translation.override("de"):
        assert str(line) == "Erforderliche Fähigkeiten: 1 Stunde, German 5."


@pytest.mark.parametrize("name", ["100 %", "%(agent)s", "%s", "{'words': 'x'}", "ليلى"])
def test_names_are_not_translated(name: str) -> None:
    assert str(store_and_load(localized(TAKEN_TEXT, agent=name))) == f"{name} took the conversation."


def test_untranslated_text_stays_unchanged() -> None:
    assert str(LocalizedText.from_json({"msgid": "Sue moved 100 % of it."})) == "Sue moved 100 % of it."


@pytest.mark.django_db
def test_a_row_keeps_the_sentence() -> None:
    line = localized(
        "No agent available: %(others)s.", others=[localized("%(count)s %(obstacle)s", count=2, obstacle="x")]
    )
    timeline.record(builders.create_conversation(), TimelineEventKind.NO_AGENT, line, actor=None)
    assert ConversationEvent.objects.get().text == line


@pytest.mark.parametrize("presence", BasePresence)
def test_a_presence_is_named_in_the_readers_language(presence: BasePresence) -> None:
    with translation.override("de"):
        assert (str(LocalizedText(presence.label)) != presence.label) == (presence != BasePresence.OFFLINE)
