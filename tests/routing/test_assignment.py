"""The cost of an assignment in queries, and checks against outdated data."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.models import Conversation, RequiredSkill
from routing.assignment.assign_waiting import get_load_by_agent
from routing.models import AgentSkill, Skill, SkillMatching, SkillType, State
from tests import builders
from tests.routing.bulk_agents import create_agents

pytestmark = pytest.mark.django_db


def capture_dispatch_queries() -> list[str]:
    """Return the SQL of one run that offers waiting conversations."""
    with CaptureQueriesContext(connection) as captured:
        offer_waiting_conversations(timezone.now())
    return [query["sql"] for query in captured]


def create_skilled_work(agents: int) -> Conversation:
    """Create waiting conversations that need two skills exactly, in a queue with this many members."""
    queue = builders.create_queue()
    builders.update_work_stream(skill_matching=SkillMatching.EXACT)
    kind = SkillType.objects.create(name="Language")
    skills = [Skill.objects.create(name=name, type=kind) for name in ("German", "Billing")]
    skilled_agents = create_agents(agents, queue)
    AgentSkill.objects.bulk_create(
        AgentSkill(agent=agent, skill=skill, rating=5) for agent in skilled_agents for skill in skills
    )
    conversation = builders.create_conversation(queue=queue)
    RequiredSkill.objects.bulk_create(
        RequiredSkill(conversation=conversation, skill=skill, rating=5) for skill in skills
    )
    return conversation


@pytest.mark.parametrize("agents", [1, 10, 300])
def test_a_decision_takes_four_queries_whatever_the_number_of_agents(agents: int) -> None:
    conversation = create_skilled_work(agents)
    queries = capture_dispatch_queries()
    # From the query for agents, over skills and load, to the claim.
    begin = next(place for place, sql in enumerate(queries) if sql.startswith('SELECT "routing_agent"."id"'))
    claim = next(place for place, sql in enumerate(queries) if sql.startswith('UPDATE "conversations_conversation"'))
    assert claim - begin + 1 == 4
    conversation.refresh_from_db()
    assert conversation.offered_to is not None


def test_reading_the_work_and_writing_it_down_takes_as_many_queries_for_ten_agents_as_for_300() -> None:
    create_skilled_work(10)
    few = len(capture_dispatch_queries())
    Conversation.objects.all().delete()
    create_agents(300)
    builders.create_conversation()
    assert len(capture_dispatch_queries()) <= few


def test_batch_assignment_takes_fewer_than_two_queries_per_conversation() -> None:
    create_agents(20)
    number = builders.create_number()
    for _ in range(50):
        builders.create_conversation(number=number)
    queries = [sql for sql in capture_dispatch_queries() if "live_liveevent" not in sql and "pg_advisory" not in sql]
    assert Conversation.objects.filter(offered_to__isnull=False).count() == 50
    assert len(queries) < 2 * 50


def test_load_counts_assigned_and_offered_conversations_per_work_stream() -> None:
    dana, omar = create_agents(2)
    stream = builders.update_work_stream()
    builders.create_conversation(agent=dana)
    builders.create_conversation(agent=dana, state=State.WRAP_UP)
    builders.create_conversation(agent=dana, state=State.WAITING)
    builders.create_conversation(offered_to=dana, offer_expires_at=timezone.now())
    loads = get_load_by_agent(Conversation.objects.all(), [dana.pk, omar.pk], now=timezone.now())
    assert (loads[dana.pk].units, loads[dana.pk].count_by_work_stream) == (90, {stream.pk: 3})
    assert loads[omar.pk].units == 0
