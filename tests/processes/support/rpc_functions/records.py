"""Accounts, sign-in, live events and counts of records."""

import hashlib
import time
from io import StringIO
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count

from channels_whatsapp.models import WebhookDelivery, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.simulator import factories
from omnichannel.accounts.models import User
from omnichannel.accounts.session_store import SessionStore
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    Conversation,
    Message,
)
from omnichannel.events.models import Event
from omnichannel.jobs.models import Lane
from tests import builders
from tests.builders import AUTH_TOKEN

SHOP_NUMBER = "+14155230001"


def create_shop() -> dict[str, str]:
    """Create an account with one number, at Twilio and at the desk, and Dana, who is available."""
    twilio = factories.create_account("Shop", token=AUTH_TOKEN)
    account = builders.create_account(account_sid=twilio.sid)
    builders.create_number(account, number=SHOP_NUMBER)
    factories.create_sender(twilio, SHOP_NUMBER, "Shop", account.inbound_url, account.status_url)
    builders.create_agent("Dana")
    return {"account_sid": twilio.sid, "number": SHOP_NUMBER, "key": account.key}


def sign_in(username: str) -> str:
    """Return a session cookie of the user."""
    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "omnichannel.auth.AgentAuthBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def publish_change(username: str = "dana") -> int:
    """Publish a change of a conversation of this agent."""
    conversation = Conversation.objects.filter(agent__user__username=username).first()
    conversation = conversation or builders.create_conversation(
        agent=User.objects.get(username=username).agent, number=WhatsAppNumber.objects.get()
    )
    with transaction.atomic():
        publish_event(LiveEventKind.CONVERSATION, conversation)
    return conversation.pk


def publish_change_with_time() -> tuple[int, float]:
    """Publish a change; return the event's id and the time of the commit."""
    publish_change()
    return Event.objects.latest("pk").pk, time.time()


def count_records() -> dict[str, Any]:
    """Return the numbers of records that webhooks created."""
    states = WebhookDelivery.objects.values_list("state").annotate(count=Count("pk"))
    return {
        "messages": Message.objects.count(),
        "contacts": Contact.objects.count(),
        "conversations": Conversation.objects.count(),
        "deliveries": dict(states.values_list("state", "count")),
    }


def newest_conversation_id() -> int:
    """Return the id of the newest conversation."""
    return Conversation.objects.latest("pk").pk


def count_due_deliveries() -> int:
    """Return the number of deliveries that are stored or failed, and due at some time."""
    return WebhookDelivery.objects.filter(next_attempt_at__isnull=False).count()


def list_delivery_sids() -> list[str]:
    """Return the message SIDs of all stored webhook deliveries."""
    return [payload["MessageSid"][0] for payload in WebhookDelivery.objects.values_list("payload", flat=True)]


def list_lanes() -> list[dict[str, Any]]:
    """Return kind and attempts of all lanes."""
    return [dict(row) for row in Lane.objects.order_by("pk").values("kind", "attempts")]


def list_inbound_sids() -> list[str]:
    """Return the SIDs of all inbound messages."""
    return list(Message.objects.filter(direction="inbound").values_list("twilio_sid", flat=True))


def compute_table_digests() -> dict[str, str]:
    """Return for each table a hash of all its rows."""
    digests = {}
    for table in sorted({*connection.introspection.django_table_names(only_existing=True), "django_migrations"}):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
        digests[table] = f"{len(rows)} rows, {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return digests


def call_management_command(arguments: list[str]) -> tuple[str, str]:
    """Run a command of `manage.py` in this process; return its output, and its error or an empty text."""
    output = StringIO()
    try:
        call_command(*arguments, stdout=output)
    except CommandError as error:
        return output.getvalue(), str(error)
    return output.getvalue(), ""


def list_existing_tables() -> list[str]:
    """Return the names of all tables."""
    return connection.introspection.table_names()


def read_auth_tokens() -> list[str]:
    """Return the tokens of all accounts, decrypted."""
    return list(WhatsAppAccount.objects.order_by("pk").values_list("auth_token", flat=True))
