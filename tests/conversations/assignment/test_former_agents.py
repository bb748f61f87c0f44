"""Agents who may no longer work at the desk lose their conversations at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone, translation

from omnichannel.accounts.models import User
from omnichannel.conversations.assignment import former_agents
from omnichannel.conversations.assignment.former_agents import enqueue_former_agents, release_former_agent
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Conversation, Offer, OfferOutcome, Participation, ParticipationKind
from omnichannel.conversations.state_machine import resume_on_customer_message
from omnichannel.events.models import Event
from omnichannel.jobs.models import Lane
from omnichannel.live.topics import SESSION_KIND, user_topic
from routing.models import Agent, Queue, State
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client

pytestmark = pytest.mark.django_db


def deactivate(agent: Agent) -> None:
    agent.user.is_active = False
    agent.user.save()


def release(agent: Agent) -> None:
    """Run the agent's lane until nothing is left, as the worker does."""
    while release_former_agent(agent.pk) is not None:
        pass


def state_and_agent(conversation: Conversation) -> tuple[str, Agent | None]:
    row = Conversation.objects.get(pk=conversation.pk)
    return row.state, row.agent


def requested_checks() -> list[int]:
    return list(Lane.objects.filter(kind=LaneKind.FORMER_AGENT).values_list("key", flat=True))


def timeline_of(conversation: Conversation) -> list[str]:
    return [str(event.text) for event in conversation.events.all()]


@pytest.mark.parametrize("state", [State.ACTIVE, State.WAITING])
def test_conversations_of_a_deactivated_agent_return_to_the_queue(dana: Agent, orders: Queue, state: State) -> None:
    conversation = builders.create_conversation(agent=dana, queue=orders, state=state)
    deactivate(dana)
    assert requested_checks() == [dana.pk]
    release(dana)
    assert state_and_agent(conversation) == (State.OPEN, None)
    assert timeline_of(conversation) == ["Dana was deactivated. Waiting in Orders for another agent."]
    with translation.override("de"):
        assert timeline_of(conversation) == ["Dana wurde deaktiviert. Wartet in Orders auf einen anderen Agenten."]
    assert f"agent:{dana.pk}" in Event.objects.filter(kind="conversation").latest("pk").topics


def test_a_snoozed_conversation_is_no_longer_snoozed(dana: Agent) -> None:
    now = timezone.now()
    snoozed = builders.create_conversation(
        agent=dana, state=State.WAITING, snoozed_at=now, snoozed_until=now + timedelta(days=3)
    )
    deactivate(dana)
    release(dana)
    snoozed.refresh_from_db()
    assert (snoozed.state, snoozed.snoozed_at, snoozed.snoozed_until) == (State.OPEN, None, None)


def test_wrap_up_is_closed_unless_the_customer_has_written(dana: Agent) -> None:
    answered = builders.create_conversation(agent=dana, state=State.WRAP_UP)
    unanswered = builders.create_conversation(agent=dana, state=State.WRAP_UP, unread_count=1)
    deactivate(dana)
    release(dana)
    assert state_and_agent(answered) == (State.CLOSED, dana)
    assert state_and_agent(unanswered) == (State.OPEN, None)


def test_offers_of_a_deactivated_agent_are_withdrawn(dana: Agent) -> None:
    offered = builders.create_conversation(
        offered_to=dana, offer_expires_at=timezone.now() + timedelta(hours=1), state=State.OPEN
    )
    Offer.objects.create(conversation=offered, agent=dana)
    deactivate(dana)
    release(dana)
    offered.refresh_from_db()
    assert (offered.state, offered.offered_to, offered.offers.get().outcome) == (
        State.OPEN,
        None,
        OfferOutcome.WITHDRAWN,
    )
    assert timeline_of(offered) == ["Offer to Dana withdrawn: Dana was deactivated."]


def test_a_deactivated_agent_leaves_the_conversations_of_colleagues(dana: Agent, sue: Agent) -> None:
    conversation = builders.create_conversation(agent=sue)
    Participation.objects.create(conversation=conversation, agent=dana, kind=ParticipationKind.CONSULT)
    deactivate(dana)
    release(dana)
    assert not conversation.participations.filter(left_at=None).exists()
    assert state_and_agent(conversation) == (State.ACTIVE, sue)


def test_a_deactivated_agent_is_offline_and_their_pages_check_their_session(dana: Agent) -> None:
    deactivate(dana)
    release(dana)
    dana.refresh_from_db()
    assert dana.presence.base_status == "offline"
    assert Event.objects.get(kind=SESSION_KIND).topics == [user_topic(dana.user_id)]


