"""What tests have done and looked up in a running desk's database. Arguments and answers are JSON."""

import time
from datetime import timedelta
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from channels_whatsapp.models import WebhookDelivery, WhatsAppNumber
from channels_whatsapp.simulator.console.sample_templates import create_samples
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Chat, Customer, Direction, FaultKind, Sender
from channels_whatsapp.simulator.models import Message as SimulatorMessage
from omnichannel.accounts.models import User
from omnichannel.conversations.access import conversations_visible_to
from omnichannel.conversations.assignment.consult import invite_colleague
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Conversation,
    DeskPreferences,
    Label,
    Message,
    MessageStatus,
    QuickReply,
)
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from omnichannel.first_administrator import get_setup_link
from omnichannel.jobs.models import JobSchedule, Lane
from omnichannel.live.models import LiveEvent
from omnichannel.live.publish import publish
from omnichannel.roles import ADMINISTRATOR
from routing.agents import get_or_create_agent
from routing.models import Agent, BasePresence, ContactField, Queue, VariableType
from routing.presence import get_built_in_presence
from tests import builders
from tests.builders import AUTH_TOKEN
from tests.processes.files import count_files_by_state, has_message, list_file_sizes, send_hostile_vcards
from tests.processes.live_fixtures import (
    create_customer_message,
    create_message_history,
    mark_last_reply_read,
    move_all_to_queue,
)
from tests.scenario import LAMP_PICTURE, create_offer, create_scenario

__all__ = [
    "create_customer_message",
    "send_hostile_vcards",
    "list_file_sizes",
    "count_files_by_state",
    "has_message",
    "mark_last_reply_read",
    "create_offer",
    "move_all_to_queue",
    "create_scenario",
    "create_message_history",
]  # asked for by name, as what follows

SHOP_NUMBER = "+14155230001"


def create_shop() -> dict[str, str]:
    """A channel with one number, at Twilio and at the desk, and Dana, who is available."""
    twilio = inbound.create_account("Shop", token=AUTH_TOKEN)
    account = builders.create_account(account_sid=twilio.sid)
    builders.create_number(account, number=SHOP_NUMBER)
    inbound.create_sender(twilio, SHOP_NUMBER, "Shop", account.inbound_url, account.status_url)
    builders.create_agent("Dana")
    return {"account_sid": twilio.sid, "number": SHOP_NUMBER, "key": account.key}


def sign_in(username: str) -> str:
    """The session cookie of somebody who has signed in."""
    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "omnichannel.auth.AgentAuthBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def publish_change(username: str = "dana") -> int:
    """Tell open pages of this agent that a conversation has changed."""
    conversation = Conversation.objects.filter(agent__user__username=username).first()
    conversation = conversation or builders.create_conversation(
        agent=User.objects.get(username=username).agent, number=WhatsAppNumber.objects.get()
    )
    with transaction.atomic():
        publish_event(LiveEventKind.CONVERSATION, conversation)
    return conversation.pk


def publish_change_with_time() -> tuple[int, float]:
    """The same; the event's id, and the moment of the commit."""
    publish_change()
    return LiveEvent.objects.latest("pk").pk, time.time()


def count_records() -> dict[str, Any]:
    """How much came of the webhooks."""
    states = WebhookDelivery.objects.values_list("state").annotate(count=Count("pk"))
    return {
        "messages": Message.objects.count(),
        "contacts": Contact.objects.count(),
        "conversations": Conversation.objects.count(),
        "deliveries": dict(states.values_list("state", "count")),
    }


def list_lanes() -> list[dict[str, Any]]:
    """What waits for a worker, and how often each was tried."""
    return [dict(row) for row in Lane.objects.order_by("pk").values("kind", "attempts")]


def list_inbound_sids() -> list[str]:
    """The SIDs of all customers' messages."""
    return list(Message.objects.filter(direction="inbound").values_list("twilio_sid", flat=True))


# -- Replies --------------------------------------------------------------------------------------------------------


def create_customer_conversations(count: int) -> None:
    """Customers with phones, who have just written, each in a conversation with Dana."""
    dana = User.objects.get(username="dana").agent
    sender, number = Sender.objects.get(), WhatsAppNumber.objects.get()
    for place in range(count):
        address = f"whatsapp:+49151140{place:05d}"
        customer = inbound.create_customer(f"Customer {place}", address)
        Chat.objects.create(customer=customer, sender=sender, last_inbound_at=timezone.now())
        builders.create_conversation(
            agent=dana, number=number, contact=builders.create_contact(customer.name, address=address)
        )


