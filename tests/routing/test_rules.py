"""The first matching routing rule decides; all matching skill rules add skills."""

from typing import Any

import pytest

from routing.models import Queue, RoutingRule, Skill, SkillRule, SkillType, WorkStream
from routing.rules import find_route, get_skill_requirements
from tests import builders

pytestmark = pytest.mark.django_db


def contains_condition(text: str) -> dict[str, Any]:
    return {"field": "first_message", "operator": "contains", "value": text}


def create_rule(stream: WorkStream, name: str, condition: Any, **fields: Any) -> RoutingRule:
    """Create a rule that routes to a queue with the rule's name."""
    queue, _ = Queue.objects.get_or_create(name=fields.pop("queue", name))
    return RoutingRule.objects.create(work_stream=stream, name=name, condition=condition, queue=queue, **fields)


def get_or_create_skill(name: str) -> Skill:
    languages, _ = SkillType.objects.get_or_create(name="Language")
    return Skill.objects.get_or_create(name=name, type=languages)[0]


def create_skill_rule(stream: WorkStream, name: str, condition: Any, **ratings: int) -> SkillRule:
    rule = SkillRule.objects.create(work_stream=stream, name=name, condition=condition)
    for skill_name, rating in ratings.items():
        rule.skill_requirements.create(skill=get_or_create_skill(skill_name), rating=rating)
    return rule


def test_the_first_rule_that_holds_decides(stream: WorkStream) -> None:
    create_rule(stream, "Everything", {}, position=3)
    create_rule(stream, "Returns", contains_condition("order"), position=2)
    orders = create_rule(stream, "Orders", contains_condition("order"), position=1)
    route = find_route(stream, {"first_message": "My order"})
    assert (route.rule, route.queue.name) == (orders, "Orders")
    assert find_route(stream, {"first_message": "Hello"}).queue.name == "Everything"


def test_rules_in_the_same_place_are_asked_in_the_order_they_were_made(stream: WorkStream) -> None:
    first, _ = create_rule(stream, "First", {}), create_rule(stream, "Second", {})
    assert find_route(stream, {}).rule == first


def test_without_a_rule_that_holds_it_goes_to_the_fallback_queue_of_the_stream(stream: WorkStream) -> None:
    create_rule(stream, "Orders", contains_condition("order"))
    assert find_route(stream, {"first_message": "Hello"}).queue == Queue.objects.get_default()
    stream.fallback_queue = builders.create_queue("Front desk")
    route = find_route(stream, {"first_message": "Hello"})
    assert (route.rule, route.queue.name) == (None, "Front desk")


def test_rules_of_another_work_stream_are_not_asked(stream: WorkStream) -> None:
    create_rule(WorkStream.objects.create(name="Other"), "Orders", {})
    assert find_route(stream, {}).rule is None


def test_a_rule_that_cannot_be_read_is_passed_over(stream: WorkStream) -> None:
    create_rule(stream, "Odd", {"color": "red"})
    sound = create_rule(stream, "Sound", {})
    assert find_route(stream, {}).rule == sound


def test_all_skill_rules_that_hold_add_their_skills(stream: WorkStream) -> None:
    create_skill_rule(stream, "German", contains_condition("hallo"), German=7)
    create_skill_rule(stream, "Billing", contains_condition("rechnung"), Billing=3, German=2)
    create_skill_rule(stream, "French", contains_condition("bonjour"), French=5)
    requirements = get_skill_requirements(stream, {"first_message": "Hallo, meine Rechnung"})
    assert [str(need) for need in requirements] == ["Billing (3)", "German (7)"]


def test_the_higher_rating_wins(stream: WorkStream) -> None:
    create_skill_rule(stream, "Some", {}, German=3)
    create_skill_rule(stream, "More", {}, German=8)
    create_skill_rule(stream, "Less", {}, German=1)
    assert [need.rating for need in get_skill_requirements(stream, {})] == [8]
