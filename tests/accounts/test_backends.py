"""The authentication backend loads user, permissions and agent in one query and agrees with Django's own."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from omnichannel.accounts.models import User
from omnichannel.auth import AgentAuthBackend
from tests import builders

pytestmark = pytest.mark.django_db


def load_user(user: User) -> User:
    loaded_user = AgentAuthBackend().get_user(user.pk)
    assert loaded_user is not None
    return loaded_user


@pytest.mark.parametrize("role", ["Administrator", "Supervisor", "Agent", ""])
def test_permissions_match_those_of_djangos_model_backend(role: str) -> None:
    user = builders.create_user(role)
    user.user_permissions.add(Permission.objects.get(codename="view_accesslog"))
    permissions = load_user(user).get_all_permissions()
    assert "axes.view_accesslog" in permissions
    assert permissions == ModelBackend().get_all_permissions(User.objects.get(pk=user.pk))


def test_user_permissions_and_agent_load_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    agent = builders.create_agent("Dana")
    with django_assert_num_queries(1):
        user = load_user(agent.user)
        assert user.has_perm("conversations.work_on_conversations")
        assert (user.agent, user.agent.presence) == (agent, agent.presence)


def test_a_superuser_may_do_everything() -> None:
    root = User.objects.create_superuser("root", password="correct horse")
    assert load_user(root).has_perm("axes.view_accesslog")


def test_inactive_or_deleted_user_is_not_returned() -> None:
    user = builders.create_user("Agent")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert AgentAuthBackend().get_user(user.pk) is None
    assert AgentAuthBackend().get_user(0) is None
