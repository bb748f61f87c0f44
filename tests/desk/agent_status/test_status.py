"""The presence menu, the user's name, sign-in and sign-out."""

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from routing.models import BasePresence, Presence
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


def built_in_presence(base: str) -> Presence:
    return Presence.objects.get(base_status=BasePresence(base), is_built_in=True)


@pytest.mark.parametrize("base", ["available", "busy", "busy_dnd", "away", "offline"])
def test_an_agent_shows_another_presence(desk: DeskScenario, base: str) -> None:
    answer = client_for(desk.dana).post(
        reverse("desk:presence"), {"presence": built_in_presence(base).pk}, **HTMX_HEADERS
    )
    desk.dana.refresh_from_db()
    assert desk.dana.presence.base_status == base
    assert built_in_presence(base).text in answer.content.decode()


def test_agent_cannot_set_inactive(desk: DeskScenario) -> None:
    answer = client_for(desk.dana).post(
        reverse("desk:presence"), {"presence": built_in_presence("inactive").pk}, **HTMX_HEADERS
    )
    desk.dana.refresh_from_db()
    assert answer.status_code == 422
    assert desk.dana.presence.base_status == "available"


@pytest.mark.parametrize(
    ("location", "leads"),
    [("/desk/?view=open", "/desk/?view=open"), ("https://evil.example/", "/desk/"), ("", "/desk/")],
)
def test_without_the_script_the_presence_leads_back_to_the_page(desk: DeskScenario, location: str, leads: str) -> None:
    form = {"presence": built_in_presence("busy").pk, "next": location}
    assert client_for(desk.dana).post(reverse("desk:presence"), form)["Location"] == leads


def post_rename(desk: DeskScenario, name: str) -> Any:
    url = reverse("desk:rename", args=[desk.conversation.pk])
    return client_for(desk.dana).post(url, {"name": name}, **HTMX_HEADERS)


def test_a_customer_is_given_a_name_and_loses_it_again(desk: DeskScenario) -> None:
    assert "Amara from Lyon" in post_rename(desk, "  Amara from Lyon ").content.decode()
    contact = desk.conversation.contact
    contact.refresh_from_db()
    assert contact.display_name == "Amara from Lyon"
    post_rename(desk, "")
    contact.refresh_from_db()
    assert contact.display_name == "Amara Diallo"


def test_a_name_that_is_too_long_is_refused_in_words(desk: DeskScenario) -> None:
    answer = post_rename(desk, "x" * 201)
    assert answer.status_code == 422
    assert "at most 200 characters" in answer.content.decode()


def post_sign_in(client: Client, password: str = "correct horse", **form: str) -> Any:
    return client.post(reverse("sign_in"), {"username": "dana", "password": password, **form})


def test_sign_in_redirects_to_the_desk_or_the_requested_page(desk: DeskScenario) -> None:
    assert post_sign_in(Client())["Location"] == "/desk/"
    assert post_sign_in(Client(), next="/desk/?view=open")["Location"] == "/desk/?view=open"
    assert post_sign_in(Client(), next="https://evil.example/")["Location"] == "/desk/"


def test_wrong_password_shows_a_message_and_keeps_the_name(desk: DeskScenario) -> None:
    shown = post_sign_in(Client(), "wrong").content.decode()
    assert "Incorrect user name or password." in shown
    assert 'value="dana"' in shown


def test_sign_in_is_locked_after_five_wrong_passwords(desk: DeskScenario) -> None:
    client = Client()
    for _ in range(5):
        answer = post_sign_in(client, "wrong")
    assert answer.status_code in {403, 429}
    assert "Too many attempts" in answer.content.decode()
    assert post_sign_in(client).status_code in {403, 429}


def test_signed_in_user_is_redirected_from_sign_in(desk: DeskScenario) -> None:
    assert client_for(desk.dana).get(reverse("sign_in"))["Location"] == "/desk/"


def test_signing_out_is_a_form_and_ends_the_session(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    assert client.get(reverse("sign_out")).status_code == 405
    assert client.post(reverse("sign_out"))["Location"] == "/sign-in/"
    assert client.get(reverse("desk:inbox")).status_code == 302


@pytest.mark.parametrize(("user_key", "is_staff"), [("dana", False), ("administrator", True)])
def test_admin_link_is_shown_to_staff(desk: DeskScenario, user_key: str, is_staff: bool) -> None:
    person = getattr(desk, user_key).user
    person.is_staff = is_staff
    person.save()
    assert ("Administration" in client_for(person).get(reverse("desk:inbox")).content.decode()) == is_staff


PAGE_PATHS = ["/sign-in/", "/desk/", "/nowhere/"]


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_no_page_holds_script_or_style_of_its_own(desk: DeskScenario, path: str) -> None:
    client = Client() if path == "/sign-in/" else client_for(desk.dana)
    shown = client.get(path).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", shown)
    assert "Skip to content" in shown


def test_unknown_page_shows_a_404_page(desk: DeskScenario) -> None:
    answer = client_for(desk.dana).get("/nowhere/")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_a_hostile_message_leaves_the_conversations_page_without_handlers(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "<b onclick=alert(1) style='x'>")
    shown = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<[^>]*\s(style|onclick)=", shown)


def test_error_500_page_is_static() -> None:
    shown = render_to_string("500.html")
    assert "Something went wrong" in shown
