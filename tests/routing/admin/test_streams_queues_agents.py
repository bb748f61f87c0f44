"""Work streams, queues, agents and presences in the administration."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from routing.admin.form_fields import split_into_unit
from routing.models import Agent, Presence, Queue, QueueMembership, WorkStream
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    create_signed_in_client,
    inline_form_data,
    message_texts,
    visible_text,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def supervisor_client() -> UserClient:
    return create_signed_in_client("Supervisor", "Sam")


def work_stream_form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Orders",
        "channel": "whatsapp",
        "capacity": "30",
        "auto_close_after_0": "8",
        "auto_close_after_1": "hours",
        "distribution_mode": "push",
        "allowed_presences": ["available", "away"],
        "offer_seconds": "120",
        "wrap_up_seconds": "",
        "skill_matching": "none",
        "fallback_queue": "",
        **changed,
    }


def queue_form(*members: Agent, **changed: Any) -> dict[str, Any]:
    form = {"name": "Orders", "priority": "10", "assignment_method": "highest_capacity"}
    return {**form, **inline_form_data("memberships", *({"agent": member.pk} for member in members)), **changed}


def agent_form(agent: Agent, *queues: Queue, **changed: Any) -> dict[str, Any]:
    form = {"capacity": "60", "presence": agent.presence_id, **inline_form_data("agent_skills")}
    return {**form, **inline_form_data("memberships", *({"queue": queue.pk} for queue in queues)), **changed}


# -- Work streams


def test_a_work_stream_is_set_up_with_ticks_and_a_plain_time(admin_client: UserClient) -> None:
    admin_client.post(admin_url("routing_workstream", "add"), work_stream_form())
    stream = WorkStream.objects.get(name="Orders")
    assert stream.allowed_presences == ["available", "away"]
    assert stream.auto_close_after == timedelta(hours=8)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(minutes=5), (5, "minutes")),
        (timedelta(minutes=90), (90, "minutes")),
        (timedelta(hours=24), (24, "hours")),
        (timedelta(days=30), (30, "days")),
    ],
)
def test_a_time_is_shown_in_its_largest_whole_unit(time: timedelta, parts: tuple[int, str]) -> None:
    assert split_into_unit(time) == parts


def test_no_time_at_all_is_refused(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url("routing_workstream", "add"), work_stream_form(auto_close_after_0="0"))
    assert "auto_close_after" in response.context["adminform"].form.errors


def test_the_channel_is_locked_after_the_first_save(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    admin_client.post(
        admin_url("routing_workstream", "change", stream.pk), work_stream_form(name="Renamed", channel="sms")
    )
    stream.refresh_from_db()
    assert (stream.name, stream.channel) == ("Renamed", "whatsapp")


def test_work_stream_with_numbers_cannot_be_deleted(admin_client: UserClient) -> None:
    stream = builders.create_number().work_stream
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "delete", stream.pk)))
    assert "because it is in use: 1 WhatsApp Number." in shown
    assert "Give its numbers another work stream first" in shown
    assert "Deactivate" not in shown


def test_supervisor_views_work_streams_but_cannot_change_them(supervisor_client: UserClient) -> None:
    stream = builders.update_work_stream()
    assert supervisor_client.get(admin_url("routing_workstream", "change", stream.pk)).status_code == 200
    assert (
        supervisor_client.post(admin_url("routing_workstream", "change", stream.pk), work_stream_form()).status_code
        == 403
    )


# -- Queues


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
    assert "The same one is listed twice." in visible_text(response)
    assert not Queue.objects.filter(name="Orders").exists()


def test_the_default_queue_can_not_be_deleted(admin_client: UserClient) -> None:
    get_default = Queue.objects.get_default()
    assert admin_client.post(admin_url("routing_queue", "delete", get_default.pk), {"post": "yes"}).status_code == 403
    assert "deletelink" not in admin_client.get(admin_url("routing_queue", "change", get_default.pk)).content.decode()


def test_of_the_default_queue_only_the_terms_of_its_work_are_set(admin_client: UserClient) -> None:
    get_default = Queue.objects.get_default()
    form = {"name": "Mine", "priority": "1", "assignment_method": "round_robin", "closing_windows_first": "on"}
    response = admin_client.post(admin_url("routing_queue", "change", get_default.pk), form)
    assert response.status_code == 302
    get_default.refresh_from_db()
    assert (get_default.name, get_default.priority) == ("Default messaging queue", 100)
    assert (get_default.assignment_method, get_default.closing_windows_first) == ("round_robin", True)


@pytest.mark.parametrize("changed", [{"name": "Mine"}, {"priority": 1}])
def test_default_queue_name_and_priority_cannot_be_changed(changed: Any) -> None:
    with pytest.raises(IntegrityError, match="the_default_queue_keeps_its_name_and_priority"), transaction.atomic():
        Queue.objects.filter(is_default=True).update(**changed)


def test_members_of_the_default_queue_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="Everybody is in the default queue already."):
        QueueMembership(queue=Queue.objects.get_default(), agent=builders.create_agent("Dana")).full_clean()


def test_everybody_is_in_the_default_queue(admin_client: UserClient) -> None:
    assert "Everybody" in visible_text(admin_client.get(admin_url("routing_queue", "changelist")))


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


# -- Agents


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_capacity_presence_and_queues_of_an_agent_are_set(role: str) -> None:
    dana, orders = builders.create_agent("Dana"), builders.create_queue("Orders")
    away = Presence.objects.get(base_status="away")
    form = agent_form(dana, orders, presence=away.pk)
    response = create_signed_in_client(role).post(admin_url("routing_agent", "change", dana.pk), form, follow=True)
    dana.refresh_from_db()
    assert (dana.capacity, dana.presence, list(dana.queues.all())) == (60, away, [orders])
    assert message_texts(response) == ["“Dana” is saved."]


def test_agents_are_found_by_the_queues_they_were_put_into(admin_client: UserClient) -> None:
    builders.create_agent("Dana", queue=builders.create_queue("Orders"))
    shown = visible_text(admin_client.get(admin_url("routing_agent", "changelist")))
    by_queue = shown[shown.index("By queue") :]
    assert "Orders" in by_queue
    assert "Default messaging queue" not in by_queue


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


# -- Presences


def test_a_built_in_presence_is_neither_changed_nor_deleted(admin_client: UserClient) -> None:
    away = Presence.objects.get(base_status="away", is_built_in=True)
    form = {"name": "Gone", "text": "Gone", "base_status": "offline", "description": ""}
    assert admin_client.post(admin_url("routing_presence", "change", away.pk), form).status_code == 403
    assert admin_client.post(admin_url("routing_presence", "delete", away.pk), {"post": "yes"}).status_code == 403
    away.refresh_from_db()
    assert away.text == "Appear away"


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