def post_user_form(client: UserClient, user: User, *roles: str, **changed: Any) -> None:
    form = {"username": user.username, "first_name": user.first_name, "last_name": "", "email": ""}
    groups = [Group.objects.get(name=name).pk for name in roles]
    response = client.post(admin_url("accounts_user", "change", user.pk), {**form, "groups": groups, **changed})
    assert response.status_code == 302


WAYS_TO_SWITCH_OFF: dict[str, Callable[[UserClient, User], object]] = {
    "the form": lambda client, user: post_user_form(client, user, "Agent"),
    "the button": lambda client, user: client.post(admin_url("accounts_user", "deactivate", user.pk)),
    "without a role": lambda client, user: post_user_form(client, user, is_active="on"),
    "removed from the role": lambda client, user: user.groups.clear(),
    "the role's users": lambda client, user: Group.objects.get(name="Agent").user_set.remove(user),
    "SQL": lambda client, user: User.objects.filter(pk=user.pk).update(is_active=False),
}


@pytest.mark.parametrize("way", WAYS_TO_SWITCH_OFF)
def test_every_way_to_switch_an_agent_off_releases_their_work(dana: Agent, admin_client: UserClient, way: str) -> None:
    conversation = builders.create_conversation(agent=dana)
    WAYS_TO_SWITCH_OFF[way](admin_client, dana.user)
    if way == "SQL":
        enqueue_former_agents()
    assert requested_checks() == [dana.pk]
    release(dana)
    assert state_and_agent(conversation) == (State.OPEN, None)


def test_an_agent_without_the_role_is_named_differently(dana: Agent, orders: Queue) -> None:
    conversation = builders.create_conversation(agent=dana, queue=orders)
    dana.user.groups.clear()
    release(dana)
    assert timeline_of(conversation) == ["Dana no longer works at the desk. Waiting in Orders for another agent."]


def test_an_agent_who_changes_role_keeps_their_work(dana: Agent, admin_client: UserClient) -> None:
    conversation = builders.create_conversation(agent=dana)
    post_user_form(admin_client, dana.user, "Supervisor", is_active="on")
    assert release_former_agent(dana.pk) is None
    assert state_and_agent(conversation) == (State.ACTIVE, dana)


def test_an_agent_who_leaves_a_queue_keeps_their_work(orders: Queue) -> None:
    omar = builders.create_agent("Omar", queue=orders)
    conversation = builders.create_conversation(agent=omar, queue=orders)
    omar.memberships.all().delete()
    enqueue_former_agents()
    assert requested_checks() == []
    assert state_and_agent(conversation) == (State.ACTIVE, omar)


def test_many_conversations_are_released_in_batches(dana: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former_agents, "BATCH_SIZE", 2)
    number = builders.create_number()
    for _ in range(5):
        builders.create_conversation(agent=dana, number=number)
    deactivate(dana)
    assert release_former_agent(dana.pk) is not None
    assert Conversation.objects.filter(agent=dana).count() == 3
    release(dana)
    assert not Conversation.objects.filter(agent=dana).exists()


def test_a_conversation_that_fails_does_not_hold_up_the_others(dana: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = builders.create_conversation(agent=dana), builders.create_conversation(agent=dana)
    release_one = former_agents._release

    def release_or_fail(conversation: Conversation, agent: Agent) -> None:
        if conversation.pk == broken.pk:
            raise ValueError
        release_one(conversation, agent)

    monkeypatch.setattr(former_agents, "_release", release_or_fail)
    deactivate(dana)
    release_former_agent(dana.pk)
    assert state_and_agent(other) == (State.OPEN, None)
    next_run = release_former_agent(dana.pk)
    assert next_run is not None
    assert next_run > timezone.now() + timedelta(seconds=30)


def test_a_customers_reply_does_not_return_to_an_agent_without_the_role(dana: Agent) -> None:
    builders.update_work_stream(keep_same_agent=True)
    conversation = builders.create_conversation(agent=dana, state=State.WAITING)
    dana.user.groups.clear()
    resume_on_customer_message(Conversation.objects.get(pk=conversation.pk))
    assert state_and_agent(conversation) == (State.OPEN, None)


def test_a_user_who_signs_in_requests_no_check(dana: Agent) -> None:
    create_signed_in_client("Agent", "Omar")
    dana.user.save(update_fields=["last_login"])
    assert requested_checks() == []
