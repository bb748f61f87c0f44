"""Records for every state of every page, for accessibility checks and screenshots.

No worker or user changes them. All times have a fixed distance to the current time.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from channels_whatsapp.models import ApprovalStatus, MessageTemplate, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import ScheduledTask, Sender, TaskState
from omnichannel.conversations import timeline
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Conversation,
    DispositionCode,
    Label,
    Mention,
    Message,
    MessageKind,
    QuickReply,
    TimelineEventKind,
    Viewer,
)
from omnichannel.core.localized_text import localized
from omnichannel.demo.users import create_returns_work_stream, create_users
from routing.models import Agent, Queue, RoutingRule, State
from tests import builders

LAMP_PICTURE = Path(__file__).resolve().parents[1] / "omnichannel" / "demo" / "files" / "broken-lamp.png"


class ScenarioBuilder:
    """Users, numbers and conversations, with the ids of conversations by key."""

    def __init__(self) -> None:
        self.senders: dict[str, Sender] = {}
        self.now = timezone.now().replace(second=0, microsecond=0)
        self.people = create_users()
        Agent.objects.filter(pk=self.people["dana"].pk).update(capacity=1200)
        self.returns_work_stream = create_returns_work_stream(self.people)
        self.account = self._create_account()
        self.shop_number = self._create_number("Lumen Lamps", "+12025550143")
        self.returns_number = self._create_number(
            "Lumen Lamps Returns", "+12025550177", work_stream=self.returns_work_stream
        )
        self.conversation_ids: dict[str, int] = {}

    # -- What there is ----------------------------------------------------------------------------------------------

    def _create_account(self) -> WhatsAppAccount:
        self.twilio_account = factories.create_account("Lumen Lamps", token=builders.AUTH_TOKEN)
        return builders.create_account(account_sid=self.twilio_account.sid)

    def _create_number(self, name: str, digits: str, **fields: Any) -> WhatsAppNumber:
        number = builders.create_number(self.account, number=digits, name=name, **fields)
        sent_from = factories.create_sender(
            self.twilio_account, digits, name, self.account.inbound_url, self.account.status_url
        )
        self.senders[digits] = sent_from
        return number

    def ago(self, **distance: float) -> datetime:
        return self.now - timedelta(**distance)

    def create_conversation(
        self,
        name: str,
        customer_name: str,
        address: str,
        last_inbound_at: datetime,
        agent: Agent | None = None,
        **fields: Any,
    ) -> Conversation:
        """Create a conversation and store its id under the key `name`."""
        contact = builders.create_contact(
            customer_name, address=address, created_at=last_inbound_at - timedelta(days=40)
        )
        conversation = builders.create_conversation(
            number=fields.pop("on", self.shop_number),
            contact=contact,
            agent=agent,
            last_inbound_at=last_inbound_at,
            created_at=last_inbound_at,
            **fields,
        )
        self.conversation_ids[name] = conversation.pk
        return conversation

    def create_inbound_message(self, parent: Conversation, text: str, **fields: Any) -> Message:
        return builders.create_inbound_message(parent, text, **{"created_at": parent.last_inbound_at, **fields})

    def create_attachment(
        self, parent: Message, name: str, content_type: str, content: bytes = b"", **fields: Any
    ) -> None:
        attachment = Attachment(
            message=parent,
            position=parent.attachments.count(),
            name=name,
            content_type=content_type,
            size=len(content) or 84_000,
            **{"state": AttachmentState.STORED, **fields},
        )
        attachment.file.save("", ContentFile(content or b"\0"), save=True)


def create_scenario() -> dict[str, int]:
    """Fill an empty database; return the ids of the conversations by the state they show."""
    scenario = ScenarioBuilder()
    _create_reference_data(scenario)
    _create_active_conversation(scenario)
    _create_message_kinds_conversation(scenario)
    _create_window_conversations(scenario)
    _create_ended_conversations(scenario)
    _create_other_conversations(scenario)
    _create_simulator_chat(scenario)
    return scenario.conversation_ids


def _create_reference_data(scenario: ScenarioBuilder) -> None:
    for name, color in (("VIP", "purple"), ("Damaged", "red"), ("Delivery", "teal")):
        Label.objects.create(name=name, color=color)
    DispositionCode.objects.create(name="Solved", description="The customer has what they came for.")
    DispositionCode.objects.create(name="Replacement sent")
    for title, message in (
        ("Greeting", "Hi {FullName{Customer}}, this is Lumen Lamps. How can I help?"),
        ("Delivery time", "Our lamps ship the same day and arrive within two working days."),
    ):
        QuickReply.objects.create(title=title, message=message)
    for name, approval, text, reason in (
        ("order_update", ApprovalStatus.APPROVED, "Hello {{1}}, your order {{2}} is on its way.", ""),
        ("we_are_back", ApprovalStatus.APPROVED, "Hello {{1}}, we can go on with your question now. Shall we?", ""),
        ("winter_sale", ApprovalStatus.REJECTED, "Everything must go!", "Promotional wording in a utility template."),
    ):
        MessageTemplate.objects.create(
            account=scenario.account,
            content_sid=builders.new_sid("HX"),
            name=name,
            language="en",
            content_type="twilio/text",
            content={"body": text},
            text=text,
            variables={"1": "Anna", "2": "2231"} if "{{2}}" in text else {"1": "Anna"} if "{{1}}" in text else {},
            category="UTILITY",
            approval=approval,
            rejection_reason=reason,
        )
    RoutingRule.objects.create(
        work_stream=scenario.returns_work_stream,
        name="Parcels",
        position=1,
        queue=Queue.objects.get(name="Returns"),
        condition={"all": [{"field": "first_message", "operator": "contains", "value": "parcel"}]},
    )


def _create_active_conversation(scenario: ScenarioBuilder) -> None:
    dana = scenario.people["dana"]
    conversation = scenario.create_conversation(
        "active", "Amara Diallo", "whatsapp:+4917139200021", scenario.ago(minutes=14), dana
    )
    conversation.labels.set(Label.objects.filter(name="Damaged"))
    conversation.contact.labels.set(Label.objects.filter(name="VIP"))
    scenario.create_inbound_message(conversation, "Hi! I ordered lamp 2231 last week, it arrived broken")
    picture = scenario.create_inbound_message(
        conversation, "Look", kind=MessageKind.MEDIA, created_at=scenario.ago(minutes=12)
    )
    scenario.create_attachment(picture, "lamp.png", "image/png", LAMP_PICTURE.read_bytes())
    timeline.record(
        conversation,
        TimelineEventKind.ACTIVE,
        localized("Assigned to Dana Kim: available, most free capacity."),
        actor=None,
    )
    conversation.events.update(created_at=scenario.ago(minutes=11.5))
    builders.create_outbound_message(
        conversation,
        "So sorry, Amara. I can send a new one *today*. Which color would you like?",
        status="read",
        author=dana.user,
        created_at=scenario.ago(minutes=9),
    )
    note = conversation.notes.create(
        author=dana.user,
        text="@omar the same batch as last week's, I think.",
        created_at=scenario.ago(minutes=8),
    )
    Mention.objects.create(note=note, agent=scenario.people["omar"])
    scenario.create_inbound_message(
        conversation, "The blue one, please. Can it come on Friday?", created_at=scenario.ago(minutes=4)
    )
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=1, last_activity_at=scenario.ago(minutes=4))
    Viewer.objects.create(
        conversation=conversation, agent=scenario.people["omar"], seen_at=scenario.now + timedelta(hours=1)
    )


def _create_message_kinds_conversation(scenario: ScenarioBuilder) -> None:
    dana = scenario.people["dana"]
    conversation = scenario.create_conversation(
        "message_kinds", "ليلى حسن", "whatsapp:+447700900142", scenario.ago(hours=3), dana
    )
    first = scenario.create_inbound_message(conversation, "مرحبا، متى يصل طلبي؟", content={"forwarded": "often"})
    place = {"latitude": "52.52", "longitude": "13.405", "label": "Hauptstraße 12", "address": "10178 Berlin"}
    ad = {"headline": "Blue lamps", "body": "Only this week"}
    scenario.create_inbound_message(conversation, "", kind=MessageKind.LOCATION, content={"location": place})
    card = [{"name": "Yusuf Hassan", "phones": ["+44 7700 900143"]}]
    scenario.create_inbound_message(conversation, "", kind=MessageKind.CONTACTS, content={"contacts": card})
    scenario.create_inbound_message(
        conversation,
        "Track",
        kind=MessageKind.BUTTON,
        content={"button": {"text": "Track my order", "payload": "track"}},
    )
    scenario.create_inbound_message(
        conversation, "", kind=MessageKind.LIST, content={"list": {"title": "Delivery", "payload": "delivery"}}
    )
    scenario.create_inbound_message(
        conversation, "From an advertisement: https://shop.example.com", content={"referral": ad}
    )
    scenario.create_inbound_message(conversation, "", kind=MessageKind.UNSUPPORTED, content={"type": "poll"})
    voice = scenario.create_inbound_message(conversation, "", kind=MessageKind.MEDIA)
    scenario.create_attachment(voice, "", "audio/ogg")
    video = scenario.create_inbound_message(conversation, "", kind=MessageKind.MEDIA)
    scenario.create_attachment(video, "lamp.mp4", "video/mp4")
    document = scenario.create_inbound_message(conversation, "", kind=MessageKind.MEDIA)
    scenario.create_attachment(document, "invoice-2190.pdf", "application/pdf", b"%PDF-1.4\n%%EOF")
    scenario.create_attachment(document, "notes.zip", "application/zip")
    failed_download = scenario.create_inbound_message(conversation, "", kind=MessageKind.MEDIA)
    scenario.create_attachment(
        failed_download,
        "",
        "",
        state=AttachmentState.FAILED,
        declared_type="image/jpeg",
        error="Twilio does not have it.",
    )
    scenario.create_attachment(failed_download, "", "", state=AttachmentState.PENDING, declared_type="image/jpeg")
    for status in ("queued", "sending", "sent", "delivered", "read"):
        builders.create_outbound_message(
            conversation, f"An answer that is {status}", status=status, author=dana.user, quoted=first
        )
    failed = {"error_code": 63016, "error_message": "Outside the allowed window."}
    builders.create_outbound_message(
        conversation, "An answer that failed, _with_ `code` and ~struck~ words", status="failed", **failed
    )


def _create_window_conversations(scenario: ScenarioBuilder) -> None:
    dana = scenario.people["dana"]
    closing_soon = scenario.create_conversation(
        "closing_soon", "Jonas Weber", "whatsapp:+4917139200035", scenario.ago(hours=23, minutes=13), dana
    )
    scenario.create_inbound_message(closing_soon, "Could I get an invoice for order 2190?")
    closed_window = scenario.create_conversation(
        "window_closed", "Mei Tanaka", "whatsapp:+447700900118", scenario.ago(hours=30), dana
    )
    scenario.create_inbound_message(closed_window, "Is the store in Camden open on Sundays?")
    opted_out = scenario.create_conversation(
        "opted_out", "Rosa Marín", "whatsapp:+34600900142", scenario.ago(hours=5), dana
    )
    scenario.create_inbound_message(opted_out, "STOP")
    Contact.objects.filter(pk=opted_out.contact_id).update(opted_out_at=scenario.ago(hours=5), opted_out_by_word=True)
    blocked = scenario.create_conversation(
        "blocked", "Prize Winner", "whatsapp:+447700900199", scenario.ago(hours=6), dana
    )
    scenario.create_inbound_message(blocked, "You have won!")
    Contact.objects.filter(pk=blocked.contact_id).update(blocked_at=scenario.ago(hours=5))


def _create_ended_conversations(scenario: ScenarioBuilder) -> None:
    dana = scenario.people["dana"]
    wrapped_up = scenario.create_conversation(
        "wrap_up", "Ines Carvalho", "whatsapp:+351910900118", scenario.ago(hours=2), dana
    )
    scenario.create_inbound_message(wrapped_up, "Thank you, that was quick!")
    Conversation.objects.filter(pk=wrapped_up.pk).update(state=State.WRAP_UP, state_since=scenario.ago(minutes=3))
    waiting = scenario.create_conversation(
        "waiting", "Priya Nair", "whatsapp:+919800900118", scenario.ago(hours=4), dana
    )
    scenario.create_inbound_message(waiting, "I will measure it and tell you.")
    Conversation.objects.filter(pk=waiting.pk).update(state=State.WAITING, state_since=scenario.ago(hours=3))
    closed = scenario.create_conversation(
        "closed", "Tomás Becker", "whatsapp:+4917139200014", scenario.ago(hours=3), dana
    )
    scenario.create_inbound_message(closed, "Hi! Do you have the Orla floor lamp in brass?")
    answer_fields: dict[str, Any] = {"status": "read", "author": dana.user, "created_at": scenario.ago(hours=2.8)}
    builders.create_outbound_message(closed, "We do: 129 €, and it ships today.", **answer_fields)
    Conversation.objects.filter(pk=closed.pk).update(
        state=State.CLOSED, closed_at=scenario.ago(hours=2), state_since=scenario.ago(hours=2)
    )


def _create_other_conversations(scenario: ScenarioBuilder) -> None:
    omar = scenario.people["omar"]
    colleagues_conversation = scenario.create_conversation(
        "colleagues", "Nadia Petrova", "whatsapp:+359880900118", scenario.ago(minutes=40), omar
    )
    scenario.create_inbound_message(colleagues_conversation, "The shade came in the wrong color.")
    waiting = scenario.create_conversation(
        "open", "Pedro Almeida", "whatsapp:+5511998765432", scenario.ago(minutes=9), on=scenario.returns_number
    )
    scenario.create_inbound_message(waiting, "Can you pick the parcel up here?")
    unnamed = scenario.create_conversation("unnamed", "", "whatsapp:US.13491208655302741918", scenario.ago(minutes=6))
    scenario.create_inbound_message(unnamed, "Do you deliver to Canada?")
    offered = scenario.create_conversation(
        "offered", "Lucía Fernández", "whatsapp:+34600900155", scenario.ago(minutes=2)
    )
    scenario.create_inbound_message(
        offered, "My order 2290 has not arrived. Could you look into it before the weekend?"
    )


def _create_simulator_chat(scenario: ScenarioBuilder) -> None:
    """Create the chat on the simulator's phone; the desk does not receive it."""
    amara = factories.create_customer("Amara Diallo", "+4917139200021")
    shop_number = scenario.senders["+12025550143"]
    first_message = inbound.receive_customer_message(
        amara, shop_number, "Hi! I ordered lamp 2231 last week, it arrived _broken_"
    )
    picture = inbound.Attachment("lamp.png", "image/png", LAMP_PICTURE.read_bytes())
    inbound.receive_customer_message(amara, shop_number, "Look", attachments=[picture], quoted=first_message)
    ScheduledTask.objects.update(state=TaskState.DONE)


def create_offer(username: str = "dana") -> None:
    """Offer the waiting conversation to this user."""
    Conversation.objects.filter(contact__profile_name="Lucía Fernández").update(
        offered_to=Agent.objects.get(user__username=username), offer_expires_at=timezone.now() + timedelta(seconds=110)
    )
