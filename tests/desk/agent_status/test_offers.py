"""Offers on the desk's pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Conversation, MessageKind, Offer, OfferOutcome
from routing.models import Agent, BasePresence, DistributionMode, State
from routing.presence import get_built_in_presence
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db

READ_URL_NAMES, ANSWER_URL_NAMES = "offers", ["accept", "reject"]


def create_offer(
    desk: DeskScenario, agent: Agent | None = None, *, seconds: int = 120, message_text: str = "Where is my lamp?"
) -> Conversation:
    """Create a conversation with a new message and offer it, to Dana by default."""
    agent = agent or desk.dana
    until = timezone.now() + timedelta(seconds=seconds)
    offered = builders.create_conversation(queue=desk.queue, offered_to=agent, offer_expires_at=until)
    builders.create_inbound_message(offered, message_text)
    Offer.objects.create(conversation=offered, agent=agent)
    return offered


def offers_fragment(of: Agent) -> str:
    return str(client_for(of).get(reverse("desk:offers"), **HTMX_HEADERS).content.decode())


def answer_offer(
    desk: DeskScenario, name: str, offered: Conversation, *, username: str = "dana", without_htmx: bool = False
) -> Any:
    url = reverse(f"desk:{name}", args=[offered.pk])
    return client_for(getattr(desk, username)).post(url, **({} if without_htmx else HTMX_HEADERS))


# -- The notice --------------------------------------------------------------------------------------------------------


def test_an_offer_says_who_where_what_and_for_how_long(desk: DeskScenario) -> None:
    create_offer(desk)
    shown = offers_fragment(desk.dana)
    for text in ("Amara Diallo", "Orders", "WhatsApp channel work stream", "Where is my lamp?"):
        assert text in shown
    assert 'data-offer-seconds="120"' in shown
    assert re.search(r">\d:[0-5]\d</span>", shown)
    assert "Accept" in shown
    assert "Reject" in shown
    assert shown.count('role="alert"') == 1


def test_an_offer_is_for_the_agent_it_is_offered_to_and_nobody_else(desk: DeskScenario) -> None:
    create_offer(desk)
    assert all(
        "Where is my lamp?" not in offers_fragment(agent)
        for agent in (desk.omar, desk.eve, desk.supervisor, desk.administrator)
    )


def test_expired_offer_is_not_shown(desk: DeskScenario) -> None:
    create_offer(desk, seconds=-1)
    assert "Where is my lamp?" not in offers_fragment(desk.dana)


def test_several_offers_are_stacked_the_most_urgent_first(desk: DeskScenario) -> None:
    create_offer(desk, seconds=90, message_text="There is time")
    create_offer(desk, seconds=20, message_text="Quick")
    shown = offers_fragment(desk.dana)
    assert shown.index("Quick") < shown.index("There is time")


def test_the_customers_words_are_shown_and_not_what_was_answered_by_itself(desk: DeskScenario) -> None:
    builders.create_outbound_message(create_offer(desk), "An agent will be with you in a moment")
    assert "Where is my lamp?" in offers_fragment(desk.dana)
    assert "in a moment" not in offers_fragment(desk.dana)


def test_a_picture_is_a_word_and_markup_is_only_text(desk: DeskScenario) -> None:
    builders.create_inbound_message(create_offer(desk), "", kind=MessageKind.MEDIA)
    create_offer(desk, message_text="<script>alert(1)</script>")
    shown = offers_fragment(desk.dana)
    assert "Document" in shown
    assert "<script>alert" not in shown


def test_repeated_offer_is_a_new_notification(desk: DeskScenario) -> None:
    offered = create_offer(desk)
    first = offers_fragment(desk.dana)
    Conversation.objects.filter(pk=offered.pk).update(offer_expires_at=timezone.now() + timedelta(minutes=9))
    identity = f'id="offer-{offered.pk}-'
    assert first.split(identity)[1][:10] != offers_fragment(desk.dana).split(identity)[1][:10]


def test_offers_page_works_without_javascript(desk: DeskScenario) -> None:
    create_offer(desk)
    client = client_for(desk.dana)
    assert reverse("desk:offers") in client.get(reverse("desk:inbox")).content.decode()
    page = client.get(reverse("desk:offers")).content.decode()
    assert "<html" in page
    assert "Where is my lamp?" in page


@pytest.mark.parametrize("count", [1, 20])
def test_offers_take_a_constant_number_of_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        create_offer(desk)
    client = client_for(desk.dana)
    with django_assert_max_num_queries(10):
        client.get(reverse("desk:offers"), **HTMX_HEADERS)


# -- Answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [True, False])
def test_accepting_opens_the_conversation(desk: DeskScenario, plain: bool) -> None:
    offered = create_offer(desk)
    page = reverse("desk:conversation", args=[offered.pk])
    assert page in answer_offer(desk, "accept", offered, without_htmx=plain)["Location" if plain else "HX-Location"]
    offered.refresh_from_db()
    assert (offered.state, offered.agent) == (State.ACTIVE, desk.dana)


@pytest.mark.parametrize(
    ("page", "header"), [("/desk/?view=open", "HX-Location"), ("/admin/", "HX-Redirect"), ("/nowhere/", "HX-Location")]
)
def test_accepting_elsewhere_leads_to_the_conversation(desk: DeskScenario, page: str, header: str) -> None:
    offered = create_offer(desk)
    headers = {**HTMX_HEADERS["headers"], "HX-Current-URL": f"http://testserver{page}"}
    answer = client_for(desk.dana).post(reverse("desk:accept", args=[offered.pk]), headers=headers)
    assert reverse("desk:conversation", args=[offered.pk]) in answer[header]


@pytest.mark.parametrize("plain", [True, False])
def test_rejecting_leaves_it_to_others(desk: DeskScenario, plain: bool) -> None:
    offered = create_offer(desk)
    assert answer_offer(desk, "reject", offered, without_htmx=plain).status_code == (302 if plain else 200)
    offered.refresh_from_db()
    assert (offered.state, offered.offered_to) == (State.OPEN, None)
    assert "Where is my lamp?" not in offers_fragment(desk.dana)


@pytest.mark.parametrize("name", ANSWER_URL_NAMES)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("person", ["omar", "supervisor", "administrator"])
def test_offer_to_another_agent_cannot_be_answered(desk: DeskScenario, name: str, plain: bool, person: str) -> None:
    offered = create_offer(desk)
    refused = answer_offer(desk, name, offered, username=person, without_htmx=plain)
    assert refused.status_code == 409
    assert "no longer offered to you" in refused.content.decode()
    offered.refresh_from_db()
    assert offered.offered_to == desk.dana


# -- Presence ----------------------------------------------------------------------------------------------------------


def test_header_shows_free_capacity(desk: DeskScenario) -> None:
    assert "70 of 100 free" in offers_fragment(desk.dana)
    assert "100 of 100 free" in offers_fragment(desk.omar)


def test_overloaded_agent_has_no_free_capacity(desk: DeskScenario) -> None:
    builders.update_work_stream(capacity=130)
    assert "0 of 100 free" in offers_fragment(desk.dana)


def miss_offer(desk: DeskScenario) -> str:
    Offer.objects.create(conversation=desk.conversation, agent=desk.dana, outcome=OfferOutcome.TIMED_OUT)
    Agent.objects.filter(pk=desk.dana.pk).update(presence=get_built_in_presence(BasePresence.INACTIVE))
    return offers_fragment(desk.dana)


@pytest.mark.parametrize("plain", [True, False])
def test_agent_is_told_of_a_missed_offer_and_can_return(desk: DeskScenario, plain: bool) -> None:
    assert "You missed <bdi>Amara Diallo</bdi> and are now Inactive." in miss_offer(desk)
    client = client_for(desk.dana)
    assert client.post(reverse("desk:return_from_inactive"), **({} if plain else HTMX_HEADERS)).status_code == (
        302 if plain else 200
    )
    desk.dana.refresh_from_db()
    assert desk.dana.presence.base_status == "available"
    assert "Come back" not in offers_fragment(desk.dana)


def test_agent_without_missed_offers_sees_no_notice(desk: DeskScenario) -> None:
    assert "Come back" not in offers_fragment(desk.dana)


# -- Permissions -------------------------------------------------------------------------------------------------------

REQUESTS: dict[str, Callable[[Client, Conversation], Any]] = {
    "offers": lambda client, offered: client.get(reverse("desk:offers")),
    "return_from_inactive": lambda client, offered: client.post(reverse("desk:return_from_inactive")),
    "accept": lambda client, offered: client.post(reverse("desk:accept", args=[offered.pk])),
    "reject": lambda client, offered: client.post(reverse("desk:reject", args=[offered.pk])),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_offers_are_for_those_who_work_at_the_desk(desk: DeskScenario, name: str) -> None:
    offered = create_offer(desk)
    assert REQUESTS[name](Client(), offered)["Location"].startswith("/sign-in/?next=/desk/")
    assert REQUESTS[name](client_for(desk.stranger), offered).status_code == 403


@pytest.mark.parametrize("person", ["dana", "omar", "eve", "supervisor", "administrator"])
def test_every_desk_user_has_their_own_presence(desk: DeskScenario, person: str) -> None:
    client = client_for(getattr(desk, person))
    assert REQUESTS["offers"](client, desk.conversation).status_code == 200
    assert REQUESTS["return_from_inactive"](client, desk.conversation).status_code == 302


@pytest.mark.parametrize("name", ANSWER_URL_NAMES)
def test_for_an_agent_of_another_queue_the_offered_conversation_does_not_exist(desk: DeskScenario, name: str) -> None:
    assert REQUESTS[name](client_for(desk.eve), create_offer(desk)).status_code == 404


@pytest.mark.parametrize("name", [*ANSWER_URL_NAMES, "return_from_inactive"])
def test_changes_require_post(desk: DeskScenario, name: str) -> None:
    url = reverse(f"desk:{name}", args=[] if name == "return_from_inactive" else [create_offer(desk).pk])
    assert client_for(desk.dana).get(url).status_code == 405


# -- Allowed conversations ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "selecting", "may"),
    [
        (DistributionMode.PUSH, True, True),
        (DistributionMode.PUSH, False, False),
        (DistributionMode.PICK, False, True),
    ],
)
def test_only_what_may_be_selected_has_the_button(desk: DeskScenario, mode: str, selecting: bool, may: bool) -> None:
    builders.update_work_stream(distribution_mode=mode, allow_selecting=selecting)
    waits = builders.create_conversation(queue=desk.queue)
    client = client_for(desk.dana)
    page = client.get(reverse("desk:conversation", args=[waits.pk])).content.decode()
    listed = client.get(reverse("desk:inbox") + "?view=open", **HTMX_HEADERS).content.decode()
    response = client.post(reverse("desk:take", args=[waits.pk]), **HTMX_HEADERS).status_code
    assert ("Assign to me" in page, '<span class="tag"' in compact(listed), response) == (
        may,
        not may,
        200 if may else 409,
    )


# -- Ongoing -----------------------------------------------------------------------------------------------------------


def get_ongoing_view(desk: DeskScenario, person: str) -> Any:
    return client_for(getattr(desk, person)).get(reverse("desk:inbox") + "?view=ongoing", **HTMX_HEADERS)


@pytest.mark.parametrize("person", ["supervisor", "administrator"])
def test_supervisor_sees_all_ongoing_conversations(desk: DeskScenario, person: str) -> None:
    builders.create_conversation(agent=desk.omar, state=State.WAITING)
    builders.create_conversation(agent=desk.eve, state=State.WRAP_UP)
    builders.create_conversation(queue=desk.queue)
    answered = get_ongoing_view(desk, person)
    rows = answered.context["inbox"].rows
    assert {str(row.conversation.agent) for row in rows} == {"Dana", "Omar", "Eve"}
    assert "<bdi>Dana</bdi> · Orders" in answered.content.decode()
    assert [tab.label for tab in answered.context["inbox"].tabs] == ["Mine", "Open", "Ongoing", "Closed"]


@pytest.mark.parametrize("person", ["dana", "omar", "eve"])
def test_an_agent_has_no_such_tab(desk: DeskScenario, person: str) -> None:
    answered = get_ongoing_view(desk, person)
    assert answered.context["inbox"].view == "my"
    assert "Ongoing" not in answered.content.decode()
