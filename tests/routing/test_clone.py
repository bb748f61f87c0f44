"""Copies of work streams and queues include the records that belong to them."""

import pytest

from routing.clone import copy_queue, copy_work_stream
from routing.models import ContextVariable, OverflowRule, Queue, WorkStream
from tests import builders
from tests.admin_client import admin_url, create_signed_in_client, message_texts
from tests.routing.test_rules import contains_condition, create_rule, create_skill_rule

pytestmark = pytest.mark.django_db


def test_a_copy_of_a_work_stream_has_its_terms_its_rules_and_its_variables() -> None:
    front = builders.create_queue("Front desk")
    stream = builders.update_work_stream(capacity=55, fallback_queue=front, allowed_presences=["away"])
    ContextVariable.objects.create(work_stream=stream, display_name="Order", name="order", found_after="Order:")
    create_rule(stream, "Second", contains_condition("b"), position=2)
    create_rule(stream, "First", {"field": "context.order", "operator": "is_not_empty"}, position=1)
    create_skill_rule(stream, "German", contains_condition("hallo"), German=7)
    builders.create_number()
    copy = copy_work_stream(stream)
    assert (copy.name, copy.capacity, copy.fallback_queue, copy.allowed_presences) == (
        "Copy of WhatsApp channel work stream",
        55,
        front,
        ["away"],
    )
    assert [(rule.name, rule.queue.name) for rule in copy.routingrules.all()] == [
        ("First", "First"),
        ("Second", "Second"),
    ]
    assert [(need.skill.name, need.rating) for need in copy.skillrules.get().skill_requirements.all()] == [
        ("German", 7)
    ]
    assert copy.context_variables.get().found_after == "Order:"
    assert not copy.whatsapp_numbers.exists()
    assert (stream.routingrules.count(), stream.skillrules.get().skill_requirements.count()) == (2, 1)


def test_a_copy_of_a_queue_has_its_settings_its_agents_and_its_overflow() -> None:
    orders = builders.create_queue("Orders")
    dana = builders.create_agent("Dana", queue=orders)
    OverflowRule.objects.create(queue=orders, condition="waiting_time", action="end", limit=10)
    copy = copy_queue(orders)
    assert (copy.name, list(copy.members.all()), copy.overflow_rules.get().limit) == ("Copy of Orders", [dana], 10)


def test_a_copy_of_the_default_queue_is_a_queue_as_any_other() -> None:
    copy = copy_queue(Queue.objects.get_default())
    assert not copy.is_default
    assert Queue.objects.get_default().name == "Default messaging queue"


def test_copies_are_numbered_and_long_names_are_cut() -> None:
    queue = builders.create_queue("x" * 100)
    names = [copy_queue(queue).name for _ in range(3)]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 100
    assert copy_queue(builders.create_queue("Orders")).name == "Copy of Orders"
    assert copy_queue(Queue.objects.get(name="Orders")).name == "Copy of Orders (2)"


@pytest.mark.parametrize("model", ["routing_workstream", "routing_queue"])
def test_an_administrator_copies_by_a_button_and_sees_the_copy(model: str) -> None:
    thing = builders.update_work_stream() if model == "routing_workstream" else builders.create_queue("Orders")
    ada = create_signed_in_client("Administrator", "Ada")
    url = admin_url(model, "copy", thing.pk)
    assert f'action="{url}"' in ada.get(admin_url(model, "change", thing.pk)).content.decode()
    response = ada.post(url, follow=True)
    assert message_texts(response) == [f"“Copy of {thing.name}” was created. Edit it as needed."]
    assert ada.get(url).status_code == 405


@pytest.mark.parametrize(("role", "answer"), [("Supervisor", 403), ("Agent", 302), ("", 302)])
def test_only_administrators_copy(role: str, answer: int) -> None:
    client, orders = create_signed_in_client(role), builders.create_queue("Orders")
    assert client.post(admin_url("routing_workstream", "copy", builders.update_work_stream().pk)).status_code == answer
    assert client.post(admin_url("routing_queue", "copy", orders.pk)).status_code == answer
    assert (WorkStream.objects.count(), Queue.objects.count()) == (1, 2)
    if role == "Supervisor":
        assert "copy-form" not in client.get(admin_url("routing_queue", "change", orders.pk)).content.decode()
