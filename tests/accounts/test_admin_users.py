"""Users and their roles in the administration."""

import pytest
from django.contrib.auth.models import Group, Permission

from omnichannel.accounts.models import User
from routing.models import Agent
from tests import builders
from tests.administration.people import page, signed_in, words

pytestmark = pytest.mark.django_db

USER = "accounts_user"


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


@pytest.fixture
def root():
    return signed_in("", "Root", is_superuser=True, is_staff=True)


def role(name):
    return Group.objects.get(name=name).pk


def new(*roles, **changed):
    secret = "a long enough one 7"
    form = {"username": "dana", "password1": secret, "password2": secret, "first_name": "Dana", "last_name": "Kim"}
    return {**form, "email": "", "groups": [role(name) for name in roles], **changed}


def edit(client, user, *roles, **changed):
    form = {"username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": ""}
    groups = [role(name) for name in roles]
    return client.post(page(USER, "change", user.pk), {**form, "is_active": "on", "groups": groups, **changed})


@pytest.mark.parametrize(("name", "is_staff"), [("Administrator", True), ("Supervisor", True), ("Agent", False)])
def test_a_new_user_is_an_agent_and_enters_the_administration_by_role(ada, name, is_staff):
    ada.post(page(USER, "add"), new(name))
    dana = User.objects.get(username="dana")
    assert (dana.is_staff, [group.name for group in dana.groups.all()]) == (is_staff, [name])
    agent = Agent.objects.get(user=dana)
    assert agent.presence.base_status == "offline"


def test_a_new_user_signs_in_with_the_password_given(ada, client):
    ada.post(page(USER, "add"), new("Supervisor"))
    client.post("/admin/login/?next=/admin/", {"username": "dana", "password": "a long enough one 7"})
    assert client.get("/admin/").status_code == 200


def test_a_new_user_needs_a_role(ada):
    response = ada.post(page(USER, "add"), new())
    assert "groups" in response.context["adminform"].form.errors


def test_who_loses_the_role_loses_the_way_in_but_stays_an_agent(ada):
    sam = signed_in("Supervisor", "Sam").person
    edit(ada, sam, "Agent")
    sam.refresh_from_db()
    assert not sam.is_staff
    assert Agent.objects.filter(user=sam).exists()


def test_saving_twice_makes_one_agent(ada):
    dana = builders.agent("Dana").user
    edit(ada, dana, "Agent")
    edit(ada, dana, "Agent", first_name="Dana-Marie")
    assert Agent.objects.filter(user=dana).count() == 1


def test_an_administrator_can_make_nobody_a_superuser(ada):
    dana = builders.agent("Dana").user
    edit(ada, dana, "Agent", is_superuser="on", is_staff="on", user_permissions=[Permission.objects.first().pk])
    dana.refresh_from_db()
    assert not dana.is_superuser
    assert not dana.is_staff
    assert not dana.user_permissions.exists()
    assert "superuser" not in words(ada.get(page(USER, "change", dana.pk))).lower()


def test_an_administrator_can_not_touch_a_superuser(ada, root):
    secret = {"password1": "taken over 123", "password2": "taken over 123"}
    assert edit(ada, root.person, "Agent").status_code == 403
    assert ada.post(f"/admin/accounts/user/{root.person.pk}/password/", secret).status_code == 403
    assert ada.post(page(USER, "delete", root.person.pk), {"post": "yes"}).status_code == 403
    assert ada.post(page(USER, "deactivate", root.person.pk)).status_code == 403
    root.person.refresh_from_db()
    assert root.person.is_superuser
    assert root.person.is_active


def test_a_superuser_can_make_another_one(root):
    dana = builders.agent("Dana").user
    edit(root, dana, "Agent", is_superuser="on")
    dana.refresh_from_db()
    assert dana.is_superuser
    assert dana.is_staff


def test_nobody_takes_away_their_own_role_or_access(ada):
    edit(ada, ada.person, is_active="")
    assert ada.post(page(USER, "deactivate", ada.person.pk)).status_code == 403
    ada.person.refresh_from_db()
    assert ada.person.is_active
    assert [group.name for group in ada.person.groups.all()] == ["Administrator"]


def test_an_administrator_sets_a_new_password(ada, client):
    dana = builders.agent("Dana").user
    secret = {"password1": "a long enough one 8", "password2": "a long enough one 8"}
    ada.post(f"/admin/accounts/user/{dana.pk}/password/", secret)
    assert User.objects.get(pk=dana.pk).check_password("a long enough one 8")


def test_a_user_who_is_an_agent_is_deactivated_and_not_deleted(ada):
    dana = builders.agent("Dana").user
    assert "1 agent." in words(ada.get(page(USER, "delete", dana.pk)))
    ada.post(page(USER, "deactivate", dana.pk))
    dana.refresh_from_db()
    assert not dana.is_active


@pytest.mark.parametrize("name", ["Supervisor", "Agent"])
def test_only_administrators_change_users(name):
    dana = builders.agent("Dana").user
    assert edit(signed_in(name), dana, "Administrator").status_code in {302, 403}
    assert [group.name for group in dana.groups.all()] == ["Agent"]


def test_nobody_gives_a_role_more_than_the_product_gives_it(ada, root):
    agents = Group.objects.get(name="Agent")
    for client in (ada, root):
        form = {"name": "Agent", "permissions": [Permission.objects.first().pk]}
        assert client.post(page("auth_group", "change", agents.pk), form).status_code == 403
        assert client.get(page("auth_group", "add")).status_code == 403
