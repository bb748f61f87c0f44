"""Stress test of the assignment engine: processes assign work while agents accept, reject, end and close.

The caller provides the database and gets a description of each violation.
"""

import contextlib
import multiprocessing
import queue
import random
import time
from collections.abc import Iterator
from typing import Any

from django.db import close_old_connections, connection, connections
from django.db.models import Count, Q
from django.utils import timezone

from omnichannel.conversations.assignment import offers
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.models import Conversation, Offer, OfferOutcome
from omnichannel.conversations.state_machine import TransitionError
from routing.agents import set_presence_manually
from routing.assignment.assign_waiting import get_load_by_agent
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership, State, WorkStream
from tests import builders

PROCESS_COUNT, AGENT_COUNT, QUEUE_COUNT = 8, 40, 4
GRACE_SECONDS = 60.0  # seconds for the last step of each process


def create_agents_and_conversations(conversations: int) -> None:
    """Create agents in the default queue and one more each, and waiting conversations in all queues."""
    queues = [builders.create_queue(f"Queue {index}") for index in range(QUEUE_COUNT)]
    agents = [builders.create_agent(f"Agent{index}") for index in range(AGENT_COUNT)]
    QueueMembership.objects.bulk_create(
        QueueMembership(queue=queues[index % QUEUE_COUNT], agent=agent) for index, agent in enumerate(agents)
    )
    waiting = [*queues, Queue.objects.get_default()]
    shop, customers = builders.create_number(), [builders.create_contact() for _ in range(conversations)]
    Conversation.objects.bulk_create(
        Conversation(contact=customer, number=shop, work_stream=shop.work_stream, queue=waiting[index % len(waiting)])
        for index, customer in enumerate(customers)
    )


def run_race(seed: int, seconds: float) -> tuple[list[str], int]:
    """Run until every conversation is closed or the time is over; return violations and the number closed."""
    violations: Any = multiprocessing.get_context("fork").Queue()
    connections.close_all()
    processes = [
        multiprocessing.get_context("fork").Process(target=_run_process, args=(seed * 100 + index, seconds, violations))
        for index in range(PROCESS_COUNT)
    ]
    for process in processes:
        process.start()
    try:
        violations = set(_collect_violations(violations, seconds))
        for process in processes:
            process.join(GRACE_SECONDS)
            violations |= {"a process did not end well"} if process.exitcode != 0 else set()
    finally:
        for process in processes:  # A process that still runs would write into the database of the next test.
            process.kill()
            process.join()
    return sorted([*violations, *_find_final_violations()]), Conversation.objects.filter(state=State.CLOSED).count()


def _collect_violations(violations: Any, seconds: float) -> Iterator[str]:
    """Yield violations from the processes and from checks in between, until all processes have ended."""
    ended = 0
    while ended < PROCESS_COUNT:
        try:
            violation = violations.get(timeout=seconds + GRACE_SECONDS)
        except queue.Empty:
            yield f"{PROCESS_COUNT - ended} processes never reported their end"
            return
        ended += violation is None
        yield from [violation] if violation else []
        yield from find_overloaded_agents()


def _run_process(seed: int, seconds: float, violations: Any) -> None:
    """Run random steps of workers and agents, and check all agents' load after each step."""
    rng, deadline = random.Random(seed), time.monotonic() + seconds
    try:
        _disable_synchronous_commit()
        while time.monotonic() < deadline and Conversation.objects.exclude(state=State.CLOSED).exists():
            step = rng.choices(
                (_assign_conversations, _answer_offers, _end_or_close_conversations, _change_presence), (2, 4, 4, 1)
            )[0]
            with contextlib.suppress(TransitionError):  # Another process changed the conversation first.
                step(rng)
            for violation in find_overloaded_agents():
                violations.put(violation)
    except Exception as error:  # Reported to the test.
        violations.put(f"{type(error).__name__}: {error}")
    finally:
        violations.put(None)
        connections.close_all()


def _disable_synchronous_commit() -> None:
    """Do not wait for the disk: locks are held until the commit, so the test would measure the disk."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")


def _assign_conversations(rng: random.Random) -> None:
    offer_waiting_conversations(timezone.now(), limit=rng.choice((1, 5, None)))


def _answer_offers(rng: random.Random) -> None:
    """Let agents answer offers; one in ten is rejected."""
    offered = list(Conversation.objects.filter(offered_to__isnull=False).select_related("offered_to__user")[:20])
    for conversation in rng.sample(offered, min(3, len(offered))):
        action = offers.reject_offer if rng.random() < 0.1 else offers.accept_offer
        assert conversation.offered_to is not None
        action(conversation, conversation.offered_to)


def _end_or_close_conversations(rng: random.Random) -> None:
    """Let agents end active conversations and close ended ones."""
    conversations = list(
        Conversation.objects.filter(state__in=(State.ACTIVE, State.WRAP_UP)).select_related("agent__user")[:60]
    )
    for conversation in rng.sample(conversations, min(4, len(conversations))):
        assert conversation.agent is not None
        (end_conversation if conversation.state == State.ACTIVE else close_conversation)(
            conversation, conversation.agent
        )


def _change_presence(rng: random.Random) -> None:
    agent = rng.choice(list(Agent.objects.select_related("presence", "user")))
    set_presence_manually(agent, rng.choice(list(Presence.objects.filter(is_built_in=True))))
    offers.expire_offers(timezone.now())


def find_overloaded_agents() -> Iterator[str]:
    """Yield a description of each agent whose load exceeds the capacity."""
    close_old_connections()
    capacity = dict(Agent.objects.values_list("pk", "capacity"))
    loads = get_load_by_agent(Conversation.objects.all(), capacity, now=timezone.now())
    yield from (f"agent {pk} has {loads[pk].units} units" for pk in capacity if loads[pk].units > capacity[pk])


def _find_final_violations() -> Iterator[str]:
    """Assign once more with all agents available, then yield the violations that are left."""
    Agent.objects.update(presence=Presence.objects.get(base_status=BasePresence.AVAILABLE, is_built_in=True))
    while offer_waiting_conversations(timezone.now())[0]:
        pass
    yield from find_overloaded_agents()
    yield from _find_unassigned_conversations()
    accepted = Count("offers", filter=Q(offers__outcome=OfferOutcome.ACCEPTED))
    annotated = Conversation.objects.order_by().annotate(accepted=accepted)
    yield from (
        f"conversation {conversation.pk} was given out twice" for conversation in annotated.filter(accepted__gt=1)
    )
    without_offer = annotated.filter(accepted=0, state=State.CLOSED)
    yield from (f"conversation {conversation.pk} was closed by nobody" for conversation in without_offer)


def _find_unassigned_conversations() -> Iterator[str]:
    agents = {agent.pk: agent for agent in Agent.objects.all()}
    loads = get_load_by_agent(Conversation.objects.all(), agents, now=timezone.now())
    need = WorkStream.objects.get().capacity
    free = {pk for pk, agent in agents.items() if agent.capacity - loads[pk].units >= need}
    for conversation in Conversation.objects.filter(state=State.OPEN, offered_to=None).select_related("queue"):
        free_agents = (
            free
            if conversation.queue.is_default
            else free & set(conversation.queue.members.values_list("pk", flat=True))
        )
        rejected = Offer.objects.filter(conversation=conversation, outcome=OfferOutcome.REJECTED).values_list(
            "agent", flat=True
        )
        if free_agents - set(rejected):
            yield f"conversation {conversation.pk} waits though {len(free_agents - set(rejected))} could have it"
