"""Copies of work streams and queues, with what belongs to them."""

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from routing.models import Queue, WorkStream

ModelT = TypeVar("ModelT", bound=Model)

MAX_NAME_LENGTH = 100


@transaction.atomic
def copy_work_stream(stream: WorkStream) -> WorkStream:
    """A work stream on the same terms, with copies of its context variables and rules; no number belongs to it yet."""
    made = _copy_instance(stream, name=_get_free_name(WorkStream, stream.name))
    for part in (*stream.context_variables.all(), *stream.routingrules.all()):
        _copy_instance(part, work_stream=made)
    for rule in stream.skillrules.all():
        rule_made = _copy_instance(rule, work_stream=made)
        for need in rule.skill_requirements.all():
            _copy_instance(need, rule=rule_made)
    return made


@transaction.atomic
def copy_queue(queue: Queue) -> Queue:
    """A queue with the same settings, the same agents and copies of its overflow rules; nothing is sent there yet."""
    made = _copy_instance(queue, name=_get_free_name(Queue, queue.name), is_default=False)
    for part in (*queue.memberships.all(), *queue.overflow_rules.all()):
        _copy_instance(part, queue=made)
    return made


def _copy_instance(thing: ModelT, **changed: Any) -> ModelT:
    values = {field.name: getattr(thing, field.name) for field in thing._meta.concrete_fields if not field.primary_key}
    return type(thing)._default_manager.create(**{**values, **changed})


def _get_free_name(model: type[Model], name: str) -> str:
    """`Copy of Orders`, `Copy of Orders (2)`."""
    first, number = f"Copy of {name}"[: MAX_NAME_LENGTH - 6], 2
    found = first
    while model._default_manager.filter(name=found).exists():
        found, number = f"{first} ({number})", number + 1
    return found
