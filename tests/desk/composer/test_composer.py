"""The composer: files, quotes, undo, preview and quick replies."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import DeskPreferences, Message, QuickReply
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def post_reply(desk: DeskScenario, **form: Any) -> Any:
    return client_for(desk.dana).post(conversation_url(desk, "reply"), form, **HTMX_HEADERS)


def disable_undo(desk: DeskScenario) -> None:
    DeskPreferences.objects.create(agent=desk.dana, can_undo_sending=False)


# -- Replying ----------------------------------------------------------------------------------------------------------


def test_each_file_is_a_message_of_its_own_in_their_order_the_text_with_the_first(desk: DeskScenario) -> None:
    files = [SimpleUploadedFile(f"{name}.png", PNG) for name in "abc"]
    answer = post_reply(desk, text="Three", file=files)
    messages = list(desk.conversation.messages.order_by("pk"))
    assert [(message.body, message.attachments.get().name) for message in messages] == [
        ("Three", "a.png"),
        ("", "b.png"),
        ("", "c.png"),
    ]
    assert all(f'id="message-{message.pk}"' in answer.content.decode() for message in messages)


def test_of_several_files_all_are_looked_at_before_the_first_goes_out(desk: DeskScenario) -> None:
    files = [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.html", b"<html><script>")]
    answer = post_reply(desk, text="Two", file=files)
    assert answer.status_code == 422
    assert not Message.objects.exists()


def test_a_reply_to_a_message_shows_it_to_colleagues(desk: DeskScenario) -> None:
    question = builders.create_inbound_message(desk.conversation, "Blue or red?")
    answer = post_reply(desk, text="Blue", quoted=question.pk)
    assert Message.objects.get(body="Blue").quoted == question
    assert re.search(rf'href="[^"]*message-{question.pk}"', answer.content.decode())


def test_a_reply_to_a_message_from_elsewhere_is_refused_and_the_text_stays(desk: DeskScenario) -> None:
    elsewhere = builders.create_inbound_message(builders.create_conversation())
    answer = post_reply(desk, text="Blue", quoted=elsewhere.pk)
    assert answer.status_code == 422
    assert "Blue" in answer.content.decode()


def test_a_slug_that_is_left_is_refused_by_the_field(desk: DeskScenario) -> None:
    answer = post_reply(desk, text="Dear {LastName{Customer}}")
    assert answer.status_code == 422
    assert "Replace {LastName{Customer}} before sending" in answer.content.decode()


def test_unsent_message_is_included_in_fragments_until_sent(desk: DeskScenario) -> None:
    message = builders.create_outbound_message(
        desk.conversation, status="queued", updated_at=timezone.now() - timedelta(hours=1)
    )
    fragments_path = (
        f"{conversation_url(desk, 'updates')}?after={message.pk}&changed_since={timezone.now().isoformat()}"
    )
    client = client_for(desk.omar)
    assert f'id="message-{message.pk}"' in client.get(fragments_path, **HTMX_HEADERS).content.decode()
    Message.objects.update(status="sent")
    assert f'id="message-{message.pk}"' not in client.get(fragments_path, **HTMX_HEADERS).content.decode()


# -- Undo --------------------------------------------------------------------------------------------------------------


def test_undo_is_absent_when_disabled(desk: DeskScenario) -> None:
    disable_undo(desk)
    assert 'id="undo"' not in post_reply(desk, text="Hi").content.decode()
    assert Message.objects.get().not_before is None


def test_undo_restores_the_text_and_removes_the_message(desk: DeskScenario) -> None:
    question = builders.create_inbound_message(desk.conversation)
    sent = post_reply(desk, text="Oops", quoted=question.pk).content.decode()
    (pk,) = re.findall(r'name="message" value="(\d+)"', sent)
    answer = client_for(desk.dana).post(conversation_url(desk, "undo_send"), {"message": [pk]}, **HTMX_HEADERS)
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert ">Oops</textarea>" in shown
    assert f'name="quoted" value="{question.pk}"' in shown
    assert f'id="removed-messages" data-pks="{pk}"' in shown
    assert not Message.objects.filter(pk=pk).exists()


def test_without_the_script_undo_shows_the_page_with_the_words(desk: DeskScenario) -> None:
    post_reply(desk, text="Oops")
    answer = client_for(desk.dana).post(conversation_url(desk, "undo_send"), {"message": [Message.objects.get().pk]})
    assert ">Oops</textarea>" in answer.content.decode()


@pytest.mark.parametrize(
    ("person", "status"), [("omar", 409), ("supervisor", 409), ("administrator", 409), ("eve", 404), ("stranger", 403)]
)
def test_only_the_author_can_undo(desk: DeskScenario, person: str, status: int) -> None:
    post_reply(desk, text="Stays")
    pk = Message.objects.get().pk
    answer = client_for(getattr(desk, person)).post(
        conversation_url(desk, "undo_send"), {"message": [pk]}, **HTMX_HEADERS
    )
    assert answer.status_code == status
    assert Message.objects.filter(pk=pk, status="queued").exists()


@pytest.mark.parametrize("form", [{}, {"message": "x"}, {"message": "99999999999999999999"}])
def test_late_or_invalid_undo_shows_an_error(desk: DeskScenario, form: dict[str, str]) -> None:
    answer = client_for(desk.dana).post(conversation_url(desk, "undo_send"), form, **HTMX_HEADERS)
    assert answer.status_code == 409
    assert "Already sent" in answer.content.decode()


# -- The preview -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [("*Hi* <b>", "<strong>Hi</strong> &lt;b&gt;"), ("plain <b> https://x.example", ""), ("", "")],
)
def test_a_preview_is_what_the_customer_will_see_where_that_differs(desk: DeskScenario, text: str, shown: str) -> None:
    assert client_for(desk.dana).post(reverse("desk:preview_markup"), {"text": text}).content.decode() == shown


def test_the_preview_is_for_those_who_work_here(desk: DeskScenario) -> None:
    assert client_for(desk.stranger).post(reverse("desk:preview_markup"), {"text": "*x*"}).status_code == 403
    assert Client().post(reverse("desk:preview_markup"), {"text": "*x*"}).status_code == 302


# -- Quick replies -----------------------------------------------------------------------------------------------------


def create_quick_reply(
    title: str = "Hello", message: str = "Hello {FullName{Customer}}, {FirstName{Agent}} here", **more: Any
) -> Any:
    quick_reply = QuickReply.objects.create(title=title, message=message, locale=more.pop("locale", "en"), **more)
    quick_reply.tags.set(get_or_create_tags(["greeting"]))
    return quick_reply


def test_offered_quick_replies_have_slugs_filled_and_escaped(desk: DeskScenario) -> None:
    create_quick_reply()
    desk.conversation.contact.name = '<b>"Amara"'
    desk.conversation.contact.save()
    shown = client_for(desk.dana).get(conversation_url(desk, "quick_replies")).content.decode()
    assert 'data-text="Hello &lt;b&gt;&quot;Amara&quot;, Dana here"' in shown
    assert 'data-tags="greeting"' in shown
    assert "<b>" not in shown


def test_quick_replies_are_found_by_what_is_stored_without_accents(desk: DeskScenario) -> None:
    create_quick_reply("Olá", "Olá {FirstName{Customer}}, até já").tags.set(get_or_create_tags(["Saudação"]))
    desk.conversation.contact.name = "Anna Maier"
    desk.conversation.contact.save()
    shown = client_for(desk.dana).get(conversation_url(desk, "quick_replies")).content.decode()
    search_text = shown.partition('data-search="')[2].partition('"')[0]
    assert search_text.split("\n") == ["ola", "ola {firstname{customer}}, ate ja", "#saudacao"]
    assert 'data-text="Olá Anna, até já"' in shown
    assert 'data-tags="saudacao"' in shown


def test_the_customers_language_is_first(desk: DeskScenario) -> None:
    create_quick_reply("Hello", locale="en")
    create_quick_reply("Hallo", locale="de")
    desk.conversation.contact.language = "de"
    desk.conversation.contact.save()
    shown = client_for(desk.dana).get(conversation_url(desk, "quick_replies")).content.decode()
    assert shown.index('"auto">Hallo<') < shown.index('"auto">Hello<')


@pytest.mark.parametrize("person", ["dana", "omar", "supervisor", "administrator"])
def test_those_who_see_the_conversation_are_offered_them(desk: DeskScenario, person: str) -> None:
    create_quick_reply()
    assert "Hello" in client_for(getattr(desk, person)).get(conversation_url(desk, "quick_replies")).content.decode()


@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_quick_replies_are_not_offered_without_access(desk: DeskScenario, person: str, status: int) -> None:
    assert client_for(getattr(desk, person)).get(conversation_url(desk, "quick_replies")).status_code == status


@pytest.mark.parametrize("count", [1, 40])
def test_quick_replies_take_two_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        create_quick_reply(f"Hello {number}")
    client = client_for(desk.dana)
    with django_assert_max_num_queries(8):
        assert client.get(conversation_url(desk, "quick_replies")).content.decode().count('role="option"') == count


def quick_reply_form(**changed: str) -> dict[str, str]:
    return {"title": "Mine", "message": "Bye {FirstName{Agent}}", "locale": "en", "tags": "#bye, warm", **changed}


@pytest.mark.parametrize("user_key", ["dana", "supervisor", "administrator"])
def test_people_write_change_and_delete_their_own(desk: DeskScenario, user_key: str) -> None:
    person = getattr(desk, user_key)
    client, page = client_for(person), reverse("desk:personal_quick_replies")
    assert client.post(page, quick_reply_form()).status_code == 302
    quick_reply = QuickReply.objects.get(owner=person.user)
    assert "Mine" in client.get(page).content.decode()
    change = reverse("desk:edit_quick_reply", args=[quick_reply.pk])
    assert "bye, warm" in client.get(change).content.decode()
    client.post(change, quick_reply_form(message="Goodbye"))
    quick_reply.refresh_from_db()
    assert quick_reply.message == "Goodbye"
    client.post(reverse("desk:delete_quick_reply", args=[quick_reply.pk]))
    assert not QuickReply.objects.exists()


def test_error_is_shown_at_its_field_and_input_is_kept(desk: DeskScenario) -> None:
    answer = client_for(desk.dana).post(
        reverse("desk:personal_quick_replies"), quick_reply_form(message="Dear {Name{Customer}}")
    )
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Unknown placeholder {Name{Customer}}" in shown
    assert "Dear {Name{Customer}}</textarea>" in shown


def test_quick_replies_of_others_are_not_offered_or_changed(desk: DeskScenario) -> None:
    own_reply, shared_reply = create_quick_reply("Mine", owner=desk.dana.user), create_quick_reply("Everybody's")
    omar = client_for(desk.omar)
    for quick_reply in (own_reply, shared_reply):
        assert omar.get(reverse("desk:edit_quick_reply", args=[quick_reply.pk])).status_code == 404
        assert omar.post(reverse("desk:edit_quick_reply", args=[quick_reply.pk]), quick_reply_form()).status_code == 404
        assert omar.post(reverse("desk:delete_quick_reply", args=[quick_reply.pk])).status_code == 404
    assert "Mine" not in omar.get(conversation_url(desk, "quick_replies")).content.decode()
    assert QuickReply.objects.count() == 2


def test_composer_text_can_be_saved_as_a_quick_reply(desk: DeskScenario) -> None:
    client, address = client_for(desk.dana), reverse("desk:create_quick_reply")
    assert "<dialog" in client.get(address, **HTMX_HEADERS).content.decode()
    assert client.post(address, quick_reply_form(title=""), **HTMX_HEADERS).status_code == 422
    response = client.post(address, quick_reply_form(), **HTMX_HEADERS)
    assert (response.status_code, response["HX-Trigger"]) == (204, "quick-reply-saved")
    assert QuickReply.objects.get().owner == desk.dana.user


def test_the_pages_of_quick_replies_are_for_those_who_work_here(desk: DeskScenario) -> None:
    quick_reply = create_quick_reply(owner=desk.dana.user)
    for name, args in (
        ("personal_quick_replies", []),
        ("create_quick_reply", []),
        ("edit_quick_reply", [quick_reply.pk]),
    ):
        address = reverse(f"desk:{name}", args=args)
        assert client_for(desk.stranger).get(address).status_code == 403
        assert Client().get(address).status_code == 302


@pytest.mark.parametrize(("user_key", "is_led"), [("supervisor", True), ("administrator", True), ("dana", False)])
def test_supervisors_get_a_link_to_shared_quick_replies(desk: DeskScenario, user_key: str, is_led: bool) -> None:
    person = getattr(desk, user_key)
    person.user.is_staff = is_led
    person.user.save()
    shown = client_for(person).get(reverse("desk:personal_quick_replies")).content.decode()
    assert (reverse("admin:conversations_quickreply_changelist") in shown) == is_led
