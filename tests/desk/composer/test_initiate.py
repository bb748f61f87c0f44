"""The page that starts a conversation."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import TwilioTemplate
from channels_whatsapp.models import MessageTemplate
from omnichannel.conversations.models import Contact, Conversation, Message
from tests import builders
from tests.admin_client import visible_text
from tests.conversations.outbound.template_fixtures import create_template
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

NEW_PATH, CREATE_PATH = "/desk/conversations/new/", "/desk/conversations/create/"
VALUES = {"variable-0": "Amara", "variable-1": "2231"}


@pytest.fixture
def delivery_template(desk: DeskScenario) -> MessageTemplate:
    """Return a template of the number of the scenario's conversation."""
    return create_template(desk.conversation.number.account)


def post_begin(desk: DeskScenario, delivery_template: MessageTemplate, author: Any = None, **fields: Any) -> Any:
    number = desk.conversation.number
    form = {
        "number": number.pk,
        "to": "+49 151 1234567",
        "template": delivery_template.pk,
        "location": "new-conversation",
        **VALUES,
        **fields,
    }
    return client_for(author or desk.dana).post(CREATE_PATH, form, **HTMX_HEADERS)


def test_the_page_shows_the_numbers_and_the_templates_of_the_first(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    shown = visible_text(client_for(desk.dana).get(NEW_PATH))
    assert "New conversation" in shown
    assert desk.conversation.number.name in shown
    assert "delivery_update" in shown


def test_another_number_shows_the_templates_of_its_channel(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    other = builders.create_number()
    create_template(other.account, "theirs")
    shown = visible_text(client_for(desk.dana).get(NEW_PATH, {"number": other.pk}, **HTMX_HEADERS))
    assert "theirs" in shown
    assert "delivery_update" not in shown


def test_a_template_is_filled_in_on_the_same_page(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    query: dict[str, Any] = {"number": desk.conversation.number.pk, "to": "+49 151", "template": delivery_template.pk}
    shown = client_for(desk.dana).get(NEW_PATH, query).content.decode()
    assert "Send template" in shown
    assert 'value="+49 151"' in shown


def test_templates_are_synced_for_the_chosen_number(desk: DeskScenario, settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    memory.backend.templates = [TwilioTemplate(builders.new_sid("HX"), "theirs", "en", {}, {}, {"status": "approved"})]
    other = builders.create_number()
    answer = client_for(desk.administrator).post(
        f"{NEW_PATH}sync-templates/", {"number": other.pk, "location": "new-conversation"}, **HTMX_HEADERS
    )
    assert "theirs" in visible_text(answer)
    assert other.account.templates.count() == 1


def test_unmatched_search_number_can_be_contacted(desk: DeskScenario) -> None:
    link = client_for(desk.dana).get(reverse("desk:search"), {"q": "+49 171 39200099"}, **HTMX_HEADERS).content.decode()
    assert f'href="{NEW_PATH}?to=%2B49%20171%2039200099"' in link
    results = client_for(desk.dana).get(reverse("desk:search"), {"q": "lamp 2231"}, **HTMX_HEADERS).content.decode()
    assert f"{NEW_PATH}?to=" not in results


def test_conversation_is_started_and_opened(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    answer = post_begin(desk, delivery_template)
    started = Conversation.objects.exclude(pk=desk.conversation.pk).get()
    assert answer["HX-Redirect"] == reverse("desk:conversation", args=[started.pk])
    assert (started.agent, started.contact.address) == (desk.dana, "whatsapp:+491511234567")
    shown = visible_text(client_for(desk.dana).get(answer["HX-Redirect"]))
    assert "Dana started the conversation" in shown
    assert "Hi Amara, your order 2231 is on its way." in shown
    assert "This conversation has exceeded the 24 hour limit to respond to the customer." in shown


def test_works_without_javascript(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    client, number = client_for(desk.dana), desk.conversation.number.pk
    form = {"number": number, "to": "+49 151 1234567", "template": delivery_template.pk, **VALUES}
    refused = client.post(CREATE_PATH, {**form, "to": "0151"})
    assert (refused.status_code, "country code" in refused.content.decode()) == (422, True)
    assert client.post(CREATE_PATH, form)["Location"].startswith("/desk/conversations/")


def test_a_number_without_its_country_code_is_told_at_its_field(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    answer = post_begin(desk, delivery_template, to="0151 1234567")
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="new-conversation-to-error" role="alert" hx-swap-oob="true">Start with + and the country code' in shown
    assert 'value="2231"' in shown
    assert not Message.objects.exists()


def test_missing_variable_is_shown_at_its_field(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    answer = post_begin(desk, delivery_template, **{"variable-1": ""})
    assert (answer.status_code, "Enter a value." in answer.content.decode()) == (422, True)


def test_a_known_customer_is_not_typed_but_shown(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    contact = desk.conversation.contact
    desk.conversation.state, desk.conversation.closed_at = "closed", desk.conversation.created_at
    desk.conversation.save()
    shown = client_for(desk.dana).get(NEW_PATH, {"contact": contact.pk}).content.decode()
    assert contact.display_name in shown
    assert 'id="new-conversation-to"' not in shown
    post_begin(desk, delivery_template, contact=contact.pk, to="")
    assert Conversation.objects.filter(contact=contact, closed_at=None).get().agent == desk.dana
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_authentication_template_to_a_hidden_number_is_refused(desk: DeskScenario, is_known: bool) -> None:
    hidden_address = "US.13491208655302741918"
    code_template = create_template(desk.conversation.number.account, "code", "{{1}}", category="AUTHENTICATION")
    to: dict[str, Any] = {"to": hidden_address}
    if is_known:
        closed: dict[str, Any] = {"state": "closed", "closed_at": desk.conversation.created_at}
        contact = builders.create_contact("Omar", address=f"whatsapp:{hidden_address}")
        builders.create_conversation(agent=desk.dana, number=desk.conversation.number, contact=contact, **closed)
        to = {"contact": contact.pk, "to": ""}
    answer = post_begin(desk, code_template, **to)
    assert answer.status_code == 422
    assert "can only be sent to a phone number" in answer.content.decode()
    assert Conversation.objects.get(closed_at=None) == desk.conversation


def test_a_closed_conversation_leads_to_a_new_one_with_its_customer(desk: DeskScenario) -> None:
    desk.conversation.state, desk.conversation.closed_at = "closed", desk.conversation.created_at
    desk.conversation.save()
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert f"{NEW_PATH}?contact={desk.conversation.contact_id}" in shown


def test_open_conversation_of_a_colleague_is_opened_with_a_notice(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    answer = post_begin(desk, delivery_template, author=desk.omar, contact=desk.conversation.contact_id)
    conversation_path = reverse("desk:conversation", args=[desk.conversation.pk])
    assert answer["HX-Redirect"] == f"{conversation_path}?notice=already_open"
    assert "This customer already has an open conversation" in visible_text(
        client_for(desk.omar).get(answer["HX-Redirect"])
    )
    assert not Message.objects.exists()


def test_invisible_open_conversation_is_reported_without_details(
    desk: DeskScenario, delivery_template: MessageTemplate
) -> None:
    answer = post_begin(desk, delivery_template, author=desk.eve, to=desk.conversation.contact.address)
    assert answer.status_code == 422
    assert "This customer already has an open conversation." in visible_text(answer)


def test_agent_without_numbers_sees_a_message(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    builders.update_work_stream(fallback_queue=desk.queue)
    assert "You can't send from any number yet." in visible_text(client_for(desk.eve).get(NEW_PATH))
    assert post_begin(desk, delivery_template, author=desk.eve).status_code in {404, 422}
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("omar", 200), ("eve", 200), ("supervisor", 200), ("administrator", 200), ("stranger", 403)],
)
def test_everybody_who_works_at_the_desk_may_begin_one(
    desk: DeskScenario, delivery_template: MessageTemplate, person: str, status: int
) -> None:
    assert client_for(getattr(desk, person)).get(NEW_PATH).status_code == status
    assert post_begin(desk, delivery_template, author=getattr(desk, person)).status_code == status


def test_another_queues_customer_is_not_shown(desk: DeskScenario, delivery_template: MessageTemplate) -> None:
    assert client_for(desk.eve).get(NEW_PATH, {"contact": desk.conversation.contact_id}).status_code == 404
    assert post_begin(desk, delivery_template, author=desk.eve, contact=desk.conversation.contact_id).status_code == 404


def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario) -> None:
    assert Client().get(NEW_PATH)["Location"].startswith("/sign-in/")
    assert Client().post(CREATE_PATH)["Location"].startswith("/sign-in/")


def test_starting_a_conversation_requires_post(desk: DeskScenario) -> None:
    assert client_for(desk.dana).get(CREATE_PATH).status_code == 405
