"""The admin of overflow rules."""

from typing import Any

import pytest

from omnichannel.jobs.models import Lane
from routing.models import OperatingHours, OverflowRule, Queue, QueueMembership
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, inline_form_data, visible_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders() -> Queue:
    return builders.create_queue("Orders")


def overflow_form(**changed: Any) -> dict[str, Any]:
    return {"condition": "work_item_limit", "limit": "10", "action": "end", "target": "", **changed}


def add_url(queue: Queue) -> str:
    return f"{admin_url('routing_overflowrule', 'add')}?queue={queue.pk}"


def test_a_full_queue_passes_its_work_on(admin_client: UserClient, orders: Queue) -> None:
    other = builders.create_queue("Other")
    admin_client.post(add_url(orders), overflow_form(action="transfer", target=other.pk))
    rule = OverflowRule.objects.get()
    assert (rule.queue, rule.limit, rule.target) == (orders, 10, other)
    shown = visible_text(admin_client.get(admin_url("routing_queue", "change", orders.pk)))
    assert "Work item limit exceeds 10 work items Transfer to a different queue Other" in shown


@pytest.mark.parametrize(
    ("changed", "field", "error_text"),
    [
        ({"limit": ""}, "limit", "Enter the number of work items: 1 to 100."),
        ({"limit": "101"}, "limit", "Enter the number of work items: 1 to 100."),
        ({"condition": "waiting_time", "limit": "2881"}, "limit", "Enter the number of minutes: 1 to 2880."),
        ({"action": "transfer"}, "target", "Choose the queue to transfer to."),
        (
            {"condition": "waiting_time", "action": "assign_anyway"},
            "action",
            "The conversation is already in this queue",
        ),
        ({"condition": "out_of_hours"}, "condition", "This queue has no operating hours and is always open."),
    ],
)
def test_invalid_values_are_refused_at_their_field(
    admin_client: UserClient, orders: Queue, changed: Any, field: str, error_text: str
) -> None:
    response = admin_client.post(add_url(orders), overflow_form(**changed))
    assert error_text in response.context["adminform"].form.errors[field][0]
    assert not OverflowRule.objects.exists()


def test_a_queue_does_not_overflow_into_itself(admin_client: UserClient, orders: Queue) -> None:
    response = admin_client.post(add_url(orders), overflow_form(action="transfer", target=orders.pk))
    assert "Choose a different queue" in visible_text(response)


def test_unused_overflow_fields_are_cleared(admin_client: UserClient, orders: Queue) -> None:
    orders.operating_hours = OperatingHours.objects.create(name="Office", always_open=True)
    orders.save()
    admin_client.post(
        add_url(orders), overflow_form(condition="out_of_hours", target=builders.create_queue("Other").pk)
    )
    rule = OverflowRule.objects.get()
    assert (rule.limit, rule.target) == (None, None)


def test_overflow_target_queue_cannot_be_deleted_and_says_why(admin_client: UserClient, orders: Queue) -> None:
    other = builders.create_queue("Other")
    OverflowRule.objects.create(queue=orders, condition="work_item_limit", limit=1, action="transfer", target=other)
    assert "1 overflow rule." in visible_text(admin_client.get(admin_url("routing_queue", "delete", other.pk)))
    admin_client.post(admin_url("routing_queue", "delete", other.pk), {"post": "yes"})
    assert Queue.objects.filter(pk=other.pk).exists()


def test_overflow_rules_are_put_in_order(admin_client: UserClient, orders: Queue) -> None:
    first, second = (
        OverflowRule.objects.create(
            queue=orders, condition="work_item_limit", limit=limit, action="end", position=limit
        )
        for limit in (1, 2)
    )
    admin_client.post(admin_url("routing_queue", "order", orders.pk, "overflowrule"), {"down": first.pk})
    assert list(orders.overflow_rules.all()) == [second, first]


def test_changed_overflow_rule_rechecks_waiting_conversations(admin_client: UserClient, orders: Queue) -> None:
    form = {"name": "Orders", "priority": "5", "assignment_method": "round_robin", "closing_windows_first": "on"}
    admin_client.post(admin_url("routing_queue", "change", orders.pk), {**form, **inline_form_data("memberships")})
    orders.refresh_from_db()
    assert (orders.priority, orders.assignment_method, orders.closing_windows_first) == (5, "round_robin", True)
    assert Lane.objects.filter(kind="assign", key=0).exists()


def test_a_supervisor_puts_agents_into_a_queue_and_changes_nothing_else(orders: Queue) -> None:
    sam, dana = create_signed_in_client("Supervisor", "Sam"), builders.create_agent("Dana")
    form = {"name": "Renamed", "priority": "1", "assignment_method": "round_robin"}
    url = admin_url("routing_queue", "change", orders.pk)
    sam.post(url, {**form, **inline_form_data("memberships", {"agent": dana.pk})})
    orders.refresh_from_db()
    assert (orders.name, list(orders.members.all())) == ("Orders", [dana])
    row = {"id": QueueMembership.objects.get().pk, "agent": dana.pk, "queue": orders.pk, "DELETE": "on"}
    sam.post(url, inline_form_data("memberships", row))
    assert not orders.members.exists()


def test_a_supervisor_sees_overflow_and_changes_none(orders: Queue) -> None:
    rule = OverflowRule.objects.create(queue=orders, condition="work_item_limit", limit=3, action="end")
    sam = create_signed_in_client("Supervisor", "Sam")
    assert "Work item limit exceeds 3 work items" in visible_text(
        sam.get(admin_url("routing_queue", "change", orders.pk))
    )
    assert sam.post(admin_url("routing_overflowrule", "change", rule.pk), overflow_form()).status_code == 403
    assert sam.post(admin_url("routing_overflowrule", "delete", rule.pk), {"post": "yes"}).status_code == 403
    assert sam.post(add_url(orders), overflow_form()).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_users_without_role_are_refused(role: str, orders: Queue) -> None:
    client = create_signed_in_client(role)
    assert client.post(add_url(orders), overflow_form()).status_code == 302
    assert client.post(admin_url("routing_queue", "order", orders.pk, "overflowrule"), {}).status_code == 302
    assert not OverflowRule.objects.exists()