def send_replies(replies_per_customer: int) -> None:
    """Dana sends each customer this many replies, each with a text of its own."""
    dana = User.objects.get(username="dana")
    for part in range(replies_per_customer):
        for conversation in Conversation.objects.order_by("pk"):
            send_reply(conversation, author=dana, text=f"{conversation.pk:05d}-{part:03d}")


def send_one_reply(index: int) -> None:
    """Dana sends one customer a reply: the newest first."""
    conversation = Conversation.objects.order_by("-pk")[index]
    send_reply(conversation, author=User.objects.get(username="dana"), text="On its way.")


def reply_pickup_delays() -> list[float]:
    """How many seconds each reply waited before a worker took it."""
    taken = Message.objects.filter(sending_since__isnull=False)
    return [(one.sending_since - one.created_at).total_seconds() for one in taken if one.sending_since]


def set_fault(kind: str, *, is_on: bool = True, customer_count: int | None = None) -> None:
    """Let something go wrong at Twilio, for everybody or for this many customers."""
    for customer in [None] if customer_count is None else Customer.objects.all()[:customer_count]:
        inbound.set_fault(FaultKind(kind), customer=customer, is_enabled=is_on)


def count_reply_statuses() -> dict[str, int]:
    """How many replies there are in each status; `unknown` for those whose outcome nobody knows yet."""
    replies = Message.objects.filter(direction="outbound")
    counted = dict(replies.values_list("status").annotate(count=Count("pk")).values_list("status", "count"))
    unknown = replies.filter(status=MessageStatus.SENDING, twilio_sid="").count()
    return {**counted, "unknown": unknown, "lanes": Lane.objects.count()}


def list_replies() -> list[dict[str, Any]]:
    """Every reply of the desk, oldest first."""
    rows = Message.objects.filter(direction="outbound").order_by("pk")
    return [dict(row) for row in rows.values("body", "status", "twilio_sid", "error_code", "conversation_id")]


def list_twilio_messages() -> list[dict[str, Any]]:
    """Every message Twilio took from the desk, in that order."""
    rows = SimulatorMessage.objects.filter(direction=Direction.OUTBOUND).order_by("pk")
    return [dict(row) for row in rows.values("sid", "body", "status", "customer_id")]


def make_status_checks_due() -> None:
    """The time has passed after which the desk asks Twilio about messages it has heard nothing of."""
    long_ago = timezone.now() - timedelta(minutes=1)
    Message.objects.filter(check_status_at__isnull=False).update(check_status_at=long_ago)
    JobSchedule.objects.update(next_at=long_ago)


def count_delayed_replies() -> int:
    """How many replies wait for a later moment because Twilio was busy."""
    return Message.objects.filter(status=MessageStatus.QUEUED, not_before__isnull=False).count()


def create_quick_replies() -> None:
    """A few of everybody's, in two languages."""
    for title, locale, tag, message in (
        ("Greeting", "en", "hello", "Hello {FullName{Customer}}, {FirstName{Agent}} here."),
        ("Begrüßung", "de", "hello", "Hallo {FullName{Customer}}, hier ist {FirstName{Agent}}."),
        ("Return label", "en", "returns", "The label is on its way, {LastName{Agent}}."),
    ):
        QuickReply.objects.create(title=title, locale=locale, message=message).tags.set(get_or_create_tags([tag]))


def enable_undo_send(username: str) -> None:
    """Somebody wants their replies held for three seconds."""
    agent = Agent.objects.get(user__username=username)
    DeskPreferences.objects.update_or_create(agent=agent, defaults={"can_undo_sending": True})


def is_typing_shown_to(name: str) -> bool:
    """Whether a customer's phone says that somebody types."""
    return Chat.objects.filter(customer__name=name, typing_until__gt=timezone.now()).exists()


def reassign_all(username: str) -> None:
    """All conversations go to somebody else."""
    with transaction.atomic():
        for conversation in Conversation.objects.select_related("contact", "queue"):
            before = conversation.agent_id
            conversation.agent = Agent.objects.get(user__username=username)
            conversation.save(update_fields=["agent"])
            publish_event(LiveEventKind.CONVERSATION, conversation, extra_agent_ids=[before])


def create_team_member(name: str, role: str) -> None:
    """Somebody who can sign in as `name` in small letters, with the password "correct horse"."""
    person = builders.create_user(role, name, is_staff=role != "Agent")
    get_or_create_agent(person)


