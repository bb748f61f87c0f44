"""The three roles are groups, each with exactly the permissions of the table."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from omnichannel.auth import apply_roles
from omnichannel.roles import ADMINISTRATOR, AGENT, PERMISSIONS_BY_ROLE, SUPERVISOR, sync_role_permissions
from routing.models import Agent
from tests import builders

pytestmark = pytest.mark.django_db


def given(role: str) -> set[str]:
    found = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in found}


@pytest.mark.parametrize("role", PERMISSIONS_BY_ROLE)
def test_a_role_has_exactly_its_permissions(role: str) -> None:
    assert given(role) == set(PERMISSIONS_BY_ROLE[role])


def test_all_three_work_and_only_agents_do_not_see_everything() -> None:
    works, sees = "conversations.work_on_conversations", "conversations.see_all_conversations"
    assert [works in given(role) for role in (ADMINISTRATOR, SUPERVISOR, AGENT)] == [True, True, True]
    assert [sees in given(role) for role in (ADMINISTRATOR, SUPERVISOR, AGENT)] == [True, True, False]


def test_only_administrators_touch_channels_and_people() -> None:
    for role in (SUPERVISOR, AGENT):
        assert not any("whatsapp" in name or name == "accounts.change_user" for name in given(role))
    assert "channels_whatsapp.change_whatsappaccount" in given(ADMINISTRATOR)


def test_nobody_deletes_what_customers_wrote() -> None:
    settings = {
        f"conversations.delete_{model}"
        for model in ("automatedmessage", "dispositioncode", "label", "optoutword", "quickreply", "quickreplytag")
    }
    for role in PERMISSIONS_BY_ROLE:
        assert not any(
            name.startswith(("conversations.delete", "conversations.change_message")) for name in given(role) - settings
        )


def test_only_administrators_set_up_how_work_is_given_out() -> None:
    models = ("workstream", "routingrule", "skillrule", "overflowrule", "queue", "skill", "operatinghours", "presence")
    for model in models:
        assert {f"routing.{verb}_{model}" for verb in ("view", "add", "change", "delete")} <= given(ADMINISTRATOR)
        assert not {f"routing.{verb}_{model}" for verb in ("add", "change", "delete")} & given(SUPERVISOR)


def test_supervisors_say_who_works_in_a_queue_and_agents_only_look() -> None:
    verbs = {f"routing.{verb}_queuemembership" for verb in ("add", "change", "delete")}
    assert verbs <= given(SUPERVISOR)
    assert not verbs & given(AGENT)
    assert "routing.view_operatinghours" in given(SUPERVISOR) - given(AGENT)
    assert {"routing.view_agent", "routing.view_presence", "routing.view_workstream", "routing.view_queue"} <= given(
        AGENT
    )


def test_administrators_and_supervisors_keep_quick_replies_and_agents_look_at_them() -> None:
    keeping = {f"conversations.{verb}_quickreply" for verb in ("add", "change", "delete")}
    for role in (ADMINISTRATOR, SUPERVISOR):
        assert keeping <= given(role)
    assert not keeping & given(AGENT)
    assert "conversations.view_quickreply" in given(AGENT)


def test_a_permission_somebody_added_by_hand_is_taken_back_with_the_next_migration() -> None:
    Group.objects.get(name=AGENT).permissions.add(Permission.objects.get(codename="delete_user"))
    sync_role_permissions()
    assert "accounts.delete_user" not in given(AGENT)


def test_a_permission_that_does_not_exist_stops_the_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERMISSIONS_BY_ROLE, AGENT, ["conversations.fly"])
    with pytest.raises(LookupError, match=r"conversations\.fly"):
        sync_role_permissions()


@pytest.mark.parametrize(
    ("role", "enters", "works"),
    [(ADMINISTRATOR, True, True), (SUPERVISOR, True, True), (AGENT, False, True), ("", False, False)],
)
def test_who_enters_the_administration_and_who_is_an_agent_follows_from_the_role(
    role: str, enters: bool, works: bool
) -> None:
    person = builders.user(role)
    apply_roles(person)
    assert (person.is_staff, Agent.objects.filter(user=person).exists()) == (enters, works)


def test_every_named_model_is_there() -> None:
    for names in PERMISSIONS_BY_ROLE.values():
        for name in names:
            assert apps.get_app_config(name.partition(".")[0])
