"""The admin of agents: capacity, presence and queues."""

from typing import Any

import pytest

from routing.models import Agent, Presence, Queue
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    create_signed_in_client,
    inline_form_data,
    message_texts,
)

pytestmark = pytest.mark.django_db


def agent_form(agent: Agent, *queues: Queue, **changed: Any) -> dict[str, Any]:
    form = {"capacity": "60", "presence": agent.presence_id, **inline_form_data("agent_skills")}
    return {**form, **inline_form_data("memberships", *({"queue": queue.pk} for queue in queues)), **changed}


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_capacity_presence_and_queues_of_an_agent_are_set(role: str) -> None:
    dana, orders = builders.create_agent("Dana"), builders.create_queue("Orders")
    away = Presence.objects.get(base_status="away")
    form = agent_form(dana, orders, presence=away.pk)
    response = create_signed_in_client(role).post(admin_url("routing_agent", "change", dana.pk), form, follow=True)
    dana.refresh_from_db()
    assert (dana.capacity, dana.presence, list(dana.queues.all())) == (60, away, [orders])
    assert message_texts(response) == ["“Dana” was saved."]


def test_agents_are_found_by_the_queues_they_were_put_into(admin_client: UserClient) -> None:
    builders.create_agent("Dana", queue=builders.create_queue("Orders"))
    page = admin_client.get(admin_url("routing_agent", "changelist")).content.decode()
    filters = page[page.index('id="changelist-filter"') :]
    assert "Orders" in filters
    assert "Default messaging queue" not in filters


def test_agents_cannot_be_added_to_the_default_queue(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana")
    admin_client.post(admin_url("routing_agent", "change", dana.pk), agent_form(dana, Queue.objects.get_default()))
    assert not dana.queues.exists()


def test_agents_come_from_users_and_are_neither_added_nor_deleted(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana")
    assert admin_client.get(admin_url("routing_agent", "add")).status_code == 403
    assert admin_client.post(admin_url("routing_agent", "delete", dana.pk), {"post": "yes"}).status_code == 403
    assert Agent.objects.filter(pk=dana.pk).exists()


def test_agent_cannot_enter_the_admin(admin_client: UserClient) -> None:
    assert create_signed_in_client("Agent").get(admin_url("routing_agent", "changelist")).status_code == 302
