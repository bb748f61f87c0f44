"""What is offered to an agent, and what they show, on the desk's pages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Conversation, Kind, Offer, OfferOutcome
from routing.models import Agent, BasePresence, DistributionMode, State
from routing.presence import built_in
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db

READ, WRITE_ONE = "offers", ["accept", "reject"]


def offer(desk: Desk, to: Agent | None = None, *, seconds: int = 120, says: str = "Where is my lamp?") -> Conversation:
    """A conversation whose customer has just written, offered to Dana unless to somebody else."""
    agent = to or desk.dana
    until = timezone.now() + timedelta(seconds=seconds)
    offered = builders.conversation(in_queue=desk.queue, offered_to=agent, offer_expires_at=until)
    builders.inbound(offered, says)
    Offer.objects.create(conversation=offered, agent=agent)
    return offered


def fragment(of: Agent) -> str:
    return str(browser(of).get(reverse("desk:offers"), **HTMX).content.decode())


def answer(desk: Desk, name: str, offered: Conversation, *, who: str = "dana", plain: bool = False) -> Any:
    url = reverse(f"desk:{name}", args=[offered.pk])
    return browser(getattr(desk, who)).post(url, **({} if plain else HTMX))


# -- The notice -------------------------------------------------------------------------------------------------------


def test_an_offer_says_who_where_what_and_for_how_long(desk: Desk) -> None:
    offer(desk)
    shown = fragment(desk.dana)
    for words in ("Amara Diallo", "Orders", "WhatsApp channel work stream", "Where is my lamp?", "sec remaining"):
        assert words in shown
    assert 'max="120"' in shown
    assert "Accept" in shown
    assert "Reject" in shown
    assert shown.count('role="alert"') == 1


def test_an_offer_is_for_the_agent_it_is_offered_to_and_nobody_else(desk: Desk) -> None:
    offer(desk)
    assert all("Where is my lamp?" not in fragment(one) for one in (desk.omar, desk.eve, desk.sue, desk.ada))


def test_what_has_run_out_is_not_shown_though_nobody_has_said_so_yet(desk: Desk) -> None:
    offer(desk, seconds=-1)
    assert "Where is my lamp?" not in fragment(desk.dana)


def test_several_offers_are_stacked_the_most_urgent_first(desk: Desk) -> None:
    offer(desk, seconds=90, says="There is time")
    offer(desk, seconds=20, says="Quick")
    shown = fragment(desk.dana)
    assert shown.index("Quick") < shown.index("There is time")


def test_the_customers_words_are_shown_and_not_what_was_answered_by_itself(desk: Desk) -> None:
    builders.outbound(offer(desk), "An agent will be with you in a moment")
    assert "Where is my lamp?" in fragment(desk.dana)
    assert "in a moment" not in fragment(desk.dana)


def test_a_picture_is_a_word_and_markup_is_only_text(desk: Desk) -> None:
    builders.inbound(offer(desk), "", kind=Kind.MEDIA)
    offer(desk, says="<script>alert(1)</script>")
    shown = fragment(desk.dana)
    assert "Document" in shown
    assert "<script>alert" not in shown


def test_an_offer_made_anew_is_another_notice(desk: Desk) -> None:
    offered = offer(desk)
    first = fragment(desk.dana)
    Conversation.objects.filter(pk=offered.pk).update(offer_expires_at=timezone.now() + timedelta(minutes=9))
    identity = f'id="offer-{offered.pk}-'
    assert first.split(identity)[1][:10] != fragment(desk.dana).split(identity)[1][:10]


def test_without_the_script_what_is_offered_is_a_page(desk: Desk) -> None:
    offer(desk)
    client = browser(desk.dana)
    assert reverse("desk:offers") in client.get(reverse("desk:inbox")).content.decode()
    page = client.get(reverse("desk:offers")).content.decode()
    assert "<html" in page
    assert "Where is my lamp?" in page


@pytest.mark.parametrize("count", [1, 20])
def test_however_much_is_offered_it_takes_as_many_questions(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        offer(desk)
    client = browser(desk.dana)
    with django_assert_max_num_queries(10):
        client.get(reverse("desk:offers"), **HTMX)


# -- Answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [True, False])
def test_accepting_opens_the_conversation(desk: Desk, plain: bool) -> None:
    offered = offer(desk)
    page = reverse("desk:conversation", args=[offered.pk])
    assert page in answer(desk, "accept", offered, plain=plain)["Location" if plain else "HX-Location"]
    offered.refresh_from_db()
    assert (offered.state, offered.agent) == (State.ACTIVE, desk.dana)


@pytest.mark.parametrize("plain", [True, False])
def test_rejecting_leaves_it_to_others(desk: Desk, plain: bool) -> None:
    offered = offer(desk)
    assert answer(desk, "reject", offered, plain=plain).status_code == (302 if plain else 200)
    offered.refresh_from_db()
    assert (offered.state, offered.offered_to) == (State.OPEN, None)
    assert "Where is my lamp?" not in fragment(desk.dana)


@pytest.mark.parametrize("name", WRITE_ONE)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("who", ["omar", "sue", "ada"])
def test_nobody_answers_an_offer_made_to_somebody_else(desk: Desk, name: str, plain: bool, who: str) -> None:
    offered = offer(desk)
    refused = answer(desk, name, offered, who=who, plain=plain)
    assert refused.status_code == 409
    assert "not offered to you any more" in refused.content.decode()
    offered.refresh_from_db()
    assert offered.offered_to == desk.dana


# -- Presence ---------------------------------------------------------------------------------------------------------


def test_the_bar_says_how_much_is_free(desk: Desk) -> None:
    assert "70 of 100 free" in fragment(desk.dana)
    assert "100 of 100 free" in fragment(desk.omar)


def test_who_has_more_than_they_can_take_has_nothing_free(desk: Desk) -> None:
    builders.work_stream(capacity=130)
    assert "0 of 100 free" in fragment(desk.dana)


def missed(desk: Desk) -> str:
    Offer.objects.create(conversation=desk.conversation, agent=desk.dana, outcome=OfferOutcome.TIMED_OUT)
    Agent.objects.filter(pk=desk.dana.pk).update(presence=built_in(BasePresence.INACTIVE))
    return fragment(desk.dana)


@pytest.mark.parametrize("plain", [True, False])
def test_who_missed_an_offer_is_told_and_comes_back(desk: Desk, plain: bool) -> None:
    assert "You missed <bdi>Amara Diallo</bdi> and are Inactive." in missed(desk)
    client = browser(desk.dana)
    assert client.post(reverse("desk:back"), **({} if plain else HTMX)).status_code == (302 if plain else 200)
    desk.dana.refresh_from_db()
    assert desk.dana.presence.base_status == "available"
    assert "Come back" not in fragment(desk.dana)


def test_who_missed_nothing_is_told_nothing(desk: Desk) -> None:
    assert "Come back" not in fragment(desk.dana)


# -- Who may ----------------------------------------------------------------------------------------------------------

EVERY: dict[str, Callable[[Client, Conversation], Any]] = {
    "offers": lambda client, offered: client.get(reverse("desk:offers")),
    "back": lambda client, offered: client.post(reverse("desk:back")),
    "accept": lambda client, offered: client.post(reverse("desk:accept", args=[offered.pk])),
    "reject": lambda client, offered: client.post(reverse("desk:reject", args=[offered.pk])),
}


@pytest.mark.parametrize("name", EVERY)
def test_offers_are_for_those_who_work_at_the_desk(desk: Desk, name: str) -> None:
    offered = offer(desk)
    assert EVERY[name](Client(), offered)["Location"].startswith("/sign-in/?next=/desk/")
    assert EVERY[name](browser(desk.stranger), offered).status_code == 403


@pytest.mark.parametrize("who", ["dana", "omar", "eve", "sue", "ada"])
def test_everybody_at_the_desk_has_a_standing_of_their_own(desk: Desk, who: str) -> None:
    client = browser(getattr(desk, who))
    assert EVERY["offers"](client, desk.conversation).status_code == 200
    assert EVERY["back"](client, desk.conversation).status_code == 302


@pytest.mark.parametrize("name", WRITE_ONE)
def test_for_an_agent_of_another_queue_the_offered_conversation_does_not_exist(desk: Desk, name: str) -> None:
    assert EVERY[name](browser(desk.eve), offer(desk)).status_code == 404


@pytest.mark.parametrize("name", [*WRITE_ONE, "back"])
def test_what_changes_something_is_never_a_link(desk: Desk, name: str) -> None:
    url = reverse(f"desk:{name}", args=[] if name == "back" else [offer(desk).pk])
    assert browser(desk.dana).get(url).status_code == 405


# -- What may be taken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "selecting", "may"),
    [
        (DistributionMode.PUSH, True, True),
        (DistributionMode.PUSH, False, False),
        (DistributionMode.PICK, False, True),
    ],
)
def test_only_what_may_be_selected_has_the_button(desk: Desk, mode: str, selecting: bool, may: bool) -> None:
    builders.work_stream(distribution_mode=mode, allow_selecting=selecting)
    waits = builders.conversation(in_queue=desk.queue)
    client = browser(desk.dana)
    page = client.get(reverse("desk:conversation", args=[waits.pk])).content.decode()
    listed = client.get(reverse("desk:inbox") + "?view=open", **HTMX).content.decode()
    taken = client.post(reverse("desk:take", args=[waits.pk]), **HTMX).status_code
    assert ("Assign to me" in page, '<span class="tag"' in compact(listed), taken) == (
        may,
        not may,
        200 if may else 409,
    )


# -- Ongoing ----------------------------------------------------------------------------------------------------------


def ongoing(desk: Desk, who: str) -> Any:
    return browser(getattr(desk, who)).get(reverse("desk:inbox") + "?view=ongoing", **HTMX)


@pytest.mark.parametrize("who", ["sue", "ada"])
def test_a_supervisor_sees_what_everybody_has_with_whom_and_from_where(desk: Desk, who: str) -> None:
    builders.conversation(with_agent=desk.omar, state=State.WAITING)
    builders.conversation(with_agent=desk.eve, state=State.WRAP_UP)
    builders.conversation(in_queue=desk.queue)
    answered = ongoing(desk, who)
    rows = answered.context["inbox"].rows
    assert {str(row.conversation.agent) for row in rows} == {"Dana", "Omar", "Eve"}
    assert "<bdi>Dana</bdi> · Orders" in answered.content.decode()
    assert [tab.label for tab in answered.context["inbox"].tabs] == ["My", "Open", "Ongoing", "Closed"]


@pytest.mark.parametrize("who", ["dana", "omar", "eve"])
def test_an_agent_has_no_such_tab(desk: Desk, who: str) -> None:
    answered = ongoing(desk, who)
    assert answered.context["inbox"].view == "my"
    assert "Ongoing" not in answered.content.decode()
