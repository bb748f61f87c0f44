"""Comparing, merging and unmerging two contacts in the customer panel."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.conversations.contacts.merge import merge_contacts
from omnichannel.conversations.models import Contact, ContactMerge, Conversation
from omnichannel.events.models import Event
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_contact(desk: DeskScenario) -> Contact:
    """Return a contact of the same person with another number and a conversation in the same queue."""
    contact = builders.create_contact("Amara at work", address="whatsapp:+4915122222222")
    builders.create_inbound_message(builders.create_conversation(contact=contact, queue=desk.queue), "From work")
    return contact


def merge_url(desk: DeskScenario, query: str = "") -> str:
    return reverse("desk:merge", args=[desk.conversation.pk]) + query


def undo_url(desk: DeskScenario, done: ContactMerge) -> str:
    return reverse("desk:undo_merge", args=[desk.conversation.pk, done.pk])


def post_merge(desk: DeskScenario, person: str, other: Contact, **method: Any) -> Any:
    return client_for(getattr(desk, person)).post(merge_url(desk), {"other": other.pk}, **method)


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("omar", 200), ("supervisor", 200), ("administrator", 200), ("eve", 404), ("stranger", 403)],
)
def test_agent_who_sees_both_contacts_can_merge_them(
    desk: DeskScenario, other_contact: Contact, person: str, status: int
) -> None:
    assert client_for(getattr(desk, person)).get(merge_url(desk), **HTMX_HEADERS).status_code == status
    assert post_merge(desk, person, other_contact, **HTMX_HEADERS).status_code == status
    assert Contact.objects.filter(pk=other_contact.pk).exists() == (status != 200)


def test_anonymous_user_cannot_merge(desk: DeskScenario, other_contact: Contact) -> None:
    assert Client().post(merge_url(desk), {"other": other_contact.pk})["Location"].startswith("/sign-in/")
    assert Contact.objects.count() == 2


def test_partly_visible_contact_is_not_offered_for_merging(desk: DeskScenario, other_contact: Contact) -> None:
    builders.create_conversation(contact=other_contact, queue=builders.create_queue("Secret"))
    client = client_for(desk.dana)
    assert "Amara at work" not in client.get(merge_url(desk, "?q=amara"), **HTMX_HEADERS).content.decode()
    assert client.get(merge_url(desk, f"?other={other_contact.pk}")).status_code == 404
    assert post_merge(desk, "dana", other_contact).status_code == 404
    assert (
        "Amara at work" in client_for(desk.supervisor).get(merge_url(desk, "?q=amara"), **HTMX_HEADERS).content.decode()
    )


def test_the_other_contact_is_found_and_both_are_seen_side_by_side(desk: DeskScenario, other_contact: Contact) -> None:
    client = client_for(desk.dana)
    headers = {"HX-Request": "true", "HX-Target": "merge-results"}
    search_page = client.get(merge_url(desk, "?q=1512 222"), headers=headers)
    assert f"?other={other_contact.pk}" in search_page.content.decode()
    assert "<dialog" not in search_page.content.decode()
    both = client.get(merge_url(desk, f"?other={other_contact.pk}"), **HTMX_HEADERS).content.decode()
    for text in ("Amara Diallo", "Amara at work", "+49 1512 2222222", "Result", "confirm-merge"):
        assert text in both


def test_merge_works_without_javascript(desk: DeskScenario, other_contact: Contact) -> None:
    client = client_for(desk.dana)
    for query in ("", "?q=amara", f"?other={other_contact.pk}"):
        page = client.get(merge_url(desk, query)).content.decode()
        assert page.count("<html") == 1
    assert post_merge(desk, "dana", other_contact)["Location"] == reverse(
        "desk:conversation", args=[desk.conversation.pk]
    )


def test_merge_redirects_to_the_merged_conversation(desk: DeskScenario, other_contact: Contact) -> None:
    waits = builders.create_conversation(queue=desk.queue)
    merged_conversation = builders.create_conversation(
        contact=other_contact, queue=desk.queue, number=waits.number, agent=desk.dana
    )
    answer = client_for(desk.dana).post(
        reverse("desk:merge", args=[waits.pk]), {"other": other_contact.pk}, **HTMX_HEADERS
    )
    assert answer["HX-Redirect"] == reverse("desk:conversation", args=[merged_conversation.pk])
    assert not Conversation.objects.filter(pk=waits.pk).exists()


def test_impossible_merge_shows_the_reason_and_no_button(desk: DeskScenario, other_contact: Contact) -> None:
    builders.create_conversation(
        contact=other_contact, number=desk.conversation.number, queue=desk.queue, agent=desk.omar
    )
    both = client_for(desk.dana).get(merge_url(desk, f"?other={other_contact.pk}"), **HTMX_HEADERS).content.decode()
    assert "one with Dana, one with Omar" in both
    assert "confirm-merge" not in both
    assert post_merge(desk, "dana", other_contact, **HTMX_HEADERS).status_code == 409
    User.objects.update(language="de")
    both = client_for(desk.dana).get(merge_url(desk, f"?other={other_contact.pk}"), **HTMX_HEADERS).content.decode()
    assert "eine bei Dana, eine bei Omar" in both


@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 200), ("supervisor", 200), ("administrator", 200), ("omar", 403), ("eve", 404), ("stranger", 403)],
)
def test_merging_agent_and_supervisors_can_undo(
    desk: DeskScenario, other_contact: Contact, person: str, status: int
) -> None:
    done = merge_contacts(desk.conversation.contact, other_contact, by=desk.dana.user)
    assert client_for(getattr(desk, person)).post(undo_url(desk, done), **HTMX_HEADERS).status_code == status
    assert Contact.objects.filter(pk=other_contact.pk).exists() == (status == 200)


def test_panel_shows_the_other_number_and_offers_undo(desk: DeskScenario, other_contact: Contact) -> None:
    done = merge_contacts(desk.conversation.contact, other_contact, by=desk.dana.user)
    about = reverse("desk:customer_details", args=[desk.conversation.pk])
    page = client_for(desk.dana).get(about, **HTMX_HEADERS).content.decode()
    assert f"undo-merge-{done.pk}" in page
    assert "Amara at work" in page
    page = client_for(desk.omar).get(about, **HTMX_HEADERS).content.decode()
    assert "undo-merge" not in page
    assert "Only the person who merged them or a supervisor can undo this." in page


def test_a_merge_of_another_customer_is_not_undone_from_here(desk: DeskScenario, other_contact: Contact) -> None:
    third = builders.create_contact("Third")
    done = merge_contacts(other_contact, third, by=desk.supervisor.user)
    assert client_for(desk.supervisor).post(undo_url(desk, done)).status_code == 404


def test_impossible_undo_shows_the_reason(desk: DeskScenario, other_contact: Contact) -> None:
    first = merge_contacts(desk.conversation.contact, other_contact, by=desk.dana.user)
    merge_contacts(desk.conversation.contact, builders.create_contact("Third"), by=desk.supervisor.user)
    answer = client_for(desk.dana).post(undo_url(desk, first), **HTMX_HEADERS)
    assert answer.status_code == 409
    assert "Third was merged into this customer later" in answer.content.decode()
    assert client_for(desk.dana).get(undo_url(desk, first)).status_code == 405


def test_page_of_a_merged_conversation_gets_410_with_the_reason(desk: DeskScenario, other_contact: Contact) -> None:
    waits = builders.create_conversation(queue=desk.queue)
    builders.create_conversation(contact=other_contact, queue=desk.queue, number=waits.number, agent=desk.dana)
    merge_contacts(waits.contact, other_contact, by=desk.dana.user)
    assert Event.objects.filter(kind="conversation", subject_id=waits.pk).exists()
    pieces = reverse("desk:updates", args=[waits.pk])
    answer = client_for(desk.omar).get(pieces, **HTMX_HEADERS)
    assert answer.status_code == 410
    assert "was merged into another one with the same customer" in answer.content.decode()
    assert client_for(desk.eve).get(pieces, **HTMX_HEADERS).status_code == 404
