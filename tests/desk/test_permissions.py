"""Permissions of all desk URLs for each kind of user."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Attachment, AttachmentState
from routing.models import State
from tests import builders
from tests.desk.scenario import DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db

READ_URL_NAMES = ["conversation", "updates", "previous_conversations"]
WRITE_URL_NAMES = ["mark_read", "reply", "take", "release", "wait_for_customer", "resume", "end", "close", "rename"]
USERS_WHO_SEE = ["dana", "omar", "supervisor", "administrator"]


def create_attachment(desk: DeskScenario, **fields: Any) -> Attachment:
    message = builders.create_inbound_message(desk.conversation)
    attachment = Attachment(
        message=message, content_type="image/png", name="a.png", state=AttachmentState.STORED, **fields
    )
    attachment.file.save("", ContentFile(b"png"), save=True)
    return attachment


@pytest.mark.parametrize("name", READ_URL_NAMES)
@pytest.mark.parametrize("person", USERS_WHO_SEE)
def test_those_who_work_in_the_queue_or_see_all_open_a_conversation(desk: DeskScenario, name: str, person: str) -> None:
    assert client_for(getattr(desk, person)).get(conversation_url(desk, name)).status_code == 200


@pytest.mark.parametrize("name", READ_URL_NAMES)
def test_for_an_agent_of_another_queue_a_conversation_does_not_exist(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.eve).get(conversation_url(desk, name)).status_code == 404


@pytest.mark.parametrize("name", WRITE_URL_NAMES)
def test_an_agent_of_another_queue_can_do_nothing_with_a_conversation(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.eve).post(conversation_url(desk, name), {"text": "Hi", "name": "X"}).status_code == 404


@pytest.mark.parametrize("name", [*READ_URL_NAMES, *WRITE_URL_NAMES])
def test_user_without_role_sees_an_explanation(desk: DeskScenario, name: str) -> None:
    client = client_for(desk.stranger)
    answer = (
        client.get(conversation_url(desk, name))
        if name in READ_URL_NAMES
        else client.post(conversation_url(desk, name))
    )
    assert answer.status_code == 403
    assert "You don't have access" in answer.content.decode()


@pytest.mark.parametrize("name", [*READ_URL_NAMES, *WRITE_URL_NAMES])
def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario, name: str) -> None:
    client = Client()
    answer = (
        client.get(conversation_url(desk, name))
        if name in READ_URL_NAMES
        else client.post(conversation_url(desk, name))
    )
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/desk/")


def test_a_page_whose_session_has_ended_is_sent_to_the_sign_in_whole(desk: DeskScenario) -> None:
    conversation_path = conversation_url(desk, "conversation")
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{conversation_path}"}
    answer = Client().get(conversation_url(desk, "updates"), headers=headers)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/sign-in/?next={conversation_path.replace('/', '%2F')}"


@pytest.mark.parametrize("name", sorted(set(WRITE_URL_NAMES) - {"close"}))
def test_changes_require_post(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.dana).get(conversation_url(desk, name)).status_code == 405


@pytest.mark.parametrize("person", ["omar", "supervisor", "administrator"])
def test_only_the_agent_who_has_a_conversation_answers_in_it(desk: DeskScenario, person: str) -> None:
    answer = client_for(getattr(desk, person)).post(conversation_url(desk, "reply"), {"text": "Hi"})
    assert answer.status_code == 422
    assert not desk.conversation.messages.exists()


@pytest.mark.parametrize("name", ["release", "wait_for_customer", "end"])
def test_a_colleague_cannot_move_somebody_elses_conversation(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.omar).post(conversation_url(desk, name)).status_code == 409
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.agent) == (State.ACTIVE, desk.dana)


@pytest.mark.parametrize(
    ("person", "status"), [*((person, 200) for person in USERS_WHO_SEE), ("eve", 404), ("stranger", 403)]
)
def test_a_file_is_for_those_who_see_its_conversation(desk: DeskScenario, person: str, status: int) -> None:
    attachment = create_attachment(desk)
    assert client_for(getattr(desk, person)).get(reverse("desk:attachment", args=[attachment.pk])).status_code == status


@pytest.mark.parametrize(("person", "status"), [("dana", 409), ("eve", 404), ("stranger", 403)])
def test_fetching_a_file_again_is_for_those_who_see_its_conversation(
    desk: DeskScenario, person: str, status: int
) -> None:
    attachment = create_attachment(desk)
    assert (
        client_for(getattr(desk, person)).post(reverse("desk:retry_download", args=[attachment.pk])).status_code
        == status
    )


@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_user_without_access_cannot_resend_a_failed_message(desk: DeskScenario, person: str, status: int) -> None:
    failed = builders.create_outbound_message(desk.conversation, status="failed")
    url = reverse("desk:resend", args=[desk.conversation.pk, failed.pk])
    assert client_for(getattr(desk, person)).post(url).status_code == status


def test_a_message_is_sent_again_only_from_its_own_conversation(desk: DeskScenario) -> None:
    other = builders.create_conversation(agent=desk.dana)
    failed = builders.create_outbound_message(other, status="failed")
    url = reverse("desk:resend", args=[desk.conversation.pk, failed.pk])
    assert client_for(desk.dana).post(url).status_code == 404


def test_the_inbox_shows_nobody_elses_queues(desk: DeskScenario) -> None:
    of_orders = builders.create_contact("Waits For Orders")
    builders.create_conversation(queue=desk.queue, contact=of_orders)
    url = reverse("desk:inbox") + "?view=open"
    assert "Waits For Orders" in client_for(desk.omar).get(url).content.decode()
    assert "Waits For Orders" in client_for(desk.supervisor).get(url).content.decode()
    assert "Waits For Orders" not in client_for(desk.eve).get(url).content.decode()


def test_an_administrator_without_an_agent_becomes_one_on_the_first_visit(db: None) -> None:
    boss = builders.create_user("Administrator", "Boss")
    assert client_for(boss).get(reverse("desk:inbox")).status_code == 200
    assert boss.agent.presence.base_status == "offline"
