"""The admin sidebar shows each user the groups and models they may see."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from omnichannel.accounts.models import User
from omnichannel.core.admin.site import SIDEBAR
from routing.admin.related_lists import ChildAdmin
from tests import builders
from tests.admin_client import UserClient, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db


def sidebar_groups(person: User) -> dict[str, list[str]]:
    request = RequestFactory().get("/admin/")
    request.user = person
    return {group["name"]: [model["name"] for model in group["models"]] for group in admin.site.get_app_list(request)}


def test_every_registered_model_has_a_place_in_the_sidebar() -> None:
    placed = {model for _, entries in SIDEBAR for model, _, _ in entries}
    registry = admin.site._registry.items()
    assert {model._meta.label for model, model_admin in registry if not isinstance(model_admin, ChildAdmin)} <= placed


def test_every_place_in_the_sidebar_has_a_model() -> None:
    placed = {model for _, entries in SIDEBAR for model, _, _ in entries}
    assert placed <= {model._meta.label for model in admin.site._registry}


def test_an_administrator_finds_whatsapp_under_channels() -> None:
    shown = sidebar_groups(create_signed_in_client("Administrator").user)
    assert list(shown) == ["Channels", "Work distribution", "People", "Agent experience", "Monitoring"]
    assert shown["Channels"][0] == "WhatsApp"


def test_a_group_without_entries_is_not_shown() -> None:
    assert list(sidebar_groups(create_signed_in_client("Supervisor").user)) == [
        "Work distribution",
        "People",
        "Agent experience",
        "Monitoring",
    ]


def test_a_supervisor_sees_no_channels() -> None:
    shown = sidebar_groups(create_signed_in_client("Supervisor").user)
    assert "Channels" not in shown
    assert "Agents" in shown["People"]


def test_a_model_without_a_place_is_shown_in_a_last_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnichannel.core.admin.site.SIDEBAR", [])
    shown = sidebar_groups(create_signed_in_client("Administrator").user)
    assert list(shown) == ["More"]
    assert len(shown["More"]) > 5


def test_admin_index_shows_groups_and_a_link_to_the_desk() -> None:
    response = create_signed_in_client("Administrator", "Ada").get("/admin/")
    assert 'href="/desk/"' in response.content.decode()
    assert "Channels" in visible_text(response)


def test_agent_cannot_enter_the_admin() -> None:
    response = create_signed_in_client("Agent").get("/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_a_stranger_is_sent_to_sign_in_and_back(client: Client, settings: Any) -> None:
    settings.LOGIN_URL = "/sign-in/"
    response = client.get("/admin/channels_whatsapp/whatsappaccount/")
    assert response["Location"] == "/sign-in/?next=/admin/channels_whatsapp/whatsappaccount/"


def test_the_admins_own_sign_in_page_still_works(client: Client) -> None:
    ada = create_signed_in_client("Administrator", "Ada").user
    assert client.get("/admin/login/").status_code == 200
    client.post("/admin/login/?next=/admin/", {"username": ada.username, "password": "correct horse"})
    assert client.get("/admin/").status_code == 200


def test_sign_in_at_the_admin_is_throttled(client: Client) -> None:
    ada = create_signed_in_client("Administrator", "Ada").user
    for _ in range(5):
        client.post("/admin/login/", {"username": ada.username, "password": "wrong"})
    client.post("/admin/login/", {"username": ada.username, "password": "correct horse"})
    assert "_auth_user_id" not in client.session


def test_admin_pages_are_not_cached() -> None:
    response = create_signed_in_client("Administrator").get("/admin/")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_every_list_and_add_page_opens(role: str) -> None:
    client = create_signed_in_client(role)
    builders.create_inbound_message(builders.create_conversation())
    for model, model_admin in admin.site._registry.items():
        name = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        request = RequestFactory().get(name)
        request.user = client.user
        if model_admin.has_view_permission(request):
            assert client.get(name, follow=True).status_code == 200, name
            thing = model._default_manager.first()
            if thing is not None:
                assert client.get(f"{name}{thing.pk}/change/").status_code == 200, name
        if model_admin.has_add_permission(request):
            assert client.get(f"{name}add/", follow=True).status_code == 200, name


def test_page_of_one_app_and_page_for_a_new_password_are_shown(admin_client: UserClient) -> None:
    page = admin_client.get("/admin/routing/").content.decode()
    assert "<title>" in page
    assert 'class="model-groups"' in page
    assert "Save password" in admin_client.get("/admin/password_change/").content.decode()
    assert "Password changed." in admin_client.get("/admin/password_change/done/").content.decode()
