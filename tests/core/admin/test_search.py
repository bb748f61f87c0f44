"""Search boxes of the administration find words without their accents."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin

from omnichannel.accounts.models import UserSession
from omnichannel.conversations.models import (
    AutomatedMessage,
    DispositionCode,
    Label,
    MessageTrigger,
    OptOutWord,
    QuickReply,
    QuickReplyTag,
)
from omnichannel.core.admin.pages import ProductModelAdmin
from routing.models import ContactField, OperatingHours, Queue, RatingModel, Skill, SkillType, WorkStream
from tests import builders
from tests.admin_client import UserClient, admin_url
from tests.conversations.outbound.template_fixtures import create_template

pytestmark = pytest.mark.django_db

TEXT = "Olá, Ação Łódź"


def create_session() -> None:
    UserSession.objects.create(user=builders.create_user("", TEXT), session_key="a", expire_date="2030-01-01T00:00Z")


# A row with TEXT, by the label of its model.
CREATE_BY_LABEL: dict[str, Callable[[], Any]] = {
    "accounts.User": lambda: builders.create_user("", TEXT),
    "accounts.UserSession": create_session,
    "channels_whatsapp.MessageTemplate": lambda: create_template(builders.create_account(), body=TEXT),
    "channels_whatsapp.WhatsAppAccount": lambda: builders.create_account(name=TEXT),
    "channels_whatsapp.WhatsAppNumber": lambda: builders.create_number(name=TEXT),
    "conversations.AutomatedMessage": lambda: AutomatedMessage.objects.create(
        trigger=MessageTrigger.GREETING, text=TEXT, language="pt"
    ),
    "conversations.DispositionCode": lambda: DispositionCode.objects.create(name="x", description=TEXT),
    "conversations.Label": lambda: Label.objects.create(name=TEXT),
    "conversations.OptOutWord": lambda: OptOutWord.objects.create(word=TEXT),
    "conversations.QuickReply": lambda: QuickReply.objects.create(title="x", message=TEXT),
    "conversations.QuickReplyTag": lambda: QuickReplyTag.objects.create(name=TEXT),
    "routing.Agent": lambda: builders.create_agent(TEXT),
    "routing.ContactField": lambda: ContactField.objects.create(display_name=TEXT, name="x"),
    "routing.OperatingHours": lambda: OperatingHours.objects.create(name=TEXT),
    "routing.Queue": lambda: Queue.objects.create(name=TEXT),
    "routing.RatingModel": lambda: RatingModel.objects.create(name=TEXT),
    "routing.Skill": lambda: Skill.objects.create(name="x", type=SkillType.objects.create(name=TEXT)),
    "routing.SkillType": lambda: SkillType.objects.create(name=TEXT),
    "routing.WorkStream": lambda: WorkStream.objects.create(name=TEXT),
}
# Folding reads every row of a list.
LARGE_TABLES = {"channels_whatsapp.WebhookDelivery", "conversations.Contact", "conversations.Conversation"}


def count_results(client: UserClient, label: str, query: str) -> int:
    page = client.get(admin_url(label.lower().replace(".", "_"), "changelist"), {"q": query})
    return int(page.context["cl"].result_count)


@pytest.mark.parametrize("label", CREATE_BY_LABEL)
def test_words_are_found_without_their_accents(label: str, admin_client: UserClient) -> None:
    assert count_results(admin_client, label, "ola lodz") == 0
    CREATE_BY_LABEL[label]()
    assert [count_results(admin_client, label, text) for text in ("ola lodz", "OLÁ", '"ola, acao"')] == [1, 1, 1]
    assert count_results(admin_client, label, "ola adeus") == 0


def test_every_list_with_a_search_box_is_tried() -> None:
    lists = [each for each in admin.site._registry.values() if isinstance(each, ProductModelAdmin)]
    folding_by_label = {each.opts.label: each.folds_search for each in lists if each.search_fields}
    assert folding_by_label == dict.fromkeys(CREATE_BY_LABEL, True) | dict.fromkeys(LARGE_TABLES, False)


def test_a_quick_reply_is_found_once_by_its_tags(admin_client: UserClient) -> None:
    reply = QuickReply.objects.create(title="Hello", message="Hello")
    reply.tags.add(*(QuickReplyTag.objects.create(name=name) for name in ("olá", "olà")))
    assert count_results(admin_client, "conversations.QuickReply", "ola") == 1


def test_a_choice_of_a_form_is_found_without_accents(admin_client: UserClient) -> None:
    Queue.objects.create(name="Réclamations")
    page = admin_client.get(
        "/admin/autocomplete/",
        {"term": "reclam", "app_label": "routing", "model_name": "queuemembership", "field_name": "queue"},
    )
    assert [choice["text"] for choice in page.json()["results"]] == ["Réclamations"]


def test_a_list_of_a_large_table_is_searched_with_what_was_typed(admin_client: UserClient) -> None:
    builders.create_contact("José")
    assert count_results(admin_client, "conversations.Contact", "José") == 1
