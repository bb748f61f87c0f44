"""Who may open and do what: every address of the desk, for everybody."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Attachment, AttachmentState
from routing.models import State
from tests import builders
from tests.desk.people import Desk, browser

pytestmark = pytest.mark.django_db

READ = ["conversation", "pieces", "former"]
WRITE = ["read", "reply", "take", "release", "leave", "resume", "end", "close", "rename"]
SEES = ["dana", "omar", "sue", "ada"]


def address(desk: Desk, name: str) -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def attachment(desk: Desk, **fields: Any) -> Attachment:
    message = builders.inbound(desk.conversation)
    found = Attachment(message=message, content_type="image/png", name="a.png", state=AttachmentState.STORED, **fields)
    found.file.save("", ContentFile(b"png"), save=True)
    return found


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("who", SEES)
def test_those_who_work_in_the_queue_or_see_all_open_a_conversation(desk: Desk, name: str, who: str) -> None:
    assert browser(getattr(desk, who)).get(address(desk, name)).status_code == 200


@pytest.mark.parametrize("name", READ)
def test_for_an_agent_of_another_queue_a_conversation_does_not_exist(desk: Desk, name: str) -> None:
    assert browser(desk.eve).get(address(desk, name)).status_code == 404


@pytest.mark.parametrize("name", WRITE)
def test_an_agent_of_another_queue_can_do_nothing_with_a_conversation(desk: Desk, name: str) -> None:
    assert browser(desk.eve).post(address(desk, name), {"text": "Hi", "name": "X"}).status_code == 404


@pytest.mark.parametrize("name", [*READ, *WRITE])
def test_somebody_without_a_role_is_told_so(desk: Desk, name: str) -> None:
    client = browser(desk.stranger)
    answer = client.get(address(desk, name)) if name in READ else client.post(address(desk, name))
    assert answer.status_code == 403
    assert "This is not for you" in answer.content.decode()


@pytest.mark.parametrize("name", [*READ, *WRITE])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk, name: str) -> None:
    client = Client()
    answer = client.get(address(desk, name)) if name in READ else client.post(address(desk, name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/desk/")


def test_a_page_whose_session_has_ended_is_sent_to_the_sign_in_whole(desk: Desk) -> None:
    here = address(desk, "conversation")
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{here}"}
    answer = Client().get(address(desk, "pieces"), headers=headers)
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"/sign-in/?next={here.replace('/', '%2F')}"


@pytest.mark.parametrize("name", sorted(set(WRITE) - {"close"}))
def test_what_changes_something_is_never_a_link(desk: Desk, name: str) -> None:
    assert browser(desk.dana).get(address(desk, name)).status_code == 405


@pytest.mark.parametrize("who", ["omar", "sue", "ada"])
def test_only_the_agent_who_has_a_conversation_answers_in_it(desk: Desk, who: str) -> None:
    answer = browser(getattr(desk, who)).post(address(desk, "reply"), {"text": "Hi"})
    assert answer.status_code == 422
    assert not desk.conversation.messages.exists()


@pytest.mark.parametrize("name", ["release", "leave", "end"])
def test_a_colleague_cannot_move_somebody_elses_conversation(desk: Desk, name: str) -> None:
    assert browser(desk.omar).post(address(desk, name)).status_code == 409
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.agent) == (State.ACTIVE, desk.dana)


@pytest.mark.parametrize(("who", "status"), [*((who, 200) for who in SEES), ("eve", 404), ("stranger", 403)])
def test_a_file_is_for_those_who_see_its_conversation(desk: Desk, who: str, status: int) -> None:
    found = attachment(desk)
    assert browser(getattr(desk, who)).get(reverse("desk:attachment", args=[found.pk])).status_code == status


@pytest.mark.parametrize(("who", "status"), [("dana", 409), ("eve", 404), ("stranger", 403)])
def test_fetching_a_file_again_is_for_those_who_see_its_conversation(desk: Desk, who: str, status: int) -> None:
    found = attachment(desk)
    assert browser(getattr(desk, who)).post(reverse("desk:retry", args=[found.pk])).status_code == status


@pytest.mark.parametrize(("who", "status"), [("eve", 404), ("stranger", 403)])
def test_a_failed_message_is_out_of_a_strangers_reach(desk: Desk, who: str, status: int) -> None:
    failed = builders.outbound(desk.conversation, status="failed")
    url = reverse("desk:again", args=[desk.conversation.pk, failed.pk])
    assert browser(getattr(desk, who)).post(url).status_code == status


def test_a_message_is_sent_again_only_from_its_own_conversation(desk: Desk) -> None:
    other = builders.conversation(with_agent=desk.dana)
    failed = builders.outbound(other, status="failed")
    url = reverse("desk:again", args=[desk.conversation.pk, failed.pk])
    assert browser(desk.dana).post(url).status_code == 404


def test_the_inbox_shows_nobody_elses_queues(desk: Desk) -> None:
    of_orders = builders.contact("Waits For Orders")
    builders.conversation(in_queue=desk.queue, of=of_orders)
    url = reverse("desk:inbox") + "?view=open"
    assert "Waits For Orders" in browser(desk.omar).get(url).content.decode()
    assert "Waits For Orders" in browser(desk.sue).get(url).content.decode()
    assert "Waits For Orders" not in browser(desk.eve).get(url).content.decode()


def test_an_administrator_without_an_agent_becomes_one_on_the_first_visit(db: None) -> None:
    boss = builders.user("Administrator", "Boss")
    assert browser(boss).get(reverse("desk:inbox")).status_code == 200
    assert boss.agent.presence.base_status == "offline"
