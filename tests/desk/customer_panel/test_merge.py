"""Two contacts are seen side by side, made one and parted again, from the pane."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.conversations.contacts.merge import merge_contacts
from omnichannel.conversations.models import Contact, ContactMerge, Conversation
from omnichannel.live.models import LiveEvent
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(desk: Desk) -> Contact:
    """The same person under another number, who wrote to the same queue."""
    contact = builders.contact("Amara at work", address="whatsapp:+4915122222222")
    builders.inbound(builders.conversation(of=contact, in_queue=desk.queue), "From work")
    return contact


def url(desk: Desk, query: str = "") -> str:
    return reverse("desk:merge", args=[desk.conversation.pk]) + query


def undo_url(desk: Desk, done: ContactMerge) -> str:
    return reverse("desk:undo_merge", args=[desk.conversation.pk, done.pk])


def post(desk: Desk, who: str, other: Contact, **how: Any) -> Any:
    return browser(getattr(desk, who)).post(url(desk), {"with": other.pk}, **how)


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("omar", 200), ("sue", 200), ("ada", 200), ("eve", 404), ("stranger", 403)]
)
def test_who_sees_all_of_both_merges_them(desk: Desk, other: Contact, who: str, status: int) -> None:
    assert browser(getattr(desk, who)).get(url(desk), **HTMX).status_code == status
    assert post(desk, who, other, **HTMX).status_code == status
    assert Contact.objects.filter(pk=other.pk).exists() == (status != 200)


def test_who_is_not_signed_in_merges_nothing(desk: Desk, other: Contact) -> None:
    assert Client().post(url(desk), {"with": other.pk})["Location"].startswith("/sign-in/")
    assert Contact.objects.count() == 2


def test_of_a_customer_whom_one_does_not_see_whole_there_is_nothing_to_find(desk: Desk, other: Contact) -> None:
    builders.conversation(of=other, in_queue=builders.queue("Secret"))
    client = browser(desk.dana)
    assert "Amara at work" not in client.get(url(desk, "?q=amara"), **HTMX).content.decode()
    assert client.get(url(desk, f"?with={other.pk}")).status_code == 404
    assert post(desk, "dana", other).status_code == 404
    assert "Amara at work" in browser(desk.sue).get(url(desk, "?q=amara"), **HTMX).content.decode()


def test_the_other_contact_is_found_and_both_are_seen_side_by_side(desk: Desk, other: Contact) -> None:
    client = browser(desk.dana)
    found = client.get(url(desk, "?q=1512 222"), headers={"HX-Request": "true", "HX-Target": "merge-found"})
    assert f"?with={other.pk}" in found.content.decode()
    assert "<dialog" not in found.content.decode()
    both = client.get(url(desk, f"?with={other.pk}"), **HTMX).content.decode()
    for words in ("Amara Diallo", "Amara at work", "+49 1512 2222222", "Kept", "confirm-merge"):
        assert words in both


def test_without_the_script_it_is_a_page_at_each_step(desk: Desk, other: Contact) -> None:
    client = browser(desk.dana)
    for query in ("", "?q=amara", f"?with={other.pk}"):
        page = client.get(url(desk, query)).content.decode()
        assert page.count("<html") == 1
    assert post(desk, "dana", other)["Location"] == reverse("desk:conversation", args=[desk.conversation.pk])


def test_after_merging_one_is_where_the_conversation_is_now(desk: Desk, other: Contact) -> None:
    waits = builders.conversation(in_queue=desk.queue)
    theirs = builders.conversation(of=other, in_queue=desk.queue, on=waits.number, with_agent=desk.dana)
    answer = browser(desk.dana).post(reverse("desk:merge", args=[waits.pk]), {"with": other.pk}, **HTMX)
    assert answer["HX-Redirect"] == reverse("desk:conversation", args=[theirs.pk])
    assert not Conversation.objects.filter(pk=waits.pk).exists()


def test_what_can_not_be_merged_says_why_and_offers_no_button(desk: Desk, other: Contact) -> None:
    builders.conversation(of=other, on=desk.conversation.number, in_queue=desk.queue, with_agent=desk.omar)
    both = browser(desk.dana).get(url(desk, f"?with={other.pk}"), **HTMX).content.decode()
    assert "one with Dana, one with Omar" in both
    assert "confirm-merge" not in both
    assert post(desk, "dana", other, **HTMX).status_code == 409
    User.objects.update(language="de")
    both = browser(desk.dana).get(url(desk, f"?with={other.pk}"), **HTMX).content.decode()
    assert "eine bei Dana, eine bei Omar" in both


@pytest.mark.parametrize(
    ("who", "status"), [("dana", 200), ("sue", 200), ("ada", 200), ("omar", 403), ("eve", 404), ("stranger", 403)]
)
def test_who_merged_and_supervisors_part_them_again(desk: Desk, other: Contact, who: str, status: int) -> None:
    done = merge_contacts(desk.conversation.contact, other, by=desk.dana.user)
    assert browser(getattr(desk, who)).post(undo_url(desk, done), **HTMX).status_code == status
    assert Contact.objects.filter(pk=other.pk).exists() == (status == 200)


def test_the_pane_tells_the_other_number_and_offers_undo(desk: Desk, other: Contact) -> None:
    done = merge_contacts(desk.conversation.contact, other, by=desk.dana.user)
    about = reverse("desk:about", args=[desk.conversation.pk])
    page = browser(desk.dana).get(about, **HTMX).content.decode()
    assert f"undo-merge-{done.pk}" in page
    assert "Amara at work" in page
    page = browser(desk.omar).get(about, **HTMX).content.decode()
    assert "undo-merge" not in page
    assert "Only who merged them, or a supervisor, can undo that." in page


def test_a_merge_of_another_customer_is_not_undone_from_here(desk: Desk, other: Contact) -> None:
    third = builders.contact("Third")
    done = merge_contacts(other, third, by=desk.sue.user)
    assert browser(desk.sue).post(undo_url(desk, done)).status_code == 404


def test_what_can_no_longer_be_undone_says_why(desk: Desk, other: Contact) -> None:
    first = merge_contacts(desk.conversation.contact, other, by=desk.dana.user)
    merge_contacts(desk.conversation.contact, builders.contact("Third"), by=desk.sue.user)
    answer = browser(desk.dana).post(undo_url(desk, first), **HTMX)
    assert answer.status_code == 409
    assert "Third was merged into this customer afterwards" in answer.content.decode()
    assert browser(desk.dana).get(undo_url(desk, first)).status_code == 405


def test_a_page_that_shows_the_joined_conversation_is_told_what_became_of_it(desk: Desk, other: Contact) -> None:
    waits = builders.conversation(in_queue=desk.queue)
    builders.conversation(of=other, in_queue=desk.queue, on=waits.number, with_agent=desk.dana)
    merge_contacts(waits.contact, other, by=desk.dana.user)
    assert LiveEvent.objects.filter(kind="conversation", subject_id=waits.pk).exists()
    pieces = reverse("desk:pieces", args=[waits.pk])
    answer = browser(desk.omar).get(pieces, **HTMX)
    assert answer.status_code == 410
    assert "was joined to another one of the same customer" in answer.content.decode()
    assert browser(desk.eve).get(pieces, **HTMX).status_code == 404
