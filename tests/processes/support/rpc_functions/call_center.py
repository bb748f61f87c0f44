"""A call center with many agents and conversations."""

import time

from django.db import transaction

from omnichannel.accounts.models import User
from omnichannel.conversations.access import conversations_visible_to
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Conversation,
)
from omnichannel.events.models import Event
from tests import builders
from tests.processes.support.rpc_functions.records import sign_in


def create_call_center(agents: int, queues: int, supervisors: int) -> dict[str, str]:
    """Create agents in one queue each, supervisors and conversations; return all sessions by user name."""
    shop = builders.create_number()
    queue_rows = [builders.create_queue(f"Queue {place}") for place in range(queues)]
    agent_rows = [builders.create_agent(f"Agent{place}", queue=queue_rows[place % queues]) for place in range(agents)]
    for place, agent in enumerate(agent_rows):  # Every other conversation is in another queue than its agent.
        builders.create_conversation(agent=agent, queue=queue_rows[(place + place % 2) % queues], number=shop)
    users = [agent.user for agent in agent_rows] + [
        builders.create_user("Supervisor", f"Boss{n}") for n in range(supervisors)
    ]
    return {person.username: sign_in(person.username) for person in users}


def publish_changes(per_second: int, seconds: int) -> list[tuple[int, float, int]]:
    """Publish changes of conversations; return event id, time of the commit and conversation of each."""
    conversations, events = list(Conversation.objects.order_by("?")), []
    started_at = time.monotonic()
    for place in range(per_second * seconds):
        time.sleep(max(0.0, started_at + place / per_second - time.monotonic()))
        conversation = conversations[place % len(conversations)]
        with transaction.atomic():
            publish_event(LiveEventKind.CONVERSATION, conversation)
            event_id = Event.objects.latest("pk").pk
        events.append((event_id, time.time(), conversation.pk))
    return events


def visible_conversations_by_user() -> dict[str, list[int]]:
    """Return the ids of the conversations each user may see, by user name."""
    users = User.objects.all()
    return {user.username: list(conversations_visible_to(user).values_list("pk", flat=True)) for user in users}
