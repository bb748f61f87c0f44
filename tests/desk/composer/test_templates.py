"""Templates on the page: where the window has closed, found and filled in, sent, and shown in the conversation."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import Template, TwilioRefused
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import MessageTemplate
from channels_whatsapp.service_window import EXCEEDED
from omnichannel.conversations.models import Conversation, Message
from tests import builders
from tests.administration.people import words
from tests.conversations.outbound.sample_templates import template
from tests.desk.people import HTMX, Desk, browser, compact
from tests.webhook_client import deliver

pytestmark = pytest.mark.django_db

VALUES = {"variable-0": "Amara", "variable-1": "2231"}


@pytest.fixture
def twilio(settings: Any) -> MemoryBackend:
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    return memory.backend


@pytest.fixture
def update(desk: Desk) -> MessageTemplate:
    """A template for the conversation, whose window closed an hour ago."""
    desk.conversation.window_closes_at = timezone.now() - timedelta(hours=1)
    desk.conversation.save()
    return template(desk.conversation.number.account)


def address(desk: Desk, name: str = "templates") -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def page(desk: Desk, who: Any = None, **query: str) -> str:
    return browser(who or desk.dana).get(address(desk), query, **HTMX).content.decode()


def send(desk: Desk, of: MessageTemplate, values: dict[str, str] | None = None, **more: Any) -> Any:
    form = {"template": of.pk, "where": "composer", **(VALUES if values is None else values)}
    return browser(desk.dana).post(address(desk, "send_template"), form, **(more or HTMX))


# -- The closed window ----------------------------------------------------------------------------------------------


def test_where_the_window_has_closed_the_sentence_and_templates_stand_in_the_replys_place(
    desk: Desk, update: MessageTemplate
) -> None:
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert EXCEEDED in shown
    assert f'href="{address(desk)}"' in shown
    assert 'id="reply-text"' not in shown


def test_inside_the_window_templates_are_a_tool_beside_the_reply(desk: Desk) -> None:
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert 'id="reply-text"' in shown
    assert 'id="do-templates"' in shown


@pytest.mark.parametrize(("hours", "code"), [(24, "inside"), (24.001, "closed")])
def test_exactly_24_hours_are_still_inside(desk: Desk, hours: float, code: str) -> None:
    wrote = timezone.now().replace(microsecond=0)
    Conversation.objects.update(last_inbound_at=wrote, window_closes_at=wrote + timedelta(hours=24))
    client = browser(desk.dana)
    with time_machine.travel(wrote + timedelta(hours=hours), tick=False):
        shown = client.get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert ('id="reply-text"' in shown, EXCEEDED in shown) == (code == "inside", code == "closed")


def test_the_page_that_asks_again_gets_the_closed_window(desk: Desk, update: MessageTemplate) -> None:
    pieces = browser(desk.dana).get(reverse("desk:pieces", args=[desk.conversation.pk]), **HTMX).content.decode()
    assert 'data-version="window_closed"' in pieces


# -- Finding one ----------------------------------------------------------------------------------------------------


def test_what_can_be_sent_stands_first_the_customers_language_before_others(
    desk: Desk, update: MessageTemplate
) -> None:
    account = update.account
    template(account, "angebot", language="de")
    template(account, "oferta", language="pt_BR")
    template(account, "anuncio", language="pt")
    template(account, "a_refused_one", language="pt_BR", approval="rejected", rejection_reason="Too pushy.")
    desk.conversation.contact.language = "pt-br"
    desk.conversation.contact.save()
    shown = words(browser(desk.dana).get(address(desk), **HTMX))
    places = [shown.index(name) for name in ("oferta", "anuncio", "angebot", "delivery_update", "a_refused_one")]
    assert places == sorted(places)


def test_what_can_not_be_sent_is_shown_with_the_reason_and_is_no_button(desk: Desk, update: MessageTemplate) -> None:
    refused = template(update.account, "win_a_lamp", approval="rejected", rejection_reason="Too pushy.")
    shown = page(desk)
    assert "WhatsApp has rejected it. Too pushy." in shown
    assert f'value="{update.pk}"' in shown
    assert f'value="{refused.pk}"' not in shown


@pytest.mark.parametrize("query", ["deliv", "ON ITS WAY", "utility", "english", "EN", "order deliv"])
def test_templates_are_found_by_name_text_category_and_language(
    desk: Desk, update: MessageTemplate, query: str
) -> None:
    template(update.account, "angebot", "Nur heute!", language="de", category="MARKETING")
    shown = page(desk, q=query)
    assert "delivery_update" in shown
    assert "angebot" not in shown


def test_no_match_says_so(desk: Desk, update: MessageTemplate) -> None:
    assert "No template matches." in page(desk, q="nowhere")


def test_what_is_gone_or_another_channels_is_not_there(desk: Desk, update: MessageTemplate) -> None:
    template(update.account, "gone_one", gone_at=timezone.now())
    theirs = template(builders.account(), "theirs")
    shown = page(desk)
    assert "gone_one" not in shown
    assert "theirs" not in shown
    assert "theirs" not in page(desk, template=str(theirs.pk))


def test_without_templates_the_page_says_where_they_come_from(desk: Desk) -> None:
    shown = page(desk)
    assert "The templates have not come over from Twilio yet." in shown
    assert f'hx-post="{address(desk, "sync_templates")}"' in shown


def test_whoever_needs_a_new_template_brings_it_over_themselves(desk: Desk, twilio: MemoryBackend) -> None:
    twilio.templates = [Template(builders.sid("HX"), "brand_new", "en", {}, {}, {"status": "approved"})]
    answer = browser(desk.dana).post(address(desk, "sync_templates"), {"where": "composer"}, **HTMX)
    assert "brand_new" in words(answer)
    assert "1 message template synced: 1 approved." in words(answer)


def test_who_asked_is_told_why_no_templates_came(desk: Desk, update: MessageTemplate, twilio: MemoryBackend) -> None:
    twilio.answers = [TwilioRefused(20003, "Authenticate", 401)]
    shown = words(browser(desk.dana).post(address(desk, "sync_templates"), {"where": "composer"}, **HTMX))
    assert "The templates were not synced. Twilio rejected the Account SID or the Auth Token." in shown
    assert "delivery_update" in shown


def test_who_may_not_answer_brings_nothing_over(desk: Desk, twilio: MemoryBackend) -> None:
    assert browser(desk.omar).post(address(desk, "sync_templates"), **HTMX).status_code == 409
    assert browser(desk.eve).post(address(desk, "sync_templates"), **HTMX).status_code == 404
    assert browser(desk.dana).get(address(desk, "sync_templates")).status_code == 405


def test_language_and_category_are_said_and_searched_in_the_readers_language(
    desk: Desk, update: MessageTemplate
) -> None:
    desk.dana.user.language = "de"
    desk.dana.user.save()
    assert "Englisch · Nützliches · Schnellantworten" in words(browser(desk.dana).get(address(desk), **HTMX))
    assert "delivery_update" in page(desk, q="englisch nützlich")


@pytest.mark.parametrize("count", [3, 120])
def test_the_list_takes_as_many_queries_however_long_it_is(
    desk: Desk, update: MessageTemplate, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(count):
        template(update.account, f"template_{place:03d}")
    client = browser(desk.dana)
    with django_assert_max_num_queries(8):
        shown = client.get(address(desk), **HTMX).content.decode()
    assert shown.count('class="template-row"') == min(count + 1, 50)
    assert ("There are more" in shown) == (count > 50)


# -- Filling one in -------------------------------------------------------------------------------------------------


def test_each_variable_has_a_field_with_its_example(desk: Desk, update: MessageTemplate) -> None:
    shown = page(desk, template=str(update.pk))
    assert 'placeholder="For example Amara"' in shown
    assert 'placeholder="For example 2231"' in shown
    assert 'data-slot="1" data-name="{{1}}">{{1}}</span>' in shown
    assert "Thanks" in shown


def test_the_preview_is_formatted_as_whatsapp_does_it_with_its_variables_marked(
    desk: Desk, update: MessageTemplate
) -> None:
    MessageTemplate.objects.update(content={"body": "Hi *{{1}}*, see https://x.example/{{2}} <b>\n- ~{{2}}~"})
    shown = page(desk, template=str(update.pk))
    slot = '<span class="slot is-empty" data-slot="{0}" data-name="{{{{{0}}}}}">{{{{{0}}}}}</span>'
    assert f"Hi <strong>{slot.format(1)}</strong>, see https://x.example/{slot.format(2)} &lt;b&gt;" in shown
    assert f"<ul><li><s>{slot.format(2)}</s></li></ul>" in shown


def test_the_preview_of_a_kind_nobody_taught_us_says_that_it_may_not_be_all(
    desk: Desk, update: MessageTemplate
) -> None:
    assert "may see more of it" not in page(desk, template=str(update.pk))
    MessageTemplate.objects.update(content_type="twilio/holograms")
    assert "may see more of it" in page(desk, template=str(update.pk))


def test_names_are_offered_to_fill_in(desk: Desk, update: MessageTemplate) -> None:
    shown = page(desk, template=str(update.pk))
    for name in ("Amara Diallo", "Amara", "Dana"):
        assert f'dir="auto">{name}</button>' in shown


def test_a_strangers_name_is_escaped(desk: Desk, update: MessageTemplate) -> None:
    desk.conversation.contact.profile_name = "<b>x</b>"
    desk.conversation.contact.save()
    MessageTemplate.objects.update(content={"body": "<i>{{1}}</i>"}, text="<i>{{1}}</i>")
    shown = page(desk, template=str(update.pk)) + page(desk)
    assert "<b>x" not in shown
    assert "<i>" not in shown


# -- Sending it -----------------------------------------------------------------------------------------------------


def test_a_template_is_queued_and_shown_with_its_buttons(desk: Desk, update: MessageTemplate) -> None:
    answer = send(desk, update)
    assert answer.status_code == 200
    shown = words(answer)
    assert "Hi Amara, your order 2231 is on its way." in shown
    assert "Thanks" in shown
    assert "delivery_update" in shown
    assert Message.objects.get().kind == "template"


def test_what_is_missing_is_told_at_its_field_and_nothing_is_lost(desk: Desk, update: MessageTemplate) -> None:
    answer = send(desk, update, {"variable-0": "Amara"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Amara"' in shown
    assert "Fill this in." in shown
    assert 'aria-invalid="true"' in shown
    assert not Message.objects.exists()


def test_what_concerns_no_field_is_told_above_them(desk: Desk, update: MessageTemplate) -> None:
    desk.conversation.contact.opted_out_at = timezone.now()
    desk.conversation.contact.save()
    answer = send(desk, update)
    assert answer.status_code == 422
    assert "This customer has opted out of our messages." in words(answer)


def test_the_same_form_twice_is_one_message(desk: Desk, update: MessageTemplate) -> None:
    form = {**VALUES, "public_id": str(uuid.uuid4())}
    assert [send(desk, update, form).status_code for _ in range(2)] == [200, 200]
    assert Message.objects.count() == 1


def test_without_the_script_it_goes_by_pages(desk: Desk, update: MessageTemplate) -> None:
    client = browser(desk.dana)
    listing = compact(client.get(address(desk)).content.decode())
    assert "<!doctype html>" in listing.lower()
    assert f'name="template" value="{update.pk}"' in listing
    assert "Send template" in client.get(address(desk), {"template": update.pk}).content.decode()
    refused = client.post(address(desk, "send_template"), {"template": update.pk})
    assert (refused.status_code, "<!doctype html>" in refused.content.decode().lower()) == (422, True)
    sent = client.post(address(desk, "send_template"), {"template": update.pk, **VALUES})
    assert sent["Location"] == reverse("desk:conversation", args=[desk.conversation.pk])


def test_the_inbox_shows_what_the_template_said(desk: Desk, update: MessageTemplate) -> None:
    send(desk, update)
    assert "your order 2231 is on its way." in words(browser(desk.dana).get(reverse("desk:inbox")))


def test_a_template_that_was_not_delivered_says_why_and_is_sent_again_as_one(
    desk: Desk, update: MessageTemplate
) -> None:
    send(desk, update)
    failed = Message.objects.get()
    Message.objects.update(status="failed", error_code=63016, twilio_sid=builders.sid())
    client = browser(desk.dana)
    shown = words(client.get(reverse("desk:conversation", args=[desk.conversation.pk])))
    assert "not for beginning with." in shown
    client.post(reverse("desk:again", args=[desk.conversation.pk, failed.pk]), **HTMX)
    assert list(Message.objects.order_by("pk").values_list("kind", flat=True)) == ["template", "template"]


# -- Who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("omar", 409), ("sue", 409), ("ada", 409), ("eve", 404), ("stranger", 403)]
)
def test_templates_are_for_the_agent_who_has_the_conversation(
    desk: Desk, update: MessageTemplate, who: str, status: int
) -> None:
    assert browser(getattr(desk, who)).get(address(desk), **HTMX).status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [("omar", 422), ("sue", 422), ("ada", 422), ("eve", 404), ("stranger", 403)]
)
def test_nobody_else_sends_one(desk: Desk, update: MessageTemplate, who: str, status: int) -> None:
    form = {"template": update.pk, **VALUES}
    assert browser(getattr(desk, who)).post(address(desk, "send_template"), form, **HTMX).status_code == status
    assert not Message.objects.exists()


def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk, update: MessageTemplate) -> None:
    for answer in (Client().get(address(desk)), Client().post(address(desk, "send_template"))):
        assert answer["Location"].startswith("/sign-in/?next=/desk/")


def test_sending_is_never_a_link(desk: Desk) -> None:
    assert browser(desk.dana).get(address(desk, "send_template")).status_code == 405


def test_another_channels_template_does_not_exist_here(desk: Desk, update: MessageTemplate) -> None:
    assert send(desk, template(builders.account())).status_code == 404


# -- What the customer answers ----------------------------------------------------------------------------------------


def test_a_pressed_button_is_shown_with_its_payload_beside_the_template_it_is_from(
    desk: Desk, update: MessageTemplate
) -> None:
    send(desk, update)
    Message.objects.update(twilio_sid=builders.sid(), status="read")
    sent, number = Message.objects.get(), desk.conversation.number
    form = builders.inbound_form(
        number,
        desk.conversation.contact.address,
        Body="Where?",
        MessageType="button",
        ButtonText="Where?",
        ButtonPayload="where",
        OriginalRepliedMessageSid=sent.twilio_sid,
        OriginalRepliedMessageSender=number.address,
    )
    assert deliver(number.account.inbound_url, form).status_code == 200
    answer = Message.objects.latest("pk")
    assert (answer.kind, answer.quoted) == ("button", sent)
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    said = shown[shown.index(f'id="message-{answer.pk}"') :]
    assert f'href="#message-{sent.pk}"' in said or f"message={sent.pk}" in said
    assert "Hi Amara, your order 2231 is on its way." in said
    assert ">where<" in said
    assert 'id="reply-text"' in shown


def test_an_entry_chosen_from_a_list_is_shown_with_its_id(desk: Desk) -> None:
    number = desk.conversation.number
    form = builders.inbound_form(
        number,
        desk.conversation.contact.address,
        Body="",
        MessageType="interactive",
        ListTitle="My order",
        ListId="order",
    )
    assert deliver(number.account.inbound_url, form).status_code == 200
    shown = words(browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])))
    assert "My order" in shown
    assert Message.objects.get().content["list"] == {"title": "My order", "payload": "order"}
