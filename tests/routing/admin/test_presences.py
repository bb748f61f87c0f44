"""The admin of presences."""

import pytest

from routing.models import Agent, BasePresence, Presence
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    visible_text,
)

pytestmark = pytest.mark.django_db


def test_a_built_in_presence_is_neither_changed_nor_deleted(admin_client: UserClient) -> None:
    away = Presence.objects.get(base_status="away", is_built_in=True)
    form = {"name": "Gone", "text": "Gone", "base_status": "offline", "description": ""}
    assert admin_client.post(admin_url("routing_presence", "change", away.pk), form).status_code == 403
    assert admin_client.post(admin_url("routing_presence", "delete", away.pk), {"post": "yes"}).status_code == 403
    away.refresh_from_db()
    assert away.text == "Appear away"


def test_presences_and_base_statuses_have_the_same_names_on_all_pages(admin_client: UserClient) -> None:
    texts = dict(Presence.objects.filter(is_built_in=True).values_list("base_status", "text"))
    assert texts == dict(BasePresence.choices)
    selectable = {str(base): text for base, text in texts.items() if base != BasePresence.INACTIVE}
    presence_form = admin_client.get(admin_url("routing_presence", "add")).context["adminform"].form
    stream_form = admin_client.get(admin_url("routing_workstream", "add")).context["adminform"].form
    assert dict(presence_form.fields["base_status"].choices) == selectable
    assert dict(stream_form.fields["allowed_presences"].choices) == selectable


def test_an_own_presence_is_added_and_deleted(admin_client: UserClient) -> None:
    form = {"name": "Away - In Training", "text": "In training", "base_status": "away", "description": ""}
    admin_client.post(admin_url("routing_presence", "add"), form)
    training = Presence.objects.get(name="Away - In Training")
    assert not training.is_built_in
    admin_client.post(admin_url("routing_presence", "delete", training.pk), {"post": "yes"})
    assert not Presence.objects.filter(pk=training.pk).exists()


def test_presence_in_use_cannot_be_deleted(admin_client: UserClient) -> None:
    training = Presence.objects.create(name="Training", text="In training", base_status="away")
    Agent.objects.filter(pk=builders.create_agent("Dana").pk).update(presence=training)
    assert "1 agent." in visible_text(admin_client.get(admin_url("routing_presence", "delete", training.pk)))
