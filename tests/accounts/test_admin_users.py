"""Users and their roles in the administration."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from omnichannel.accounts.models import User
from routing.models import Agent
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db

USER_MODEL = "accounts_user"


@pytest.fixture
def superuser_client() -> UserClient:
    return create_signed_in_client("", "Root", is_superuser=True, is_staff=True)


def role_id(name: str) -> int:
    return Group.objects.get(name=name).pk


def new_user_form(*roles: str, **changed: Any) -> dict[str, Any]:
    secret = "a long secret one 7"
    form = {"username": "dana", "password1": secret, "password2": secret, "first_name": "Dana", "last_name": "Kim"}
    return {**form, "email": "", "groups": [role_id(name) for name in roles], **changed}


def post_user_change(client: Client, user: User, *roles: str, **changed: Any) -> Any:
    form = {"username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": ""}
    groups = [role_id(name) for name in roles]
    return client.post(
        admin_url(USER_MODEL, "change", user.pk), {**form, "is_active": "on", "groups": groups, **changed}
    )


@pytest.mark.parametrize(("name", "is_staff"), [("Administrator", True), ("Supervisor", True), ("Agent", False)])
def test_new_user_becomes_an_agent_and_can_enter_the_admin_by_role(
    admin_client: UserClient, name: str, is_staff: bool
) -> None:
    admin_client.post(admin_url(USER_MODEL, "add"), new_user_form(name))
    dana = User.objects.get(username="dana")
    assert (dana.is_staff, [group.name for group in dana.groups.all()]) == (is_staff, [name])
    agent = Agent.objects.get(user=dana)
    assert agent.presence.base_status == "offline"


def test_a_new_user_signs_in_with_the_password_given(admin_client: UserClient, client: Client) -> None:
    admin_client.post(admin_url(USER_MODEL, "add"), new_user_form("Supervisor"))
    client.post("/admin/login/?next=/admin/", {"username": "dana", "password": "a long secret one 7"})
    assert client.get("/admin/").status_code == 200


def test_a_new_user_needs_a_role(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url(USER_MODEL, "add"), new_user_form())
    assert "groups" in response.context["adminform"].form.errors


def test_a_forgotten_role_keeps_the_passwords_that_were_typed(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url(USER_MODEL, "add"), new_user_form())
    page = response.content.decode()
    assert page.count(f'value="{new_user_form()["password1"]}"') == 2
    assert "no-store" in response["Cache-Control"]


def test_a_role_says_that_it_cannot_be_changed_here(admin_client: UserClient) -> None:
    shown = visible_text(admin_client.get(admin_url("auth_group", "change", role_id("Agent"))))
    assert "Roles and their permissions come with the product" in shown


def test_user_without_role_loses_admin_access_but_stays_an_agent(admin_client: UserClient) -> None:
    sam = create_signed_in_client("Supervisor", "Sam").user
    post_user_change(admin_client, sam, "Agent")
    sam.refresh_from_db()
    assert not sam.is_staff
    assert Agent.objects.filter(user=sam).exists()


def test_saving_twice_makes_one_agent(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana").user
    post_user_change(admin_client, dana, "Agent")
    post_user_change(admin_client, dana, "Agent", first_name="Dana-Marie")
    assert Agent.objects.filter(user=dana).count() == 1


def test_administrator_cannot_make_anyone_a_superuser(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana").user
    post_user_change(
        admin_client,
        dana,
        "Agent",
        is_superuser="on",
        is_staff="on",
        user_permissions=[Permission.objects.earliest("pk").pk],
    )
    dana.refresh_from_db()
    assert not dana.is_superuser
    assert not dana.is_staff
    assert not dana.user_permissions.exists()
    assert "superuser" not in visible_text(admin_client.get(admin_url(USER_MODEL, "change", dana.pk))).lower()


def test_administrator_cannot_change_a_superuser(admin_client: UserClient, superuser_client: UserClient) -> None:
    secret = {"password1": "taken over 123", "password2": "taken over 123"}
    assert post_user_change(admin_client, superuser_client.user, "Agent").status_code == 403
    assert admin_client.post(f"/admin/accounts/user/{superuser_client.user.pk}/password/", secret).status_code == 403
    assert (
        admin_client.post(admin_url(USER_MODEL, "delete", superuser_client.user.pk), {"post": "yes"}).status_code == 403
    )
    assert admin_client.post(admin_url(USER_MODEL, "deactivate", superuser_client.user.pk)).status_code == 403
    superuser_client.user.refresh_from_db()
    assert superuser_client.user.is_superuser
    assert superuser_client.user.is_active


def test_a_superuser_can_make_another_one(superuser_client: UserClient) -> None:
    dana = builders.create_agent("Dana").user
    post_user_change(superuser_client, dana, "Agent", is_superuser="on")
    dana.refresh_from_db()
    assert dana.is_superuser
    assert dana.is_staff


def test_user_cannot_remove_their_own_role_or_access(admin_client: UserClient) -> None:
    post_user_change(admin_client, admin_client.user, is_active="")
    assert admin_client.post(admin_url(USER_MODEL, "deactivate", admin_client.user.pk)).status_code == 403
    admin_client.user.refresh_from_db()
    assert admin_client.user.is_active
    assert [group.name for group in admin_client.user.groups.all()] == ["Administrator"]


def test_an_administrator_sets_a_new_password(admin_client: UserClient, client: Client) -> None:
    dana = builders.create_agent("Dana").user
    secret = {"password1": "a long secret one 8", "password2": "a long secret one 8"}
    admin_client.post(f"/admin/accounts/user/{dana.pk}/password/", secret)
    assert User.objects.get(pk=dana.pk).check_password("a long secret one 8")


def test_a_user_who_is_an_agent_is_deactivated_and_not_deleted(admin_client: UserClient) -> None:
    dana = builders.create_agent("Dana").user
    assert "1 agent." in visible_text(admin_client.get(admin_url(USER_MODEL, "delete", dana.pk)))
    admin_client.post(admin_url(USER_MODEL, "deactivate", dana.pk))
    dana.refresh_from_db()
    assert not dana.is_active


@pytest.mark.parametrize("name", ["Supervisor", "Agent"])
def test_only_administrators_change_users(name: str) -> None:
    dana = builders.create_agent("Dana").user
    assert post_user_change(create_signed_in_client(name), dana, "Administrator").status_code in {302, 403}
    assert [group.name for group in dana.groups.all()] == ["Agent"]


def test_role_permissions_cannot_be_extended_in_the_admin(
    admin_client: UserClient, superuser_client: UserClient
) -> None:
    agents = Group.objects.get(name="Agent")
    for client in (admin_client, superuser_client):
        form = {"name": "Agent", "permissions": [Permission.objects.earliest("pk").pk]}
        assert client.post(admin_url("auth_group", "change", agents.pk), form).status_code == 403
        assert client.get(admin_url("auth_group", "add")).status_code == 403
