"""A description of everything that webhooks change, without primary keys, to compare two ways of applying them."""

from typing import Any

from channels_whatsapp.models import WebhookDelivery, WhatsAppAccount
from omnichannel.conversations.models import Contact, Conversation, FailedReply, Message, MessageWords
from omnichannel.events.models import Event
from omnichannel.jobs.models import Lane

State = dict[str, Any]


def describe_desk_state() -> State:
    """Return the state of all tables that deliveries change. Random values and primary keys are left out."""
    names = {conversation.pk: _name(conversation) for conversation in Conversation.objects.select_related("contact")}
    return {
        "contacts": sorted(map(_describe_contact, Contact.objects.all()), key=str),
        "conversations": sorted((_describe_conversation(item) for item in Conversation.objects.all()), key=str),
        "lanes": sorted(_describe_lane(lane, names) for lane in Lane.objects.all()),
        "events": sorted({_describe_event(event, names) for event in Event.objects.all()}, key=str),
        "deliveries": list(
            WebhookDelivery.objects.order_by("pk").values(
                "fingerprint", "state", "attempts", "error", "needs_attention", "next_attempt_at"
            )
        ),
        "failed replies": sorted(FailedReply.objects.values_list("message__twilio_sid", "agent"), key=str),
        "accounts": list(WhatsAppAccount.objects.order_by("pk").values("credentials_rejected_at")),
    }


def _name(conversation: Conversation) -> str:
    first = conversation.messages.order_by("created_at", "twilio_sid").values_list("twilio_sid", flat=True).first()
    return f"{conversation.contact.address} {conversation.number_id} {first}"


def _describe_contact(contact: Contact) -> State:
    fields = ("address", "identity", "profile_name", "username", "opted_out_at", "opted_out_by_word", "blocked_at")
    return {
        **{name: getattr(contact, name) for name in fields},
        "ids": sorted(contact.business_scoped_ids.values_list("business_scoped_id", "parent_business_scoped_id")),
        "addresses": sorted(contact.addresses.values_list("address", "identity")),
    }


def _describe_conversation(conversation: Conversation) -> State:
    fields = (
        *("number_id", "state", "agent_id", "queue_id", "work_stream_id", "closed_at", "last_inbound_at"),
        *("window_closes_at", "unread_count", "last_activity_at", "created_at", "state_since", "queued_at"),
    )
    events = conversation.events.order_by("created_at", "kind")
    requests = conversation.automated_message_requests.order_by("trigger")
    return {
        "name": _name(conversation),
        **{name: getattr(conversation, name) for name in fields},
        "last_message": conversation.last_message.twilio_sid if conversation.last_message else None,
        "timeline": sorted((event.kind, str(event.text), event.created_at) for event in events),
        "requests": list(requests.values_list("trigger", "requested_at")),
        "messages": [_describe_message(item) for item in conversation.messages.order_by("created_at", "twilio_sid")],
    }


def _describe_message(message: Message) -> State:
    fields = (
        *("direction", "kind", "body", "content", "status", "twilio_sid", "error_code"),
        *("error_message", "payload", "created_at", "updated_at", "not_before", "check_status_at"),
    )
    columns = ("position", "source_url", "name", "declared_type", "state", "error")
    return {
        **{name: getattr(message, name) for name in fields},
        "has_words": MessageWords.objects.filter(message=message).exists(),
        "quoted": message.quoted.twilio_sid if message.quoted else None,
        "files": list(message.attachments.order_by("position").values_list(*columns)),
    }


def _describe_lane(lane: Lane, names: dict[int, str]) -> str:
    subject = "a file" if lane.kind == "media" else names.get(lane.key, str(lane.key))
    return f"{lane.kind} {subject} {lane.due_at}"


def _describe_event(event: Event, names: dict[int, str]) -> tuple[Any, ...]:
    part = Message.objects.filter(pk=event.part_id or 0).values_list("twilio_sid", flat=True).first()
    return event.kind, names.get(event.subject_id), part, tuple(event.topics)
