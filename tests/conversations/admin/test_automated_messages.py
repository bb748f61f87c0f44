"""Automated messages and opt-out words in the administration."""

import pytest

from omnichannel.conversations.models import AutomatedMessage, OptOutMeaning, OptOutWord
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

MESSAGE, WORD = "conversations_automatedmessage", "conversations_optoutword"


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


def text(**changed):
    form = {"trigger": "greeting", "work_stream": "", "language": "", "text": "Hello {CustomerName}", "is_active": "on"}
    return {**form, **changed}


def errors(response):
    return response.context["adminform"].form.errors


def test_a_greeting_is_written_for_a_work_stream_and_a_language(ada):
    stream = builders.work_stream()
    ada.post(page(MESSAGE, "add"), text(work_stream=stream.pk, language="pt_BR"))
    made = AutomatedMessage.objects.get(text="Hello {CustomerName}")
    assert (made.work_stream, made.language, made.is_active) == (stream, "pt-BR", True)


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"text": "Hello {Customer}"}, "text", "There is no slug {Customer}."),
        ({"text": "You are number {Position}"}, "text", "{Position} is known only for"),
        ({"language": "German!"}, "language", "Enter a language code"),
        ({"trigger": "never"}, "trigger", "Select a valid choice"),
        ({"text": ""}, "text", "This field is required."),
    ],
)
def test_what_can_not_be_said_is_refused_at_its_field(ada, changed, field, said):
    before = AutomatedMessage.objects.count()
    assert said in errors(ada.post(page(MESSAGE, "add"), text(**changed)))[field][0]
    assert AutomatedMessage.objects.count() == before


@pytest.mark.parametrize("of_one_stream", [True, False])
def test_one_text_for_a_trigger_a_work_stream_and_a_language(ada, of_one_stream):
    stream = builders.work_stream() if of_one_stream else None
    AutomatedMessage.objects.create(trigger="greeting", work_stream=stream, language="de", text="Hallo")
    form = text(work_stream=stream.pk if stream else "", language="DE")
    assert "There is a text for this trigger" in errors(ada.post(page(MESSAGE, "add"), form))["language"][0]


def test_the_slugs_are_listed_beside_the_text(ada):
    shown = words(ada.get(page(MESSAGE, "add")))
    for slug in ("AgentName", "QueueName", "CustomerName", "Position", "OpensAt"):
        assert f"{{{slug}}}" in shown


def test_a_word_in_any_language_opts_out(ada):
    ada.post(page(WORD, "add"), {"word": " Arrêtez ", "meaning": "stop"})
    assert OptOutWord.objects.get(word="Arrêtez").meaning == OptOutMeaning.STOP


@pytest.mark.parametrize(("word", "said"), [("HALT!", "in the list already"), ("...", "letters or digits")])
def test_a_word_that_is_there_or_is_none_is_refused(ada, word, said):
    OptOutWord.objects.create(word="halt")
    assert said in errors(ada.post(page(WORD, "add"), {"word": word, "meaning": "start"}))["word"][0]


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_set_what_the_desk_says(role):
    client, before = signed_in(role), AutomatedMessage.objects.count()
    assert client.post(page(MESSAGE, "add"), text()).status_code in {302, 403}
    assert client.post(page(WORD, "add"), {"word": "fin", "meaning": "stop"}).status_code in {302, 403}
    assert AutomatedMessage.objects.count() == before
    assert not OptOutWord.objects.filter(word="fin").exists()


def test_stop_words_without_a_way_back_are_warned_about(ada):
    OptOutWord.objects.create(word="Stop")
    shown = page(WORD, "changelist")
    assert "no word by which customers opt in again" in " ".join(toasts(ada.get(shown)))
    OptOutWord.objects.create(word="Start", meaning=OptOutMeaning.START)
    assert not toasts(ada.get(shown))


def test_without_any_word_there_is_nothing_to_warn_about(ada):
    assert not toasts(ada.get(page(WORD, "changelist")))
