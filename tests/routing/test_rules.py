"""Which rule decides, and which skills are needed."""

from typing import Any

import pytest

from routing.models import Queue, RoutingRule, Skill, SkillRule, SkillType, WorkStream
from routing.rules import needs, route
from tests import builders

pytestmark = pytest.mark.django_db


def says(text: str) -> dict[str, Any]:
    return {"field": "first_message", "operator": "contains", "value": text}


@pytest.fixture
def stream() -> WorkStream:
    return builders.work_stream()


def rule(stream: WorkStream, name: str, condition: Any, **fields: Any) -> RoutingRule:
    """A rule that sends to a queue of its own name."""
    queue, _ = Queue.objects.get_or_create(name=fields.pop("queue", name))
    return RoutingRule.objects.create(work_stream=stream, name=name, condition=condition, queue=queue, **fields)


def skill(name: str) -> Skill:
    languages, _ = SkillType.objects.get_or_create(name="Language")
    return Skill.objects.get_or_create(name=name, type=languages)[0]


def skill_rule(stream: WorkStream, name: str, condition: Any, **ratings: int) -> SkillRule:
    made = SkillRule.objects.create(work_stream=stream, name=name, condition=condition)
    for skill_name, rating in ratings.items():
        made.needs.create(skill=skill(skill_name), rating=rating)
    return made


def test_the_first_rule_that_holds_decides(stream: WorkStream) -> None:
    rule(stream, "Everything", {}, position=3)
    rule(stream, "Returns", says("order"), position=2)
    orders = rule(stream, "Orders", says("order"), position=1)
    found = route(stream, {"first_message": "My order"})
    assert (found.rule, found.queue.name) == (orders, "Orders")
    assert route(stream, {"first_message": "Hello"}).queue.name == "Everything"


def test_rules_in_the_same_place_are_asked_in_the_order_they_were_made(stream: WorkStream) -> None:
    first, _ = rule(stream, "First", {}), rule(stream, "Second", {})
    assert route(stream, {}).rule == first


def test_without_a_rule_that_holds_it_goes_to_the_fallback_queue_of_the_stream(stream: WorkStream) -> None:
    rule(stream, "Orders", says("order"))
    assert route(stream, {"first_message": "Hello"}).queue == Queue.objects.default()
    stream.fallback_queue = builders.queue("Front desk")
    found = route(stream, {"first_message": "Hello"})
    assert (found.rule, found.queue.name) == (None, "Front desk")


def test_rules_of_another_work_stream_are_not_asked(stream: WorkStream) -> None:
    rule(WorkStream.objects.create(name="Other"), "Orders", {})
    assert route(stream, {}).rule is None


def test_a_rule_that_cannot_be_read_is_passed_over(stream: WorkStream) -> None:
    rule(stream, "Odd", {"colour": "red"})
    sound = rule(stream, "Sound", {})
    assert route(stream, {}).rule == sound


def test_all_skill_rules_that_hold_add_their_skills(stream: WorkStream) -> None:
    skill_rule(stream, "German", says("hallo"), German=7)
    skill_rule(stream, "Billing", says("rechnung"), Billing=3, German=2)
    skill_rule(stream, "French", says("bonjour"), French=5)
    found = needs(stream, {"first_message": "Hallo, meine Rechnung"})
    assert [str(need) for need in found] == ["Billing (3)", "German (7)"]


def test_the_higher_rating_wins(stream: WorkStream) -> None:
    skill_rule(stream, "Some", {}, German=3)
    skill_rule(stream, "More", {}, German=8)
    skill_rule(stream, "Less", {}, German=1)
    assert [need.rating for need in needs(stream, {})] == [8]
