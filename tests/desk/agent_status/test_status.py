"""The agent's presence, the customer's name, and the way in and out."""

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from routing.models import BasePresence, Presence
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def presence(base: str) -> Presence:
    return Presence.objects.get(base_status=BasePresence(base), is_built_in=True)


@pytest.mark.parametrize("base", ["available", "busy", "busy_dnd", "away", "offline"])
def test_an_agent_shows_another_presence(desk: Desk, base: str) -> None:
    answer = browser(desk.dana).post(reverse("desk:presence"), {"presence": presence(base).pk}, **HTMX)
    desk.dana.refresh_from_db()
    assert desk.dana.presence.base_status == base
    assert presence(base).text in answer.content.decode()


def test_nobody_makes_themselves_inactive(desk: Desk) -> None:
    answer = browser(desk.dana).post(reverse("desk:presence"), {"presence": presence("inactive").pk}, **HTMX)
    desk.dana.refresh_from_db()
    assert answer.status_code == 422
    assert desk.dana.presence.base_status == "available"


@pytest.mark.parametrize(
    ("back", "leads"), [("/desk/?view=open", "/desk/?view=open"), ("https://evil.example/", "/desk/"), ("", "/desk/")]
)
def test_without_the_script_the_presence_leads_back_to_the_page(desk: Desk, back: str, leads: str) -> None:
    form = {"presence": presence("busy").pk, "next": back}
    assert browser(desk.dana).post(reverse("desk:presence"), form)["Location"] == leads


def rename(desk: Desk, name: str) -> Any:
    url = reverse("desk:rename", args=[desk.conversation.pk])
    return browser(desk.dana).post(url, {"name": name}, **HTMX)


def test_a_customer_is_given_a_name_and_loses_it_again(desk: Desk) -> None:
    assert "Amara from Lyon" in rename(desk, "  Amara from Lyon ").content.decode()
    contact = desk.conversation.contact
    contact.refresh_from_db()
    assert contact.display_name == "Amara from Lyon"
    rename(desk, "")
    contact.refresh_from_db()
    assert contact.display_name == "Amara Diallo"


def test_a_name_that_is_too_long_is_refused_in_words(desk: Desk) -> None:
    answer = rename(desk, "x" * 201)
    assert answer.status_code == 422
    assert "at most 200 characters" in answer.content.decode()


def sign_in(client: Client, password: str = "correct horse", **form: str) -> Any:
    return client.post(reverse("sign_in"), {"username": "dana", "password": password, **form})


def test_signing_in_leads_to_the_desk_or_where_one_wanted_to_go(desk: Desk) -> None:
    assert sign_in(Client())["Location"] == "/desk/"
    assert sign_in(Client(), next="/desk/?view=open")["Location"] == "/desk/?view=open"
    assert sign_in(Client(), next="https://evil.example/")["Location"] == "/desk/"


def test_a_wrong_password_is_told_in_words_and_the_name_is_kept(desk: Desk) -> None:
    shown = sign_in(Client(), "wrong").content.decode()
    assert "User name and password do not match." in shown
    assert 'value="dana"' in shown


def test_after_five_wrong_passwords_the_door_is_locked_with_a_page_that_says_so(desk: Desk) -> None:
    client = Client()
    for _ in range(5):
        answer = sign_in(client, "wrong")
    assert answer.status_code in {403, 429}
    assert "Too many attempts" in answer.content.decode()
    assert sign_in(client).status_code in {403, 429}


def test_who_is_signed_in_does_not_see_the_sign_in_page(desk: Desk) -> None:
    assert browser(desk.dana).get(reverse("sign_in"))["Location"] == "/desk/"


def test_signing_out_is_a_form_and_ends_the_session(desk: Desk) -> None:
    client = browser(desk.dana)
    assert client.get(reverse("sign_out")).status_code == 405
    assert client.post(reverse("sign_out"))["Location"] == "/sign-in/"
    assert client.get(reverse("desk:inbox")).status_code == 302


@pytest.mark.parametrize(("who", "is_staff"), [("dana", False), ("ada", True)])
def test_the_way_to_the_administration_is_shown_to_staff(desk: Desk, who: str, is_staff: bool) -> None:
    person = getattr(desk, who).user
    person.is_staff = is_staff
    person.save()
    assert ("Administration" in browser(person).get(reverse("desk:inbox")).content.decode()) == is_staff


PAGES = ["/sign-in/", "/desk/", "/nowhere/"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_script_or_style_of_its_own(desk: Desk, path: str) -> None:
    client = Client() if path == "/sign-in/" else browser(desk.dana)
    shown = client.get(path).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", shown)
    assert "Skip to the content" in shown


def test_a_page_that_is_not_there_says_so(desk: Desk) -> None:
    answer = browser(desk.dana).get("/nowhere/")
    assert answer.status_code == 404
    assert "This page is not here" in answer.content.decode()


def test_a_hostile_message_leaves_the_conversations_page_without_handlers(desk: Desk) -> None:
    builders.inbound(desk.conversation, "<b onclick=alert(1) style='x'>")
    shown = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<[^>]*\s(style|onclick)=", shown)


def test_a_fault_has_a_page_that_needs_nothing_of_the_server() -> None:
    shown = render_to_string("500.html")
    assert "Something went wrong" in shown
