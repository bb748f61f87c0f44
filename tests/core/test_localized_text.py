"""A sentence is kept with its words and values apart, and read by each reader in their own language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from omnichannel.conversations.models import ConversationEvent
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import LocalizedText, localized, localized_plural
from routing.models import BasePresence
from tests import builders

TAKEN = "%(agent)s took the conversation."
HOURS = ("%(count)s hour", "%(count)s hours")


def kept_and_read(sentence: LocalizedText) -> LocalizedText:
    return LocalizedText.read(sentence.kept())


def test_each_reader_reads_it_in_their_own_language() -> None:
    line = kept_and_read(localized(TAKEN, agent="Dana"))
    assert str(line) == "Dana took the conversation."
    with translation.override("de"):
        assert str(line) == "Dana hat die Unterhaltung übernommen."


@pytest.mark.parametrize(("count", "english", "german"), [(1, "1 hour", "1 Stunde"), (3, "3 hours", "3 Stunden")])
def test_a_number_takes_the_form_it_needs(count: int, english: str, german: str) -> None:
    line = kept_and_read(localized_plural(*HOURS, count))
    assert str(line) == english
    with translation.override("de"):
        assert str(line) == german


def test_a_moment_is_read_on_the_readers_clock() -> None:
    until = datetime(2026, 11, 30, 8, 15, tzinfo=UTC)
    line = kept_and_read(localized("%(agent)s snoozed the conversation until %(until)s.", agent="Dana", until=until))
    with timezone.override(ZoneInfo("America/New_York")):
        assert str(line) == "Dana snoozed the conversation until 30 Nov 2026, 03:15."
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("de"):
        assert str(line) == "Dana hat die Unterhaltung bis 30. Nov 2026, 09:15 zurückgestellt."


def test_pieces_and_lists_of_them_are_translated_too() -> None:
    needs = [localized_plural(*HOURS, 1), "German 5"]
    line = kept_and_read(localized("Needs %(skills)s.", skills=needs))
    with translation.override("de"):
        assert str(line) == "Braucht 1 Stunde, German 5."


@pytest.mark.parametrize("name", ["100 %", "%(agent)s", "%s", "{'words': 'x'}", "ليلى"])
def test_whatever_people_are_called_stands_there_as_it_is(name: str) -> None:
    assert str(kept_and_read(localized(TAKEN, agent=name))) == f"{name} took the conversation."


def test_words_that_no_catalogue_knows_stay_as_they_are() -> None:
    assert str(LocalizedText.read({"words": "Sue moved 100 % of it."})) == "Sue moved 100 % of it."


@pytest.mark.django_db
def test_a_row_keeps_the_sentence() -> None:
    line = localized(
        "Nobody can take it now: %(others)s.", others=[localized("%(count)s %(obstacle)s", count=2, obstacle="x")]
    )
    record_event(builders.conversation(), "nobody", line, by=None)
    assert ConversationEvent.objects.get().said == line


@pytest.mark.parametrize("presence", BasePresence)
def test_a_presence_is_named_in_the_readers_language(presence: BasePresence) -> None:
    with translation.override("de"):
        assert (str(LocalizedText(presence.label)) != presence.label) == (presence != BasePresence.OFFLINE)
