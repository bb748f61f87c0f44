"""Events in the thread are shown in each reader's language."""

import pytest
from django.urls import reverse

from omnichannel.conversations.assignment.pick import resume_conversation, wait_for_customer
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
