"""Copies of work streams and queues, with what belongs to them."""

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from routing.models import Queue, WorkStream

Thing = TypeVar("Thing", bound=Model)

LONGEST_NAME = 100


@transaction.atomic
def copy_of_stream(stream: WorkStream) -> WorkStream:
    """A work stream on the same terms, with copies of its context variables and rules; no number belongs to it yet."""
    made = _copy(stream, name=_free_name(WorkStream, stream.name))
    for part in (*stream.context_variables.all(), *stream.routingrules.all()):
        _copy(part, work_stream=made)
    for rule in stream.skillrules.all():
        rule_made = _copy(rule, work_stream=made)
        for need in rule.needs.all():
            _copy(need, rule=rule_made)
    return made


@transaction.atomic
def copy_of_queue(queue: Queue) -> Queue:
    """A queue with the same settings, the same agents and copies of its overflow rules; nothing is sent there yet."""
    made = _copy(queue, name=_free_name(Queue, queue.name), is_default=False)
    for part in (*queue.memberships.all(), *queue.overflow_rules.all()):
        _copy(part, queue=made)
    return made


def _copy(thing: Thing, **changed: Any) -> Thing:
    values = {field.name: getattr(thing, field.name) for field in thing._meta.concrete_fields if not field.primary_key}
    return type(thing)._default_manager.create(**{**values, **changed})


def _free_name(model: type[Model], name: str) -> str:
    """`Copy of Orders`, `Copy of Orders (2)`."""
    first, number = f"Copy of {name}"[: LONGEST_NAME - 6], 2
    found = first
    while model._default_manager.filter(name=found).exists():
        found, number = f"{first} ({number})", number + 1
    return found
