"""Users and their roles in the administration."""

import pytest
from django.contrib.auth.models import Group, Permission

from omnichannel.accounts.models import User
from routing.models import Agent
from tests import builders
from tests.administration.people import admin_url, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db

USER_MODEL = "accounts_user"


@pytest.fixture
def ada():
    return create_signed_in_client("Administrator", "Ada")


@pytest.fixture
def root():
    return create_signed_in_client("", "Root", is_superuser=True, is_staff=True)


def role_id(name):
    return Group.objects.get(name=name).pk


def new_user_form(*roles, **changed):
    secret = "a long enough one 7"
    form = {"username": "dana", "password1": secret, "password2": secret, "first_name": "Dana", "last_name": "Kim"}
    return {**form, "email": "", "groups": [role_id(name) for name in roles], **changed}


def post_user_change(client, user, *roles, **changed):
    form = {"username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": ""}
    groups = [role_id(name) for name in roles]
    return client.post(
        admin_url(USER_MODEL, "change", user.pk), {**form, "is_active": "on", "groups": groups, **changed}
    )


@pytest.mark.parametrize(("name", "is_staff"), [("Administrator", True), ("Supervisor", True), ("Agent", False)])
def test_new_user_becomes_an_agent_and_can_enter_the_admin_by_role(ada, name, is_staff):
    ada.post(admin_url(USER_MODEL, "add"), new_user_form(name))
    dana = User.objects.get(username="dana")
    assert (dana.is_staff, [group.name for group in dana.groups.all()]) == (is_staff, [name])
    agent = Agent.objects.get(user=dana)
    assert agent.presence.base_status == "offline"


def test_a_new_user_signs_in_with_the_password_given(ada, client):
    ada.post(admin_url(USER_MODEL, "add"), new_user_form("Supervisor"))
    client.post("/admin/login/?next=/admin/", {"username": "dana", "password": "a long enough one 7"})
    assert client.get("/admin/").status_code == 200


def test_a_new_user_needs_a_role(ada):
    response = ada.post(admin_url(USER_MODEL, "add"), new_user_form())
    assert "groups" in response.context["adminform"].form.errors


def test_user_without_role_loses_admin_access_but_stays_an_agent(ada):
    sam = create_signed_in_client("Supervisor", "Sam").person
    post_user_change(ada, sam, "Agent")
    sam.refresh_from_db()
    assert not sam.is_staff
    assert Agent.objects.filter(user=sam).exists()


def test_saving_twice_makes_one_agent(ada):
    dana = builders.create_agent("Dana").user
    post_user_change(ada, dana, "Agent")
    post_user_change(ada, dana, "Agent", first_name="Dana-Marie")
    assert Agent.objects.filter(user=dana).count() == 1


def test_administrator_cannot_make_anyone_a_superuser(ada):
    dana = builders.create_agent("Dana").user
    post_user_change(
        ada, dana, "Agent", is_superuser="on", is_staff="on", user_permissions=[Permission.objects.first().pk]
    )
    dana.refresh_from_db()
    assert not dana.is_superuser
    assert not dana.is_staff
    assert not dana.user_permissions.exists()
    assert "superuser" not in visible_text(ada.get(admin_url(USER_MODEL, "change", dana.pk))).lower()


def test_administrator_cannot_change_a_superuser(ada, root):
    secret = {"password1": "taken over 123", "password2": "taken over 123"}
    assert post_user_change(ada, root.person, "Agent").status_code == 403
    assert ada.post(f"/admin/accounts/user/{root.person.pk}/password/", secret).status_code == 403
    assert ada.post(admin_url(USER_MODEL, "delete", root.person.pk), {"post": "yes"}).status_code == 403
    assert ada.post(admin_url(USER_MODEL, "deactivate", root.person.pk)).status_code == 403
    root.person.refresh_from_db()
    assert root.person.is_superuser
    assert root.person.is_active


def test_a_superuser_can_make_another_one(root):
    dana = builders.create_agent("Dana").user
    post_user_change(root, dana, "Agent", is_superuser="on")
    dana.refresh_from_db()
    assert dana.is_superuser
    assert dana.is_staff


def test_user_cannot_remove_their_own_role_or_access(ada):
    post_user_change(ada, ada.person, is_active="")
    assert ada.post(admin_url(USER_MODEL, "deactivate", ada.person.pk)).status_code == 403
    ada.person.refresh_from_db()
    assert ada.person.is_active
    assert [group.name for group in ada.person.groups.all()] == ["Administrator"]


def test_an_administrator_sets_a_new_password(ada, client):
    dana = builders.create_agent("Dana").user
    secret = {"password1": "a long enough one 8", "password2": "a long enough one 8"}
    ada.post(f"/admin/accounts/user/{dana.pk}/password/", secret)
    assert User.objects.get(pk=dana.pk).check_password("a long enough one 8")


def test_a_user_who_is_an_agent_is_deactivated_and_not_deleted(ada):
    dana = builders.create_agent("Dana").user
    assert "1 agent." in visible_text(ada.get(admin_url(USER_MODEL, "delete", dana.pk)))
    ada.post(admin_url(USER_MODEL, "deactivate", dana.pk))
    dana.refresh_from_db()
    assert not dana.is_active


@pytest.mark.parametrize("name", ["Supervisor", "Agent"])
def test_only_administrators_change_users(name):
    dana = builders.create_agent("Dana").user
    assert post_user_change(create_signed_in_client(name), dana, "Administrator").status_code in {302, 403}
    assert [group.name for group in dana.groups.all()] == ["Agent"]


def test_role_permissions_cannot_be_extended_in_the_admin(ada, root):
    agents = Group.objects.get(name="Agent")
    for client in (ada, root):
        form = {"name": "Agent", "permissions": [Permission.objects.first().pk]}
        assert client.post(admin_url("auth_group", "change", agents.pk), form).status_code == 403
        assert client.get(admin_url("auth_group", "add")).status_code == 403
