"""Templates on the conversation page: search, variables, sending and display."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from channels_whatsapp.backends.base import TwilioRejectedError, TwilioTemplate
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import MessageTemplate
from channels_whatsapp.service_window import WINDOW_EXCEEDED_MESSAGE
from omnichannel.conversations.models import Contact, Conversation, Message
from tests import builders
from tests.admin_client import visible_text
from tests.conversations.outbound.template_fixtures import create_template
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact, conversation_url
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

VALUES = {"variable-0": "Amara", "variable-1": "2231"}


@pytest.fixture
def delivery_template(desk: DeskScenario) -> MessageTemplate:
    """Return a template for the conversation, whose window closed an hour ago."""
    desk.conversation.window_closes_at = timezone.now() - timedelta(hours=1)
    desk.conversation.save()
    return create_template(desk.conversation.number.account)


def get_templates_page(desk: DeskScenario, agent: Any = None, **query: str) -> str:
    return (
        client_for(agent or desk.dana).get(conversation_url(desk, "templates"), query, **HTMX_HEADERS).content.decode()
    )


def post_template(desk: DeskScenario, of: MessageTemplate, values: dict[str, str] | None = None, **more: Any) -> Any:
    form = {"template": of.pk, "location": "composer", **(VALUES if values is None else values)}
    return client_for(desk.dana).post(conversation_url(desk, "send_template"), form, **(more or HTMX_HEADERS))


# -- The closed window -------------------------------------------------------------------------------------------------


def test_closed_window_shows_templates_instead_of_the_reply(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert WINDOW_EXCEEDED_MESSAGE in shown
    assert f'href="{conversation_url(desk, "templates")}"' in shown
    assert 'id="reply-text"' not in shown


def test_open_window_shows_templates_as_a_composer_tool(desk: DeskScenario) -> None:
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert 'id="reply-text"' in shown
    assert 'id="do-templates"' in shown


@pytest.mark.parametrize(("hours", "code"), [(24, "inside"), (24.001, "closed")])
def test_exactly_24_hours_are_still_inside(desk: DeskScenario, hours: float, code: str) -> None:
    wrote = timezone.now().replace(microsecond=0)
    Conversation.objects.update(last_inbound_at=wrote, window_closes_at=wrote + timedelta(hours=24))
    with time_machine.travel(wrote + timedelta(hours=hours), tick=False):
        shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert ('id="reply-text"' in shown, WINDOW_EXCEEDED_MESSAGE in shown) == (code == "inside", code == "closed")


def test_polling_page_gets_the_closed_window(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    pieces = (
        client_for(desk.dana).get(reverse("desk:updates", args=[desk.conversation.pk]), **HTMX_HEADERS).content.decode()
    )
    assert 'data-version="window_closed"' in pieces


# -- Search ------------------------------------------------------------------------------------------------------------


def test_sendable_templates_are_first_sorted_by_customer_language(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    account = delivery_template.account
    create_template(account, "angebot", language="de")
    create_template(account, "oferta", language="pt_BR")
    create_template(account, "anuncio", language="pt")
    create_template(account, "a_refused_one", language="pt_BR", approval="rejected", rejection_reason="Too pushy.")
    desk.conversation.contact.language = "pt-br"
    desk.conversation.contact.save()
    shown = visible_text(client_for(desk.dana).get(conversation_url(desk, "templates"), **HTMX_HEADERS))
    places = [shown.index(name) for name in ("oferta", "anuncio", "angebot", "delivery_update", "a_refused_one")]
    assert places == sorted(places)


def test_unsendable_template_is_shown_disabled_with_the_reason(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    refused = create_template(
        delivery_template.account, "win_a_lamp", approval="rejected", rejection_reason="Too pushy."
    )
    shown = get_templates_page(desk)
    assert "WhatsApp rejected it. Too pushy." in shown
    assert f'value="{delivery_template.pk}"' in shown
    assert f'value="{refused.pk}"' not in shown


def test_authentication_template_cannot_be_chosen_for_a_hidden_number(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    code_template = create_template(delivery_template.account, "code", "{{1}}", category="AUTHENTICATION")
    assert f'value="{code_template.pk}"' in get_templates_page(desk)
    Contact.objects.update(address="whatsapp:US.13491208655302741918")
    shown = get_templates_page(desk)
    assert "can only be sent to a phone number" in shown
    assert f'value="{code_template.pk}"' not in shown
    assert "can only be sent to a phone number" in get_templates_page(desk, template=str(code_template.pk))
    answer = post_template(desk, code_template, {"variable-0": "1234"})
    assert answer.status_code == 422
    assert "can only be sent to a phone number" in answer.content.decode()
    assert not Message.objects.exists()


@pytest.mark.parametrize("query", ["deliv", "ON ITS WAY", "utility", "english", "EN", "order deliv"])
def test_templates_are_found_by_name_text_category_and_language(
    desk: DeskScenario, delivery_template: MessageTemplate, query: str
) -> None:
    create_template(delivery_template.account, "angebot", "Nur heute!", language="de", category="MARKETING")
    shown = get_templates_page(desk, q=query)
    assert "delivery_update" in shown
    assert "angebot" not in shown


@pytest.mark.parametrize("query", ["ola", "OLÁ", "amanha", "portugues"])
def test_templates_are_found_without_accents(
    desk: DeskScenario, delivery_template: MessageTemplate, query: str
) -> None:
    create_template(delivery_template.account, "olá", "Até amanhã!", language="pt")
    shown = get_templates_page(desk, q=query)
    assert "Até amanhã" in shown
    assert "delivery_update" not in shown


def test_search_without_matches_shows_a_message(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    assert "No matching templates." in get_templates_page(desk, q="nowhere")


def test_removed_templates_and_those_of_other_accounts_are_hidden(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    create_template(delivery_template.account, "gone_one", removed_at=timezone.now())
    other_template = create_template(builders.create_account(), "theirs")
    shown = get_templates_page(desk)
    assert "gone_one" not in shown
    assert "theirs" not in shown
    assert "theirs" not in get_templates_page(desk, template=str(other_template.pk))


def test_without_templates_the_page_says_where_they_come_from(desk: DeskScenario) -> None:
    shown = get_templates_page(desk)
    assert "The templates have not been synced from Twilio yet." in shown
    assert f'hx-post="{conversation_url(desk, "sync_templates")}"' in shown


def test_agent_can_sync_templates(desk: DeskScenario, memory_backend: MemoryBackend) -> None:
    memory_backend.templates = [
        TwilioTemplate(builders.new_sid("HX"), "brand_new", "en", {}, {}, {"status": "approved"})
    ]
    answer = client_for(desk.dana).post(
        conversation_url(desk, "sync_templates"), {"location": "composer"}, **HTMX_HEADERS
    )
    assert "brand_new" in visible_text(answer)
    assert "1 message template synced, 1 approved." in visible_text(answer)


def test_agent_sees_why_the_sync_failed(
    desk: DeskScenario, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)]
    shown = visible_text(
        client_for(desk.dana).post(conversation_url(desk, "sync_templates"), {"location": "composer"}, **HTMX_HEADERS)
    )
    assert "Templates could not be synced. Twilio rejected the Account SID or Auth Token." in shown
    assert "delivery_update" in shown


def test_agent_without_reply_access_cannot_sync(desk: DeskScenario, memory_backend: MemoryBackend) -> None:
    assert client_for(desk.omar).post(conversation_url(desk, "sync_templates"), **HTMX_HEADERS).status_code == 409
    assert client_for(desk.eve).post(conversation_url(desk, "sync_templates"), **HTMX_HEADERS).status_code == 404
    assert client_for(desk.dana).get(conversation_url(desk, "sync_templates")).status_code == 405


def test_language_and_category_use_the_readers_language(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    desk.dana.user.language = "de"
    desk.dana.user.save()
    assert "Englisch · Utility · Schnellantworten" in visible_text(
        client_for(desk.dana).get(conversation_url(desk, "templates"), **HTMX_HEADERS)
    )
    assert "delivery_update" in get_templates_page(desk, q="englisch util")


@pytest.mark.parametrize("count", [3, 120])
def test_the_list_takes_as_many_queries_however_long_it_is(
    desk: DeskScenario,
    delivery_template: MessageTemplate,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for place in range(count):
        create_template(delivery_template.account, f"template_{place:03d}")
    client = client_for(desk.dana)
    with django_assert_max_num_queries(8):
        shown = client.get(conversation_url(desk, "templates"), **HTMX_HEADERS).content.decode()
    assert shown.count('class="template-row"') == min(count + 1, 50)
    assert ("There are more" in shown) == (count > 50)


# -- Variables ---------------------------------------------------------------------------------------------------------


def test_each_variable_has_a_field_with_its_example(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    shown = get_templates_page(desk, template=str(delivery_template.pk))
    assert 'placeholder="For example Amara"' in shown
    assert 'placeholder="For example 2231"' in shown
    assert 'data-variable-name="1" data-name="{{1}}">{{1}}</span>' in shown
    assert "Thanks" in shown


def test_the_preview_is_formatted_as_whatsapp_does_it_with_its_variables_marked(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    MessageTemplate.objects.update(content={"body": "Hi *{{1}}*, see https://x.example/{{2}} <b>\n- ~{{2}}~"})
    shown = get_templates_page(desk, template=str(delivery_template.pk))
    slot = (
        '<span class="template-variable is-empty" data-variable-name="{0}" data-name="{{{{{0}}}}}">{{{{{0}}}}}</span>'
    )
    assert f"Hi <strong>{slot.format(1)}</strong>, see https://x.example/{slot.format(2)} &lt;b&gt;" in shown
    assert f"<ul><li><s>{slot.format(2)}</s></li></ul>" in shown


def test_the_preview_of_a_kind_nobody_taught_us_says_that_it_may_not_be_all(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    assert "may see more than" not in get_templates_page(desk, template=str(delivery_template.pk))
    MessageTemplate.objects.update(content_type="twilio/holograms")
    assert "may see more than" in get_templates_page(desk, template=str(delivery_template.pk))


def test_names_are_offered_to_fill_in(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    shown = compact(get_templates_page(desk, template=str(delivery_template.pk)))
    for name in ("Amara Diallo", "Amara", "Dana"):
        assert f'dir="auto">{name}</button>' in shown


def test_a_strangers_name_is_escaped(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    desk.conversation.contact.profile_name = "<b>x</b>"
    desk.conversation.contact.save()
    MessageTemplate.objects.update(content={"body": "<i>{{1}}</i>"}, text="<i>{{1}}</i>")
    shown = get_templates_page(desk, template=str(delivery_template.pk)) + get_templates_page(desk)
    assert "<b>x" not in shown
    assert "<i>" not in shown


# -- Sending -----------------------------------------------------------------------------------------------------------


def test_a_template_is_queued_and_shown_with_its_buttons(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    answer = post_template(desk, delivery_template)
    assert answer.status_code == 200
    shown = visible_text(answer)
    assert "Hi Amara, your order 2231 is on its way." in shown
    assert "Thanks" in shown
    assert "delivery_update" in shown
    assert Message.objects.get().kind == "template"


def test_missing_variable_is_shown_at_its_field_and_input_is_kept(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    answer = post_template(desk, delivery_template, {"variable-0": "Amara"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Amara"' in shown
    assert "Enter a value." in shown
    assert 'aria-invalid="true"' in shown
    assert not Message.objects.exists()


def test_non_field_error_is_shown_above_the_fields(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    desk.conversation.contact.opted_out_at = timezone.now()
    desk.conversation.contact.save()
    answer = post_template(desk, delivery_template)
    assert answer.status_code == 422
    assert "This customer opted out." in visible_text(answer)


def test_the_same_form_twice_is_one_message(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    form = {**VALUES, "public_id": str(uuid.uuid4())}
    assert [post_template(desk, delivery_template, form).status_code for _ in range(2)] == [200, 200]
    assert Message.objects.count() == 1


def test_works_without_javascript(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    client = client_for(desk.dana)
    listing = compact(client.get(conversation_url(desk, "templates")).content.decode())
    assert "<!doctype html>" in listing.lower()
    assert f'name="template" value="{delivery_template.pk}"' in listing
    assert (
        "Send template"
        in client.get(conversation_url(desk, "templates"), {"template": delivery_template.pk}).content.decode()
    )
    refused = client.post(conversation_url(desk, "send_template"), {"template": delivery_template.pk})
    assert (refused.status_code, "<!doctype html>" in refused.content.decode().lower()) == (422, True)
    sent = client.post(conversation_url(desk, "send_template"), {"template": delivery_template.pk, **VALUES})
    assert sent["Location"] == reverse("desk:conversation", args=[desk.conversation.pk])


def test_the_inbox_shows_what_the_template_said(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    post_template(desk, delivery_template)
    assert "your order 2231 is on its way." in visible_text(client_for(desk.dana).get(reverse("desk:inbox")))


def test_a_template_that_was_not_delivered_says_why_and_is_sent_again_as_one(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    post_template(desk, delivery_template)
    failed = Message.objects.get()
    Message.objects.update(status="failed", error_code=63016, twilio_sid=builders.new_sid())
    client = client_for(desk.dana)
    shown = visible_text(client.get(reverse("desk:conversation", args=[desk.conversation.pk])))
    assert "can't start a conversation." in shown
    client.post(reverse("desk:resend", args=[desk.conversation.pk, failed.pk]), **HTMX_HEADERS)
    assert list(Message.objects.order_by("pk").values_list("kind", flat=True)) == ["template", "template"]


# -- Permissions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("omar", 409), ("supervisor", 409), ("administrator", 409), ("eve", 404), ("stranger", 403)],
)
def test_templates_are_for_the_agent_who_has_the_conversation(
    desk: DeskScenario, delivery_template: MessageTemplate, person: str, status: int
) -> None:
    assert (
        client_for(getattr(desk, person)).get(conversation_url(desk, "templates"), **HTMX_HEADERS).status_code == status
    )


@pytest.mark.parametrize(
    ("person", "status"), [("omar", 422), ("supervisor", 422), ("administrator", 422), ("eve", 404), ("stranger", 403)]
)
def test_other_users_cannot_send_a_template(
    desk: DeskScenario, delivery_template: MessageTemplate, person: str, status: int
) -> None:
    form = {"template": delivery_template.pk, **VALUES}
    assert (
        client_for(getattr(desk, person))
        .post(conversation_url(desk, "send_template"), form, **HTMX_HEADERS)
        .status_code
        == status
    )
    assert not Message.objects.exists()


def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    for answer in (
        Client().get(conversation_url(desk, "templates")),
        Client().post(conversation_url(desk, "send_template")),
    ):
        assert answer["Location"].startswith("/sign-in/?next=/desk/")


def test_sending_a_template_requires_post(desk: DeskScenario) -> None:
    assert client_for(desk.dana).get(conversation_url(desk, "send_template")).status_code == 405


def test_another_channels_template_does_not_exist_here(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    assert post_template(desk, create_template(builders.create_account())).status_code == 404


# -- Customer's answers ------------------------------------------------------------------------------------------------


def test_a_pressed_button_is_shown_with_its_payload_beside_the_template_it_is_from(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    post_template(desk, delivery_template)
    Message.objects.update(twilio_sid=builders.new_sid(), status="read")
    sent, number = Message.objects.get(), desk.conversation.number
    form = builders.build_inbound_form(
        number,
        desk.conversation.contact.address,
        Body="Where?",
        MessageType="button",
        ButtonText="Where?",
        ButtonPayload="where",
        OriginalRepliedMessageSid=sent.twilio_sid,
        OriginalRepliedMessageSender=number.address,
    )
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    answer = Message.objects.latest("pk")
    assert (answer.kind, answer.quoted) == ("button", sent)
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    message_html = shown[shown.index(f'id="message-{answer.pk}"') :]
    assert f'href="#message-{sent.pk}"' in message_html or f"message={sent.pk}" in message_html
    assert "Hi Amara, your order 2231 is on its way." in message_html
    assert ">where<" in message_html
    assert 'id="reply-text"' in shown


def test_an_entry_chosen_from_a_list_is_shown_with_its_id(desk: DeskScenario) -> None:
    number = desk.conversation.number
    form = builders.build_inbound_form(
        number,
        desk.conversation.contact.address,
        Body="",
        MessageType="interactive",
        ListTitle="My order",
        ListId="order",
    )
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    shown = visible_text(client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])))
    assert "My order" in shown
    assert Message.objects.get().content["list"] == {"title": "My order", "payload": "order"}
