"""Who is signed in comes with what they may do, in one question; it says the same as Django does."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts.models import User
from omnichannel.auth import AgentAuthBackend
from tests import builders

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> User:
    found = AgentAuthBackend().get_user(user.pk)
    assert found is not None
    return found


@pytest.mark.parametrize("role", ["Administrator", "Supervisor", "Agent", ""])
def test_they_may_do_what_django_says_they_may(role: str) -> None:
    user = builders.user(role)
    user.user_permissions.add(Permission.objects.get(codename="view_session"))
    permissions = signed_in(user).get_all_permissions()
    assert "sessions.view_session" in permissions
    assert permissions == ModelBackend().get_all_permissions(User.objects.get(pk=user.pk))


def test_the_person_their_permissions_and_their_agent_are_one_question(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    agent = builders.agent("Dana")
    with django_assert_num_queries(1):
        user = signed_in(agent.user)
        assert user.has_perm("conversations.work_on_conversations")
        assert (user.agent, user.agent.presence) == (agent, agent.presence)


def test_a_superuser_may_do_everything() -> None:
    root = User.objects.create_superuser("root", password="correct horse")
    assert signed_in(root).has_perm("sessions.view_session")


def test_who_was_switched_off_or_is_gone_is_nobody() -> None:
    user = builders.user("Agent")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert AgentAuthBackend().get_user(user.pk) is None
    assert AgentAuthBackend().get_user(0) is None
