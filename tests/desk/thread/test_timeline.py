"""Events in the thread are shown in each reader's language."""

import pytest
from django.urls import reverse

from omnichannel.conversations.assignment.pick import resume_conversation, wait_for_customer
from omnichannel.conversations.models import ConversationEvent, TimelineEventKind
from omnichannel.core.localized_text import localized
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", ["conversation", "timeline"])
@pytest.mark.parametrize(
    ("language", "line"), [("en", "Dana resumed the conversation."), ("de", "Dana hat die Unterhaltung fortgesetzt.")]
)
def test_timeline_is_in_the_readers_language(desk: DeskScenario, page: str, language: str, line: str) -> None:
    wait_for_customer(desk.conversation, desk.dana)
    resume_conversation(desk.conversation, desk.dana)
    desk.omar.user.language = language
    desk.omar.user.save()
    timeline = (
        client_for(desk.omar).get(reverse(f"desk:{page}", args=[desk.conversation.pk]), **HTMX_HEADERS).content.decode()
    )
    assert line in timeline


@pytest.mark.parametrize("page", ["conversation", "timeline", "conversation_preview"])
@pytest.mark.parametrize(
    ("language", "text", "details"),
    [
        ("en", "Offered to Dana (only agent available)", "40 units free"),
        ("de", "Dana angeboten (einziger verfügbarer Agent)", "40 Einheiten frei"),
    ],
)
def test_details_of_an_event_are_shown_on_demand(
    desk: DeskScenario, page: str, language: str, text: str, details: str
) -> None:
    ConversationEvent.objects.create(
        conversation=desk.conversation,
        kind=TimelineEventKind.OFFERED,
        text=localized("Offered to %(agent)s (%(why)s)", agent="Dana", why=localized("only agent available")),
        details=localized("%(free)s units free", free=40),
    )
    desk.omar.user.language = language
    desk.omar.user.save()
    url = reverse(f"desk:{page}", args=[desk.conversation.pk])
    shown = client_for(desk.omar).get(url, **HTMX_HEADERS).content.decode()
    before, _, after = shown.partition("<details>")[2].partition("</summary>")
    assert text in before
    assert details in after.partition("</details>")[0]


def test_an_event_without_details_cannot_be_opened(desk: DeskScenario) -> None:
    wait_for_customer(desk.conversation, desk.dana)
    url = reverse("desk:timeline", args=[desk.conversation.pk])
    assert "<details>" not in client_for(desk.dana).get(url, **HTMX_HEADERS).content.decode()
