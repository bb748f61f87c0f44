"""Records for pages that `tests.scenario` leaves empty, and the paths of the administration."""

from datetime import time, timedelta

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount, WhatsAppNumber
from omnichannel.accounts.models import User
from omnichannel.conversations.models import (
    AutomatedMessage,
    Conversation,
    Label,
    Message,
    MessageStatus,
    MessageTrigger,
    Priority,
    QuickReply,
    QuickReplyTag,
)
from omnichannel.jobs.models import Lane
from routing.models import (
    Agent,
    AgentSkill,
    ContactField,
    ContextVariable,
    OperatingHours,
    OverflowAction,
    OverflowCondition,
    OverflowRule,
    Queue,
    RatingModel,
    RoutingRule,
    Skill,
    SkillRule,
    SkillType,
    WorkStream,
)
from tests import builders

LONG_NAME = "Maximiliane Freifrau von Hohenstein-Wittelsbach, Einkauf Leuchten und Zubehör Niederlassung Süd"


def create_settings_of_every_kind() -> None:
    """Create one record for each page of the administration that would have none."""
    stream, queue = WorkStream.objects.order_by("pk")[0], Queue.objects.get(name="Returns")
    hours = OperatingHours.objects.create(name="Shop hours", time_zone="Europe/Berlin", always_open=False)
    hours.periods.create(weekday=0, opens=time(9), closes=time(18))
    OverflowRule.objects.create(
        queue=queue, condition=OverflowCondition.WAITING_TIME, limit=30, action=OverflowAction.END
    )
    skill = Skill.objects.create(
        name="German", type=SkillType.objects.first() or SkillType.objects.create(name="Language")
    )
    RatingModel.objects.get_or_create(name="Stars", min_value=1, max_value=5)
    AgentSkill.objects.create(agent=Agent.objects.get(user__username="dana"), skill=skill, rating=3)
    condition = {"all": [{"field": "first_message", "operator": "contains", "value": "Lampe"}]}
    SkillRule.objects.create(work_stream=stream, name="German", condition=condition).skills.add(skill)
    RoutingRule.objects.create(work_stream=stream, name="Lamps", position=1, queue=queue, condition=condition)
    ContextVariable.objects.create(
        work_stream=stream, display_name="Order number", name="order_number", found_after="order"
    )
    ContactField.objects.create(display_name="Customer group", name="customer_group")
    AutomatedMessage.objects.create(trigger=MessageTrigger.GREETING, text="Hello, this is Lumen Lamps.")
    QuickReply.objects.all()[0].tags.add(QuickReplyTag.objects.create(name="hello"))
    QuickReply.objects.create(
        title="My greeting", message="Hi, Dana here.", owner=Agent.objects.get(user__username="dana").user
    )


def create_failed_work() -> None:
    """Create a webhook delivery in each state and a background job that was given up."""
    account = WhatsAppAccount.objects.get()
    form = builders.build_inbound_form(WhatsAppNumber.objects.all()[0])
    for state in DeliveryState:
        WebhookDelivery.objects.create(
            account=account,
            kind=WebhookKind.INBOUND,
            fingerprint=f"screenshot-{state}",
            payload=form,
            state=state,
            error="ValueError: no number has this address." if state == DeliveryState.FAILED else "",
        )
    now = timezone.now()
    Lane.objects.create(
        kind="media",
        key=1,
        due_at=now,
        attempts=7,
        given_up_at=now,
        error="requests.exceptions.ConnectionError: Connection refused",
    )


def create_long_names() -> dict[str, int]:
    """Create a conversation with 200 messages and long names of everything; return its id as `long`."""
    dana, now = Agent.objects.get(user__username="dana"), timezone.now()
    conversation = builders.create_conversation(
        agent=dana,
        number=WhatsAppNumber.objects.all()[0],
        queue=builders.create_queue("Beleuchtung, Ersatzteile und Gewährleistung für Geschäftskunden"),
        contact=builders.create_contact(LONG_NAME),
        last_inbound_at=now,
    )
    messages = [
        Message(
            conversation=conversation,
            direction="outbound" if place % 2 else "inbound",
            author=dana.user if place % 2 else None,
            status=MessageStatus.READ if place % 2 else MessageStatus.RECEIVED,
            body=f"Message {place}: " + "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * (place % 3),
            created_at=now - timedelta(minutes=200 - place),
        )
        for place in range(200)
    ]
    conversation.last_message = Message.objects.bulk_create(messages)[-1]
    conversation.save()
    Conversation.objects.filter(pk=conversation.pk).update(
        priority=Priority.URGENT, unread_count=12, last_activity_at=now
    )
    conversation.labels.add(
        Label.objects.create(name="Gewährleistung geprüft, Ersatz angekündigt"), *Label.objects.all()
    )
    return {"long": conversation.pk}


def list_admin_paths() -> dict[str, str]:
    """Return the paths of each model's pages that the administrator may open: list, new record, last record."""
    request, paths = HttpRequest(), {}
    request.user = User.objects.get(username="admin")
    for model, model_admin in admin.site._registry.items():
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        name = f"admin-{model._meta.model_name}"
        if not model_admin.has_view_permission(request):
            continue
        paths[f"{name}-list"] = reverse(f"{page}_changelist")
        if model_admin.has_add_permission(request):
            paths[f"{name}-add"] = reverse(f"{page}_add")
        if record := model_admin.get_queryset(request).order_by("pk").last():
            paths[f"{name}-change"] = reverse(f"{page}_change", args=[record.pk])
    return paths