def set_administrators_active(*, are_active: bool) -> str | None:
    """Switch all administrators on or off; the setup link there is then."""
    User.objects.filter(groups__name=ADMINISTRATOR).update(is_active=are_active)
    return get_setup_link()


# -- Templates ------------------------------------------------------------------------------------------------------


def create_sample_templates() -> None:
    """Templates of every kind, made in the Twilio Console."""
    create_samples(Account.objects.get())


def set_window_remaining(name: str, seconds: int) -> None:
    """The customer wrote almost a day ago; no page is told."""
    ends = timezone.now() + timedelta(seconds=seconds)
    Conversation.objects.filter(contact__profile_name=name).update(window_closes_at=ends)


# -- Offers ---------------------------------------------------------------------------------------------------------


def set_all_offline() -> None:
    """All agents are Offline."""
    Agent.objects.update(presence=get_built_in_presence(BasePresence.OFFLINE))


def create_waiting_conversation(name: str, text: str) -> int:
    """A customer has written, and no agent has the conversation."""
    with transaction.atomic():
        conversation = builders.create_conversation(
            number=WhatsAppNumber.objects.get(), contact=builders.create_contact(name)
        )
        builders.create_inbound_message(conversation, text)
        request_assignment()
    return conversation.pk


def set_offer_seconds(seconds: int) -> None:
    """Agents have only so long to accept, and are Inactive when they did not."""
    builders.update_work_stream(offer_seconds=seconds, inactive_after_missed_offer=True)


def set_all_capacities(units: int) -> None:
    """No agent can take on more than this."""
    Agent.objects.update(capacity=units)


def send_from_new_customer(name: str, text: str) -> None:
    """A customer sends this to the shop from their phone; Twilio delivers it as soon as the server runs."""
    inbound.receive_customer_message(inbound.create_customer(name, "+4915112345678"), Sender.objects.get(), text)


def send_from_customer(index: int, text: str) -> None:
    """One of the customers with phones writes once more, through Twilio."""
    inbound.receive_customer_message(Customer.objects.get(name=f"Customer {index}"), Sender.objects.get(), text)


def queue_name_of_customer(customer: str) -> str:
    """The queue this customer's conversation is in; "" while there is none."""
    found = Conversation.objects.filter(contact__profile_name=customer).first()
    return found.queue.name if found else ""


# -- A call centre ----------------------------------------------------------------------------------------------------


def create_call_centre(agents: int, queues: int, supervisors: int) -> dict[str, str]:
    """Agents in one queue each, supervisors, and conversations everywhere; everybody's session, by their name."""
    shop = builders.create_number()
    rooms = [builders.create_queue(f"Queue {place}") for place in range(queues)]
    staff = [builders.create_agent(f"Agent{place}", queue=rooms[place % queues]) for place in range(agents)]
    for place, agent in enumerate(staff):  # every other one sits in another queue than the agent who has it
        builders.create_conversation(agent=agent, queue=rooms[(place + place % 2) % queues], number=shop)
    people = [agent.user for agent in staff] + [
        builders.create_user("Supervisor", f"Boss{n}") for n in range(supervisors)
    ]
    return {person.username: sign_in(person.username) for person in people}


def publish_changes(per_second: int, seconds: int) -> list[tuple[int, float, int]]:
    """Conversations change, one after another; of each event its id, the moment of the commit, the conversation."""
    conversations, events = list(Conversation.objects.order_by("?")), []
    begin = time.monotonic()
    for place in range(per_second * seconds):
        time.sleep(max(0.0, begin + place / per_second - time.monotonic()))
        conversation = conversations[place % len(conversations)]
        with transaction.atomic():
            publish_event(LiveEventKind.CONVERSATION, conversation)
            event_id = LiveEvent.objects.latest("pk").pk
        events.append((event_id, time.time(), conversation.pk))
    return events


def visible_conversations_by_user() -> dict[str, list[int]]:
    """By user name, the conversations that person may see."""
    people = User.objects.all()
    return {one.username: list(conversations_visible_to(one).values_list("pk", flat=True)) for one in people}


# -- Much to show -----------------------------------------------------------------------------------------------------


