"""The page on which a conversation is begun."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import Template
from channels_whatsapp.models import MessageTemplate
from omnichannel.conversations.models import Contact, Conversation, Message
from tests import builders
from tests.administration.people import words
from tests.conversations.outbound.sample_templates import template
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db

START, BEGIN = "/desk/start/", "/desk/start/begin/"
VALUES = {"variable-0": "Amara", "variable-1": "2231"}


@pytest.fixture
def update(desk: Desk) -> MessageTemplate:
    """A template of the number the desk's conversation is on."""
    return template(desk.conversation.number.account)


def begin(desk: Desk, update: MessageTemplate, who: Any = None, **fields: Any) -> Any:
    number = desk.conversation.number
    form = {"number": number.pk, "to": "+49 151 1234567", "template": update.pk, "where": "start", **VALUES, **fields}
    return browser(who or desk.dana).post(BEGIN, form, **HTMX)


def test_the_page_shows_the_numbers_and_the_templates_of_the_first(desk: Desk, update: MessageTemplate) -> None:
    shown = words(browser(desk.dana).get(START))
    assert "New conversation" in shown
    assert desk.conversation.number.name in shown
    assert "delivery_update" in shown


def test_another_number_shows_the_templates_of_its_channel(desk: Desk, update: MessageTemplate) -> None:
    other = builders.number()
    template(other.account, "theirs")
    shown = words(browser(desk.dana).get(START, {"number": other.pk}, **HTMX))
    assert "theirs" in shown
    assert "delivery_update" not in shown


def test_a_template_is_filled_in_on_the_same_page(desk: Desk, update: MessageTemplate) -> None:
    query = {"number": desk.conversation.number.pk, "to": "+49 151", "template": update.pk}
    shown = browser(desk.dana).get(START, query).content.decode()
    assert "Send template" in shown
    assert 'value="+49 151"' in shown


def test_templates_are_brought_over_for_the_number_that_is_chosen(desk: Desk, settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    memory.backend.templates = [Template(builders.sid("HX"), "theirs", "en", {}, {}, {"status": "approved"})]
    other = builders.number()
    answer = browser(desk.ada).post(f"{START}sync/", {"number": other.pk, "where": "start"}, **HTMX)
    assert "theirs" in words(answer)
    assert other.account.templates.count() == 1


def test_a_number_that_was_looked_for_in_vain_can_be_written_to(desk: Desk) -> None:
    found = browser(desk.dana).get(reverse("desk:search"), {"q": "+49 171 39200099"}, **HTMX).content.decode()
    assert f'href="{START}?to=%2B49%20171%2039200099"' in found
    assert START not in browser(desk.dana).get(reverse("desk:search"), {"q": "lamp 2231"}, **HTMX).content.decode()


def test_it_is_begun_and_opened(desk: Desk, update: MessageTemplate) -> None:
    answer = begin(desk, update)
    begun = Conversation.objects.exclude(pk=desk.conversation.pk).get()
    assert answer["HX-Redirect"] == reverse("desk:conversation", args=[begun.pk])
    assert (begun.agent, begun.contact.address) == (desk.dana, "whatsapp:+491511234567")
    shown = words(browser(desk.dana).get(answer["HX-Redirect"]))
    assert "Dana started the conversation" in shown
    assert "Hi Amara, your order 2231 is on its way." in shown
    assert "This conversation has exceeded the 24 hour limit to respond to the customer." in shown


def test_without_the_script_it_goes_by_pages(desk: Desk, update: MessageTemplate) -> None:
    client, number = browser(desk.dana), desk.conversation.number.pk
    form = {"number": number, "to": "+49 151 1234567", "template": update.pk, **VALUES}
    refused = client.post(BEGIN, {**form, "to": "0151"})
    assert (refused.status_code, "country code" in refused.content.decode()) == (422, True)
    assert client.post(BEGIN, form)["Location"].startswith("/desk/conversations/")


def test_a_number_without_its_country_code_is_told_at_its_field(desk: Desk, update: MessageTemplate) -> None:
    answer = begin(desk, update, to="0151 1234567")
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="start-to-error" role="alert" hx-swap-oob="true">Begin with + and the country code' in shown
    assert 'value="2231"' in shown
    assert not Message.objects.exists()


def test_what_is_missing_in_the_template_is_told_at_its_field(desk: Desk, update: MessageTemplate) -> None:
    answer = begin(desk, update, **{"variable-1": ""})
    assert (answer.status_code, "Fill this in." in answer.content.decode()) == (422, True)


def test_a_known_customer_is_not_typed_but_shown(desk: Desk, update: MessageTemplate) -> None:
    contact = desk.conversation.contact
    desk.conversation.state, desk.conversation.closed_at = "closed", desk.conversation.created_at
    desk.conversation.save()
    shown = browser(desk.dana).get(START, {"contact": contact.pk}).content.decode()
    assert contact.display_name in shown
    assert 'id="start-to"' not in shown
    begin(desk, update, contact=contact.pk, to="")
    assert Conversation.objects.filter(contact=contact, closed_at=None).get().agent == desk.dana
    assert Contact.objects.count() == 1


def test_a_closed_conversation_leads_to_a_new_one_with_its_customer(desk: Desk) -> None:
    desk.conversation.state, desk.conversation.closed_at = "closed", desk.conversation.created_at
    desk.conversation.save()
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert f"{START}?contact={desk.conversation.contact_id}" in shown


def test_where_a_colleague_has_an_open_one_the_page_goes_there_and_says_so(desk: Desk, update: MessageTemplate) -> None:
    answer = begin(desk, update, who=desk.omar, contact=desk.conversation.contact_id)
    there = reverse("desk:conversation", args=[desk.conversation.pk])
    assert answer["HX-Redirect"] == f"{there}?told=open_already"
    assert "There is an open conversation with this customer already" in words(
        browser(desk.omar).get(answer["HX-Redirect"])
    )
    assert not Message.objects.exists()


def test_who_may_not_see_the_open_one_is_only_told_that_there_is_one(desk: Desk, update: MessageTemplate) -> None:
    answer = begin(desk, update, who=desk.eve, to=desk.conversation.contact.address)
    assert answer.status_code == 422
    assert "There is an open conversation with this customer already." in words(answer)


def test_an_agent_without_numbers_is_told_so(desk: Desk, update: MessageTemplate) -> None:
    builders.work_stream(fallback_queue=desk.queue)
    assert "There is no number you can write from." in words(browser(desk.eve).get(START))
    assert begin(desk, update, who=desk.eve).status_code in {404, 422}
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("omar", 200), ("eve", 200), ("sue", 200), ("ada", 200), ("stranger", 403)]
)
def test_everybody_who_works_at_the_desk_may_begin_one(
    desk: Desk, update: MessageTemplate, who: str, status: int
) -> None:
    assert browser(getattr(desk, who)).get(START).status_code == status
    assert begin(desk, update, who=getattr(desk, who)).status_code == status


def test_another_queues_customer_is_not_shown(desk: Desk, update: MessageTemplate) -> None:
    assert browser(desk.eve).get(START, {"contact": desk.conversation.contact_id}).status_code == 404
    assert begin(desk, update, who=desk.eve, contact=desk.conversation.contact_id).status_code == 404


def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk) -> None:
    assert Client().get(START)["Location"].startswith("/sign-in/")
    assert Client().post(BEGIN)["Location"].startswith("/sign-in/")


def test_beginning_is_never_a_link(desk: Desk) -> None:
    assert browser(desk.dana).get(BEGIN).status_code == 405
