"""The admin of automated messages and opt-out words."""

from typing import Any

import pytest

from omnichannel.conversations.models import AutomatedMessage, OptOutMeaning, OptOutWord
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, form_errors, message_texts

pytestmark = pytest.mark.django_db

MESSAGE_MODEL, WORD_MODEL = "conversations_automatedmessage", "conversations_optoutword"


def automated_message_form(**changed: Any) -> dict[str, Any]:
    form = {"trigger": "greeting", "work_stream": "", "language": "", "text": "Hello {CustomerName}", "is_active": "on"}
    return {**form, **changed}


def test_a_greeting_is_written_for_a_work_stream_and_a_language(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    admin_client.post(admin_url(MESSAGE_MODEL, "add"), automated_message_form(work_stream=stream.pk, language="pt_BR"))
    greeting = AutomatedMessage.objects.get(text="Hello {CustomerName}")
    assert (greeting.work_stream, greeting.language, greeting.is_active) == (stream, "pt-BR", True)


@pytest.mark.parametrize(
    ("changed", "field", "error_text"),
    [
        ({"text": "Hello {Customer}"}, "text", "Unknown placeholder {Customer}."),
        ({"text": "You are number {Position}"}, "text", "{Position} is only available for"),
        ({"language": "German!"}, "language", "Enter a language code"),
        ({"trigger": "never"}, "trigger", "Select a valid choice"),
        ({"text": ""}, "text", "This field is required."),
    ],
)
def test_invalid_text_is_refused_at_its_field(
    admin_client: UserClient, changed: Any, field: str, error_text: str
) -> None:
    before = AutomatedMessage.objects.count()
    assert (
        error_text
        in form_errors(admin_client.post(admin_url(MESSAGE_MODEL, "add"), automated_message_form(**changed)))[field][0]
    )
    assert AutomatedMessage.objects.count() == before


@pytest.mark.parametrize("of_one_stream", [True, False])
def test_one_text_for_a_trigger_a_work_stream_and_a_language(admin_client: UserClient, of_one_stream: Any) -> None:
    stream = builders.update_work_stream() if of_one_stream else None
    AutomatedMessage.objects.create(trigger="greeting", work_stream=stream, language="de", text="Hallo")
    form = automated_message_form(work_stream=stream.pk if stream else "", language="DE")
    assert (
        "There is already a message for this trigger"
        in form_errors(admin_client.post(admin_url(MESSAGE_MODEL, "add"), form))["language"][0]
    )


def test_placeholders_are_explained_in_a_table_with_examples(admin_client: UserClient) -> None:
    page = admin_client.get(admin_url(MESSAGE_MODEL, "add")).content.decode()
    table = page.partition('<table class="placeholders"')[2].partition("</table>")[0]
    for name in ("{AgentName}", "{QueueName}", "{CustomerName}", "{Position}", "{OpensAt}", "{$order_number$}"):
        assert f"<code>{name}</code>" in table
    assert "<td>Agent assigned to the conversation</td>" in table
    assert "<td>Dana Kim</td>" in table


def test_listed_placeholders_are_accepted_and_an_unknown_one_names_them(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    stream.context_variables.create(display_name="Order", name="order_number")
    add_url = admin_url(MESSAGE_MODEL, "add")
    text = "{AgentName} {QueueName} {CustomerName} {Position} {OpensAt} {$order_number$}"
    form = automated_message_form(text=text, work_stream=stream.pk, trigger="position")
    assert admin_client.post(add_url, form).status_code == 302
    form["text"] = "{Nobody}"
    assert form_errors(admin_client.post(add_url, form))["text"] == [
        "Unknown placeholder {Nobody}. Available: {AgentName}, {QueueName}, {CustomerName}, {Position}, {OpensAt}, "
        "{$order_number$}."
    ]


def test_a_word_in_any_language_opts_out(admin_client: UserClient) -> None:
    admin_client.post(admin_url(WORD_MODEL, "add"), {"word": " Arrêtez ", "meaning": "stop"})
    assert OptOutWord.objects.get(word="Arrêtez").meaning == OptOutMeaning.STOP


@pytest.mark.parametrize(("word", "error_text"), [("HALT!", "already in the list"), ("...", "letters or digits")])
def test_duplicate_or_empty_word_is_refused(admin_client: UserClient, word: Any, error_text: str) -> None:
    OptOutWord.objects.create(word="halt")
    assert (
        error_text
        in form_errors(admin_client.post(admin_url(WORD_MODEL, "add"), {"word": word, "meaning": "start"}))["word"][0]
    )


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_change_automated_messages(role: str) -> None:
    client, before = create_signed_in_client(role), AutomatedMessage.objects.count()
    assert client.post(admin_url(MESSAGE_MODEL, "add"), automated_message_form()).status_code in {302, 403}
    assert client.post(admin_url(WORD_MODEL, "add"), {"word": "fin", "meaning": "stop"}).status_code in {302, 403}
    assert AutomatedMessage.objects.count() == before
    assert not OptOutWord.objects.filter(word="fin").exists()


def test_stop_words_without_a_start_word_cause_a_warning(admin_client: UserClient) -> None:
    OptOutWord.objects.create(word="Stop")
    shown = admin_url(WORD_MODEL, "changelist")
    assert "There is no opt-in word" in " ".join(message_texts(admin_client.get(shown)))
    OptOutWord.objects.create(word="Start", meaning=OptOutMeaning.START)
    assert not message_texts(admin_client.get(shown))


def test_no_warning_without_opt_out_words(admin_client: UserClient) -> None:
    assert not message_texts(admin_client.get(admin_url(WORD_MODEL, "changelist")))
