"""A desk on which every state of every page can be looked at: for the eyes of axe, and for pictures.

Nobody works in it: what is shown stays as it was put here. Everything lies at a fixed distance from now.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from channels_whatsapp.models import ApprovalStatus, MessageTemplate, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import ScheduledTask, Sender, TaskState
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
    Viewer,
)
from omnichannel.conversations.state_machine import record_event as line
from omnichannel.core.localized_text import localized
from omnichannel.demo.users import create_returns_work_stream, create_users
from routing.models import Agent, Queue, RoutingRule, State
from tests import builders

LAMP_PICTURE = Path(__file__).resolve().parents[1] / "omnichannel" / "demo" / "files" / "broken-lamp.png"


class ScenarioBuilder:
    """The people, the numbers and what customers wrote; `set_the_stage` tells the keys of what there is to open."""

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
        self.twilio_account = inbound.create_account("Lumen Lamps", token=builders.AUTH_TOKEN)
        return builders.create_account(account_sid=self.twilio_account.sid)

    def _create_number(self, name: str, digits: str, **fields: Any) -> WhatsAppNumber:
        number = builders.create_number(self.account, number=digits, name=name, **fields)
        sent_from = inbound.create_sender(
            self.twilio_account, digits, name, self.account.inbound_url, self.account.status_url
        )
        self.senders[digits] = sent_from
        return number

    def ago(self, **distance: float) -> datetime:
        return self.now - timedelta(**distance)

    def create_conversation(
        self, name: str, who: str, address: str, wrote: datetime, agent: Agent | None = None, **fields: Any
    ) -> Conversation:
        """A conversation that can be opened by `name`."""
        contact = builders.create_contact(who, address=address, created_at=wrote - timedelta(days=40))
        begun = builders.create_conversation(
            number=fields.pop("on", self.shop_number),
            contact=contact,
            agent=agent,
            create_inbound_message=wrote,
            created_at=wrote,
            **fields,
        )
        self.conversation_ids[name] = begun.pk
        return begun

    def create_inbound_message(self, of: Conversation, text: str, **fields: Any) -> Message:
        return builders.create_inbound_message(of, text, **{"created_at": of.last_inbound_at, **fields})

    def create_attachment(self, of: Message, name: str, content_type: str, content: bytes = b"", **fields: Any) -> None:
        kept = Attachment(
            message=of,
            position=of.attachments.count(),
            name=name,
            content_type=content_type,
            size=len(content) or 84_000,
            **{"state": AttachmentState.STORED, **fields},
        )
        kept.file.save("", ContentFile(content or b"\0"), save=True)


def create_scenario() -> dict[str, int]:
    """Fill an empty database; the keys of the conversations by the state they show."""
    stage = ScenarioBuilder()
    _create_reference_data(stage)
    _create_active_conversation(stage)
    _create_message_kinds_conversation(stage)
    _create_window_conversations(stage)
    _create_ended_conversations(stage)
    _create_other_conversations(stage)
    _create_simulator_chat(stage)
    return stage.conversation_ids


def _create_reference_data(stage: ScenarioBuilder) -> None:
    for name, colour in (("VIP", "purple"), ("Damaged", "red"), ("Delivery", "teal")):
        Label.objects.create(name=name, colour=colour)
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
            account=stage.account,
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
        work_stream=stage.returns_work_stream,
        name="Parcels",
        position=1,
        queue=Queue.objects.get(name="Returns"),
        condition={"all": [{"field": "first_message", "operator": "contains", "value": "parcel"}]},
    )


def _create_active_conversation(stage: ScenarioBuilder) -> None:
    dana = stage.people["dana"]
    talk = stage.create_conversation("active", "Amara Diallo", "whatsapp:+4917139200021", stage.ago(minutes=14), dana)
    talk.labels.set(Label.objects.filter(name="Damaged"))
    talk.contact.labels.set(Label.objects.filter(name="VIP"))
    stage.create_inbound_message(talk, "Hi! I ordered lamp 2231 last week, it arrived broken")
    picture = stage.create_inbound_message(talk, "Look", kind=MessageKind.MEDIA, created_at=stage.ago(minutes=12))
    stage.create_attachment(picture, "lamp.png", "image/png", LAMP_PICTURE.read_bytes())
    line(talk, "assigned", localized("Assigned to Dana Kim: available, most free capacity."), actor=None)
    talk.events.update(created_at=stage.ago(minutes=11.5))
    builders.create_outbound_message(
        talk,
        "So sorry, Amara. I can send a new one *today*. Which colour would you like?",
        status="read",
        author=dana.user,
        created_at=stage.ago(minutes=9),
    )
    noted = talk.notes.create(
        author=dana.user,
        text="@omar the same batch as last week's, I think.",
        created_at=stage.ago(minutes=8),
    )
    Mention.objects.create(note=noted, agent=stage.people["omar"])
    stage.create_inbound_message(talk, "The blue one, please. Can it come on Friday?", created_at=stage.ago(minutes=4))
    Conversation.objects.filter(pk=talk.pk).update(unread_count=1, last_activity_at=stage.ago(minutes=4))
    Viewer.objects.create(conversation=talk, agent=stage.people["omar"], seen_at=stage.now + timedelta(hours=1))


def _create_message_kinds_conversation(stage: ScenarioBuilder) -> None:
    dana = stage.people["dana"]
    talk = stage.create_conversation("kinds", "ليلى حسن", "whatsapp:+447700900142", stage.ago(hours=3), dana)
    first = stage.create_inbound_message(talk, "مرحبا، متى يصل طلبي؟", content={"forwarded": "often"})
    place = {"latitude": "52.52", "longitude": "13.405", "label": "Hauptstraße 12", "address": "10178 Berlin"}
    ad = {"headline": "Blue lamps", "body": "Only this week"}
    stage.create_inbound_message(talk, "", kind=MessageKind.LOCATION, content={"location": place})
    card = [{"name": "Yusuf Hassan", "phones": ["+44 7700 900143"]}]
    stage.create_inbound_message(talk, "", kind=MessageKind.CONTACTS, content={"contacts": card})
    stage.create_inbound_message(
        talk, "Track", kind=MessageKind.BUTTON, content={"button": {"text": "Track my order", "payload": "track"}}
    )
    stage.create_inbound_message(
        talk, "", kind=MessageKind.LIST, content={"list": {"title": "Delivery", "payload": "delivery"}}
    )
    stage.create_inbound_message(talk, "From an advertisement: https://shop.example.com", content={"referral": ad})
    stage.create_inbound_message(talk, "", kind=MessageKind.UNSUPPORTED, content={"type": "poll"})
    voice = stage.create_inbound_message(talk, "", kind=MessageKind.MEDIA)
    stage.create_attachment(voice, "", "audio/ogg")
    film = stage.create_inbound_message(talk, "", kind=MessageKind.MEDIA)
    stage.create_attachment(film, "lamp.mp4", "video/mp4")
    paper = stage.create_inbound_message(talk, "", kind=MessageKind.MEDIA)
    stage.create_attachment(paper, "invoice-2190.pdf", "application/pdf", b"%PDF-1.4\n%%EOF")
    stage.create_attachment(paper, "notes.zip", "application/zip")
    lost = stage.create_inbound_message(talk, "", kind=MessageKind.MEDIA)
    stage.create_attachment(
        lost, "", "", state=AttachmentState.FAILED, declared_type="image/jpeg", error="Twilio does not have it."
    )
    stage.create_attachment(lost, "", "", state=AttachmentState.PENDING, declared_type="image/jpeg")
    for status in ("queued", "sending", "sent", "delivered", "read"):
        builders.create_outbound_message(
            talk, f"An answer that is {status}", status=status, author=dana.user, quoted=first
        )
    failed = {"error_code": 63016, "error_message": "Outside the allowed window."}
    builders.create_outbound_message(
        talk, "An answer that failed, _with_ `code` and ~struck~ words", status="failed", **failed
    )


def _create_window_conversations(stage: ScenarioBuilder) -> None:
    dana = stage.people["dana"]
    soon = stage.create_conversation(
        "closing_soon", "Jonas Weber", "whatsapp:+4917139200035", stage.ago(hours=23, minutes=13), dana
    )
    stage.create_inbound_message(soon, "Could I get an invoice for order 2190?")
    gone = stage.create_conversation("window_closed", "Mei Tanaka", "whatsapp:+447700900118", stage.ago(hours=30), dana)
    stage.create_inbound_message(gone, "Is the store in Camden open on Sundays?")
    stopped = stage.create_conversation("opted_out", "Rosa Marín", "whatsapp:+34600900142", stage.ago(hours=5), dana)
    stage.create_inbound_message(stopped, "STOP")
    Contact.objects.filter(pk=stopped.contact_id).update(opted_out_at=stage.ago(hours=5), opted_out_by_word=True)
    blocked = stage.create_conversation("blocked", "Prize Winner", "whatsapp:+447700900199", stage.ago(hours=6), dana)
    stage.create_inbound_message(blocked, "You have won!")
    Contact.objects.filter(pk=blocked.contact_id).update(blocked_at=stage.ago(hours=5))


def _create_ended_conversations(stage: ScenarioBuilder) -> None:
    dana = stage.people["dana"]
    wrap = stage.create_conversation("wrap_up", "Ines Carvalho", "whatsapp:+351910900118", stage.ago(hours=2), dana)
    stage.create_inbound_message(wrap, "Thank you, that was quick!")
    Conversation.objects.filter(pk=wrap.pk).update(state=State.WRAP_UP, state_since=stage.ago(minutes=3))
    waits = stage.create_conversation("waiting", "Priya Nair", "whatsapp:+919800900118", stage.ago(hours=4), dana)
    stage.create_inbound_message(waits, "I will measure it and tell you.")
    Conversation.objects.filter(pk=waits.pk).update(state=State.WAITING, state_since=stage.ago(hours=3))
    closed = stage.create_conversation("closed", "Tomás Becker", "whatsapp:+4917139200014", stage.ago(hours=3), dana)
    stage.create_inbound_message(closed, "Hi! Do you have the Orla floor lamp in brass?")
    answered = {"status": "read", "author": dana.user, "created_at": stage.ago(hours=2.8)}
    builders.create_outbound_message(closed, "We do: 129 €, and it ships today.", **answered)
    Conversation.objects.filter(pk=closed.pk).update(
        state=State.CLOSED, closed_at=stage.ago(hours=2), state_since=stage.ago(hours=2)
    )


def _create_other_conversations(stage: ScenarioBuilder) -> None:
    omar = stage.people["omar"]
    theirs = stage.create_conversation(
        "of_a_colleague", "Nadia Petrova", "whatsapp:+359880900118", stage.ago(minutes=40), omar
    )
    stage.create_inbound_message(theirs, "The shade came in the wrong colour.")
    waiting = stage.create_conversation(
        "open", "Pedro Almeida", "whatsapp:+5511998765432", stage.ago(minutes=9), on=stage.returns_number
    )
    stage.create_inbound_message(waiting, "Can you pick the parcel up here?")
    nameless = stage.create_conversation("nameless", "", "whatsapp:US.13491208655302741918", stage.ago(minutes=6))
    stage.create_inbound_message(nameless, "Do you deliver to Canada?")
    offered = stage.create_conversation("offered", "Lucía Fernández", "whatsapp:+34600900155", stage.ago(minutes=2))
    stage.create_inbound_message(offered, "My order 2290 has not arrived. Could you look into it before the weekend?")


def _create_simulator_chat(stage: ScenarioBuilder) -> None:
    """What the simulator shows of a customer; nobody posts it to the desk."""
    amara = inbound.create_customer("Amara Diallo", "+4917139200021")
    shop_number = stage.senders["+12025550143"]
    said = inbound.receive_customer_message(
        amara, shop_number, "Hi! I ordered lamp 2231 last week, it arrived _broken_"
    )
    picture = inbound.Attachment("lamp.png", "image/png", LAMP_PICTURE.read_bytes())
    inbound.receive_customer_message(amara, shop_number, "Look", attachments=[picture], quoted=said)
    ScheduledTask.objects.update(state=TaskState.DONE)


def create_offer(username: str = "dana") -> None:
    """What waits for an answer is offered now."""
    Conversation.objects.filter(contact__profile_name="Lucía Fernández").update(
        offered_to=Agent.objects.get(user__username=username), offer_expires_at=timezone.now() + timedelta(seconds=110)
    )
