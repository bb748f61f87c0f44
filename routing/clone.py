"""Copy work streams and queues, with the objects that belong to them."""

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from routing.models import Queue, WorkStream

ModelT = TypeVar("ModelT", bound=Model)

MAX_NAME_LENGTH = 100


@transaction.atomic
def copy_work_stream(stream: WorkStream) -> WorkStream:
    """Copy a work stream with its settings, context variables and rules.

    Numbers stay with the original.
    """
    stream_copy = _copy_instance(stream, name=_get_free_name(WorkStream, stream.name))
    for child in (*stream.context_variables.all(), *stream.routingrules.all()):
        _copy_instance(child, work_stream=stream_copy)
    for rule in stream.skillrules.all():
        rule_copy = _copy_instance(rule, work_stream=stream_copy)
        for requirement in rule.skill_requirements.all():
            _copy_instance(requirement, rule=rule_copy)
    return stream_copy


@transaction.atomic
def copy_queue(queue: Queue) -> Queue:
    """Copy a queue with its settings, members and overflow rules.

    Work streams and rules still send their conversations to the original.
    """
    queue_copy = _copy_instance(queue, name=_get_free_name(Queue, queue.name), is_default=False)
    for child in (*queue.memberships.all(), *queue.overflow_rules.all()):
        _copy_instance(child, queue=queue_copy)
    return queue_copy


def _copy_instance(instance: ModelT, **changes: Any) -> ModelT:
    fields = [field for field in instance._meta.concrete_fields if not field.primary_key]
    values = {field.name: getattr(instance, field.name) for field in fields}
    return type(instance)._default_manager.create(**{**values, **changes})


def _get_free_name(model: type[Model], name: str) -> str:
    """Return the first free name of `Copy of Orders`, `Copy of Orders (2)` and so on."""
    base_name, number = f"Copy of {name}"[: MAX_NAME_LENGTH - 6], 2
    free_name = base_name
    while model._default_manager.filter(name=free_name).exists():
        free_name, number = f"{base_name} ({number})", number + 1
    return free_name
