"""The admin of queues and their members."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from routing.models import Agent, Queue, QueueMembership
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    inline_form_data,
    visible_text,
)

pytestmark = pytest.mark.django_db


def queue_form(*members: Agent, **changed: Any) -> dict[str, Any]:
    form = {"name": "Orders", "priority": "10", "assignment_method": "highest_capacity"}
    return {**form, **inline_form_data("memberships", *({"agent": member.pk} for member in members)), **changed}


def test_a_queues_name_is_taken_once(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url("routing_queue", "add"), queue_form(name="Default messaging queue"))
    assert "name" in response.context["adminform"].form.errors


def test_agents_are_put_into_a_queue_on_its_page(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana")
    admin_client.post(admin_url("routing_queue", "add"), queue_form(dana))
    assert list(Queue.objects.get(name="Orders").members.all()) == [dana]


def test_an_agent_twice_in_a_queue_is_refused(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana")
    response = admin_client.post(admin_url("routing_queue", "add"), queue_form(dana, dana))
    assert "There are duplicates." in visible_text(response)
    assert not Queue.objects.filter(name="Orders").exists()


def test_the_default_queue_can_not_be_deleted(admin_client: UserClient) -> None:
    default_queue = Queue.objects.get_default()
    assert admin_client.post(admin_url("routing_queue", "delete", default_queue.pk), {"post": "yes"}).status_code == 403
    assert "deletelink" not in admin_client.get(admin_url("routing_queue", "change", default_queue.pk)).content.decode()


def test_of_the_default_queue_only_the_terms_of_its_work_are_set(admin_client: UserClient) -> None:
    default_queue = Queue.objects.get_default()
    form = {"name": "Mine", "priority": "1", "assignment_method": "round_robin", "closing_windows_first": "on"}
    response = admin_client.post(admin_url("routing_queue", "change", default_queue.pk), form)
    assert response.status_code == 302
    default_queue.refresh_from_db()
    assert (default_queue.name, default_queue.priority) == ("Default messaging queue", 100)
    assert (default_queue.assignment_method, default_queue.closing_windows_first) == ("round_robin", True)


@pytest.mark.parametrize("changed", [{"name": "Mine"}, {"priority": 1}])
def test_default_queue_name_and_priority_cannot_be_changed(changed: Any) -> None:
    with pytest.raises(IntegrityError, match="the_default_queue_keeps_its_name_and_priority"), transaction.atomic():
        Queue.objects.filter(is_default=True).update(**changed)


def test_members_of_the_default_queue_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="All agents are already in the default queue."):
        QueueMembership(queue=Queue.objects.get_default(), agent=builders.create_agent("Dana")).full_clean()


def test_everybody_is_in_the_default_queue(admin_client: UserClient) -> None:
    assert "Everyone" in visible_text(admin_client.get(admin_url("routing_queue", "changelist")))


def test_queue_in_use_cannot_be_deleted(admin_client: UserClient) -> None:
    orders = builders.create_queue("Orders")
    builders.update_work_stream(fallback_queue=orders)
    admin_client.post(admin_url("routing_queue", "delete", orders.pk), {"post": "yes"})
    assert Queue.objects.filter(pk=orders.pk).exists()


def test_an_unused_queue_goes_with_its_memberships(admin_client: UserClient) -> None:
    orders = builders.create_queue("Orders")
    builders.create_agent("Dana", queue=orders)
    admin_client.post(admin_url("routing_queue", "delete", orders.pk), {"post": "yes"})
    assert not Queue.objects.filter(pk=orders.pk).exists()


def test_inline_row_fields_have_labels(admin_client: UserClient) -> None:
    orders = builders.create_queue("Orders")
    builders.create_agent("Dana", queue=orders)
    shown = admin_client.get(admin_url("routing_queue", "change", orders.pk)).content.decode()
    assert 'aria-label="Agent"' in shown
    assert 'aria-label="Remove"' in shown
