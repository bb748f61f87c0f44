"""The three roles are groups with exactly the permissions of the specification's table."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from omnichannel.auth import apply_roles
from omnichannel.roles import ADMINISTRATOR, AGENT, PERMISSIONS_BY_ROLE, SUPERVISOR, sync_role_permissions
from routing.models import Agent
from tests import builders

pytestmark = pytest.mark.django_db


def granted_permissions(role: str) -> set[str]:
    permissions = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


@pytest.mark.parametrize("role", PERMISSIONS_BY_ROLE)
def test_a_role_has_exactly_its_permissions(role: str) -> None:
    assert granted_permissions(role) == set(PERMISSIONS_BY_ROLE[role])


def test_all_roles_work_on_conversations_and_only_agents_have_limited_visibility() -> None:
    works, sees = "conversations.work_on_conversations", "conversations.see_all_conversations"
    assert [works in granted_permissions(role) for role in (ADMINISTRATOR, SUPERVISOR, AGENT)] == [True, True, True]
    assert [sees in granted_permissions(role) for role in (ADMINISTRATOR, SUPERVISOR, AGENT)] == [True, True, False]


def test_only_administrators_change_channels_and_users() -> None:
    for role in (SUPERVISOR, AGENT):
        assert not any("whatsapp" in name or name == "accounts.change_user" for name in granted_permissions(role))
    assert "channels_whatsapp.change_whatsappaccount" in granted_permissions(ADMINISTRATOR)


def test_no_role_can_delete_messages() -> None:
    settings = {
        f"conversations.delete_{model}"
        for model in ("automatedmessage", "dispositioncode", "label", "optoutword", "quickreply", "quickreplytag")
    }
    for role in PERMISSIONS_BY_ROLE:
        assert not any(
            name.startswith(("conversations.delete", "conversations.change_message"))
            for name in granted_permissions(role) - settings
        )


def test_only_administrators_change_routing() -> None:
    models = ("workstream", "routingrule", "skillrule", "overflowrule", "queue", "skill", "operatinghours", "presence")
    for model in models:
        assert {f"routing.{verb}_{model}" for verb in ("view", "add", "change", "delete")} <= granted_permissions(
            ADMINISTRATOR
        )
        assert not {f"routing.{verb}_{model}" for verb in ("add", "change", "delete")} & granted_permissions(SUPERVISOR)


def test_supervisors_change_queue_members_and_agents_only_view_them() -> None:
    verbs = {f"routing.{verb}_queuemembership" for verb in ("add", "change", "delete")}
    assert verbs <= granted_permissions(SUPERVISOR)
    assert not verbs & granted_permissions(AGENT)
    assert "routing.view_operatinghours" in granted_permissions(SUPERVISOR) - granted_permissions(AGENT)
    assert {
        "routing.view_agent",
        "routing.view_presence",
        "routing.view_workstream",
        "routing.view_queue",
    } <= granted_permissions(AGENT)


def test_administrators_and_supervisors_change_quick_replies_and_agents_view_them() -> None:
    keeping = {f"conversations.{verb}_quickreply" for verb in ("add", "change", "delete")}
    for role in (ADMINISTRATOR, SUPERVISOR):
        assert keeping <= granted_permissions(role)
    assert not keeping & granted_permissions(AGENT)
    assert "conversations.view_quickreply" in granted_permissions(AGENT)


def test_manually_added_permission_is_removed_by_the_next_migration() -> None:
    Group.objects.get(name=AGENT).permissions.add(Permission.objects.get(codename="delete_user"))
    sync_role_permissions()
    assert "accounts.delete_user" not in granted_permissions(AGENT)


def test_a_permission_that_does_not_exist_stops_the_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERMISSIONS_BY_ROLE, AGENT, ["conversations.fly"])
    with pytest.raises(LookupError, match=r"conversations\.fly"):
        sync_role_permissions()


@pytest.mark.parametrize(
    ("role", "enters", "works"),
    [(ADMINISTRATOR, True, True), (SUPERVISOR, True, True), (AGENT, False, True), ("", False, False)],
)
def test_role_decides_admin_access_and_agent_status(role: str, enters: bool, works: bool) -> None:
    person = builders.create_user(role)
    apply_roles(person)
    assert (person.is_staff, Agent.objects.filter(user=person).exists()) == (enters, works)


def test_every_model_named_in_the_permissions_exists() -> None:
    for names in PERMISSIONS_BY_ROLE.values():
        for name in names:
            assert apps.get_app_config(name.partition(".")[0])