def create_long_conversation(messages: int, unread: int = 0) -> int:
    """Dana has a conversation with so many messages in it, the last one a picture; so many she has not read."""
    dana = Agent.objects.get(user__username="dana")
    conversation = builders.create_conversation(agent=dana, number=WhatsAppNumber.objects.get())
    begin = timezone.now() - timedelta(seconds=messages)
    Message.objects.bulk_create(
        [
            Message(
                conversation=conversation,
                direction="outbound" if place % 2 else "inbound",
                author=dana.user if place % 2 else None,
                status=MessageStatus.READ if place % 2 else MessageStatus.RECEIVED,
                body=f"Message {place}: where is my order?",
                twilio_sid=builders.new_sid(),
                created_at=begin + timedelta(seconds=place),
            )
            for place in range(messages)
        ],
        batch_size=500,
    )
    conversation.last_message = conversation.messages.latest("created_at")
    conversation.unread_count = unread
    conversation.save()
    picture = Attachment(message=conversation.last_message, content_type="image/png", state=AttachmentState.STORED)
    picture.file.save("", ContentFile(LAMP_PICTURE.read_bytes()), save=True)
    return conversation.pk


def publish_unrelated_event(username: str) -> None:
    """Open pages of this agent are told of something that concerns none of them."""
    agent = Agent.objects.get(user__username=username)
    publish("typing", 0, topics=[f"agent:{agent.pk}"])


def create_waiting_conversations(conversations: int) -> None:
    """So many customers wait for an agent, each with a message."""
    shop, now = WhatsAppNumber.objects.get(), timezone.now()
    begin = Contact.objects.count()
    addresses = [f"whatsapp:+49151{begin + place:08d}" for place in range(conversations)]
    contacts = Contact.objects.bulk_create(
        [Contact(address=at, identity=at, profile_name=f"Customer {place}") for place, at in enumerate(addresses)]
    )
    waiting = Conversation.objects.bulk_create(
        [
            Conversation(
                contact=one,
                number=shop,
                work_stream=shop.work_stream,
                queue=Queue.objects.get_default(),
                queued_at=now - timedelta(seconds=place),
                last_inbound_at=now,
                last_activity_at=now - timedelta(seconds=place),
                window_closes_at=now + timedelta(hours=24),
            )
            for place, one in enumerate(contacts)
        ]
    )
    messages = Message.objects.bulk_create(
        [
            Message(
                conversation=one,
                direction="inbound",
                status=MessageStatus.RECEIVED,
                body="Hi!",
                twilio_sid=builders.new_sid(),
            )
            for one in waiting
        ]
    )
    for one, message in zip(waiting, messages, strict=True):
        one.last_message = message
    Conversation.objects.bulk_update(waiting, ["last_message"], batch_size=200)


def create_returning_customer() -> int:
    """Amara, who has talked to Dana before and now does again; she has another number under another name."""
    number = WhatsAppNumber.objects.get()
    dana = Agent.objects.get(user__username="dana")
    amara = builders.create_contact("Amara Diallo", address="whatsapp:+4915111111111")
    ago = timezone.now() - timedelta(days=9)
    before = builders.create_conversation(
        contact=amara, number=number, agent=dana, state="closed", closed_at=ago, created_at=ago, last_inbound_at=ago
    )
    builders.create_inbound_message(before, "My lamp is broken", created_at=ago)
    before.notes.create(author=dana.user, text="Third lamp", created_at=ago)
    builders.create_inbound_message(
        builders.create_conversation(contact=amara, number=number, agent=dana), "It is me again"
    )
    at_work = builders.create_contact("Diallo Lamps Ltd", address="whatsapp:+4915122222222")
    builders.create_inbound_message(builders.create_conversation(contact=at_work, number=number), "An invoice, please")
    ContactField.objects.create(display_name="Customer number", name="customer_number", type=VariableType.NUMBER)
    return Conversation.objects.get(contact=amara, closed_at=None).pk


def consult_in_other_queue(colleague: str) -> None:
    """Every conversation is in a queue of its own, and this colleague was only asked into it."""
    queue = Queue.objects.create(name="Own")
    Conversation.objects.update(queue=queue)
    Agent.objects.update(presence=get_built_in_presence(BasePresence.AVAILABLE))
    for conversation in Conversation.objects.filter(state="active"):
        assert conversation.agent
        invite_colleague(conversation, Agent.objects.get(user__username=colleague), agent=conversation.agent)


def close_active_conversations() -> None:
    """Every agent ends and closes what they have."""
    for conversation in Conversation.objects.filter(state="active"):
        assert conversation.agent
        end_conversation(conversation, conversation.agent)
        close_conversation(conversation, conversation.agent)


def create_labels(names: list[str]) -> None:
    """Labels agents can use."""
    Label.objects.bulk_create(Label(name=name) for name in names)
