"""A reply that fails after its conversation was closed or left is shown to somebody who can act."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from channels_whatsapp.backends.base import SentMessage
from omnichannel.conversations.assignment.former_agents import release_former_agent
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.models import Conversation, FailedReply, Message
from omnichannel.conversations.outbound import delivery_status
from omnichannel.conversations.outbound.compose import resend_reply
from omnichannel.conversations.outbound.failed_replies import get_failed_replies
from omnichannel.events.models import Event
from routing.models import Agent, Queue, State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, create_desk_scenario

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db: None) -> DeskScenario:
    return create_desk_scenario()


def close(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(state=State.CLOSED, closed_at=timezone.now())


def create_reply(desk: DeskScenario, body: str = "On its way.", **fields: Any) -> Message:
    return builders.create_outbound_message(
        desk.conversation, body, **{"author": desk.dana.user, "status": "sent", **fields}
    )


def fail(message: Message, status: str = "undelivered") -> None:
    """Let Twilio report that the message failed."""
    sent = SentMessage(message.twilio_sid, status, "", "", None, 30008)
    delivery_status.apply_fetched_status(
        Message.objects.select_related("conversation__number").get(pk=message.pk), sent
    )


def recipients(desk: DeskScenario) -> list[str]:
    people = [desk.dana, desk.omar, desk.eve, desk.supervisor, desk.administrator]
    return [str(agent) for agent in people if get_failed_replies(Agent.objects.get(pk=agent.pk)).exists()]


def leave_waiting(desk: DeskScenario) -> None:
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=State.WAITING)


def transfer_to_omar(desk: DeskScenario) -> None:
    Conversation.objects.filter(pk=desk.conversation.pk).update(agent=desk.omar)


@pytest.mark.parametrize("leave", [lambda desk: close(desk.conversation), leave_waiting, transfer_to_omar])
def test_author_is_notified_after_closing_or_leaving(desk: DeskScenario, leave: Any) -> None:
    message = create_reply(desk)
    leave(desk)
    fail(message)
    assert recipients(desk) == ["Dana"]
    assert Event.objects.filter(kind="presence").latest("pk").topics == [f"agent:{desk.dana.pk}"]


@pytest.mark.parametrize("fields", [{"author": None}, {}])
def test_automated_messages_and_replies_in_an_active_conversation_need_no_notice(
    desk: DeskScenario, fields: dict[str, Any]
) -> None:
    message = create_reply(desk, **fields)
    if fields:
        close(desk.conversation)
    fail(message)
    assert not FailedReply.objects.exists()


def test_delivered_replies_need_no_notice(desk: DeskScenario) -> None:
    message = create_reply(desk)
    close(desk.conversation)
    fail(message, "delivered")
    assert not FailedReply.objects.exists()


def test_supervisors_are_notified_when_the_author_can_no_longer_see_it(desk: DeskScenario) -> None:
    message = create_reply(desk, author=desk.eve.user)
    fail(message)
    assert recipients(desk) == ["Sue", "Ada"]
    assert Event.objects.filter(kind="presence").latest("pk").topics == ["all"]


def test_supervisors_take_over_from_an_author_who_is_deactivated(desk: DeskScenario) -> None:
    message = create_reply(desk)
    close(desk.conversation)
    fail(message)
    desk.dana.user.is_active = False
    desk.dana.user.save()
    release_former_agent(desk.dana.pk)
    assert recipients(desk) == ["Sue", "Ada"]


def test_desk_shows_the_notice_until_it_is_dismissed(desk: DeskScenario) -> None:
    message = create_reply(desk, "Your <parcel> is on its way.")
    close(desk.conversation)
    fail(message)
    client = client_for(desk.dana)
    shown = client.get(reverse("desk:offers"), **HTMX_HEADERS).content.decode()
    assert "was not delivered" in shown
    assert "Your &lt;parcel&gt; is on its way." in shown
    failed_reply = FailedReply.objects.get()
    shown = client.post(reverse("desk:dismiss_failed_reply", args=[failed_reply.pk]), **HTMX_HEADERS).content.decode()
    assert "was not delivered" not in shown


def test_show_opens_the_conversation_at_the_message(desk: DeskScenario) -> None:
    message = create_reply(desk)
    close(desk.conversation)
    fail(message)
    response = client_for(desk.dana).post(reverse("desk:show_failed_reply", args=[FailedReply.objects.get().pk]))
    assert (
        response["Location"] == f"/desk/conversations/{desk.conversation.pk}/?message={message.pk}#message-{message.pk}"
    )
    assert recipients(desk) == []


@pytest.mark.parametrize("name", ["show_failed_reply", "dismiss_failed_reply"])
@pytest.mark.parametrize(
    ("person", "status"), [("omar", 404), ("eve", 404), ("supervisor", 404), ("administrator", 404), ("stranger", 403)]
)
def test_only_the_recipient_may_dismiss_it(desk: DeskScenario, name: str, person: str, status: int) -> None:
    message = create_reply(desk)
    close(desk.conversation)
    fail(message)
    url = reverse(f"desk:{name}", args=[FailedReply.objects.get().pk])
    assert client_for(getattr(desk, person)).post(url).status_code == status
    assert recipients(desk) == ["Dana"]


def test_notice_disappears_when_the_message_is_sent_again(desk: DeskScenario) -> None:
    message = create_reply(desk)
    leave_waiting(desk)
    fail(message)
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=State.ACTIVE)
    resend_reply(Message.objects.get(pk=message.pk), author=desk.dana.user)
    assert recipients(desk) == []


def open_closing_dialog(desk: DeskScenario, data: dict[str, Any] | None = None) -> Any:
    url = reverse("desk:end_and_close", args=[desk.conversation.pk])
    client = client_for(desk.dana)
    return client.get(url, **HTMX_HEADERS) if data is None else client.post(url, data, **HTMX_HEADERS)


def test_the_closing_dialog_names_replies_that_were_not_delivered(desk: DeskScenario) -> None:
    failed = create_reply(desk, "Your <parcel> is on its way.")
    assert "not delivered" not in open_closing_dialog(desk).content.decode()
    fail(failed)
    shown = open_closing_dialog(desk).content.decode()
    assert "A reply was not delivered" in shown
    assert "Your &lt;parcel&gt; is on its way." in shown
    assert f"?message={failed.pk}#message-{failed.pk}" in shown
    open_closing_dialog(desk, {"named_failures": failed.pk})
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.CLOSED
    assert not FailedReply.objects.exists()


def test_a_reply_that_fails_while_the_dialog_is_open_is_named_before_closing(desk: DeskScenario) -> None:
    fail(create_reply(desk))
    answer = open_closing_dialog(desk, {"note": "Done"})
    assert answer.status_code == 422
    assert "A reply was not delivered in the meantime." in answer.content.decode()
    assert "Done" in answer.content.decode()
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.ACTIVE
    again = re.findall(r'name="named_failures" value="(\d+)"', answer.content.decode())
    assert open_closing_dialog(desk, {"named_failures": again}).status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.CLOSED


def test_whoever_wrote_after_the_failure_has_seen_it(desk: DeskScenario) -> None:
    fail(create_reply(desk))
    create_reply(desk, "Again: on its way.")
    assert "not delivered" not in open_closing_dialog(desk).content.decode()


@pytest.mark.parametrize("fields", [{"author": None}, {"status": "delivered"}])
def test_the_closing_dialog_names_only_failed_replies_of_people(desk: DeskScenario, fields: dict[str, Any]) -> None:
    message = create_reply(desk, **fields)
    if "author" in fields:
        fail(message)
    assert "not delivered" not in open_closing_dialog(desk).content.decode()


def test_several_conversations_are_closed_after_their_failures_were_named(desk: DeskScenario) -> None:
    fail(create_reply(desk))
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=State.WRAP_UP)
    data = {"action": "close", "pk": desk.conversation.pk}
    client = client_for(desk.dana)
    assert client.post(reverse("desk:bulk_action"), data, **HTMX_HEADERS).status_code == 422
    data["named_failures"] = Message.objects.get().pk
    assert client.post(reverse("desk:bulk_action"), data, **HTMX_HEADERS).status_code == 204
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.CLOSED


def test_author_is_notified_when_wrap_up_ends_by_itself(desk: DeskScenario) -> None:
    old, new = create_reply(desk, "Old"), create_reply(desk, "New")
    fail(old)
    two_days_ago = timezone.now() - timedelta(days=2)
    Message.objects.filter(pk=old.pk).update(updated_at=two_days_ago - timedelta(days=1))
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=State.WRAP_UP, state_since=two_days_ago)
    fail(new)
    assert not FailedReply.objects.exists()
    assert close_stale_conversations() == 1
    assert [reply.message for reply in get_failed_replies(desk.dana)] == [new]


def test_supervisors_are_notified_when_an_agent_in_wrap_up_is_deactivated(desk: DeskScenario) -> None:
    message = create_reply(desk)
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=State.WRAP_UP)
    fail(message)
    desk.dana.user.is_active = False
    desk.dana.user.save()
    release_former_agent(desk.dana.pk)
    assert recipients(desk) == ["Sue", "Ada"]


def remove_from_queue(desk: DeskScenario) -> None:
    desk.dana.memberships.all().delete()


def move_to_another_queue(desk: DeskScenario) -> None:
    Conversation.objects.filter(pk=desk.conversation.pk).update(queue=builders.create_queue("Complaints"))


@pytest.mark.parametrize("lose_access", [remove_from_queue, move_to_another_queue])
def test_supervisors_take_over_from_an_author_who_lost_access(desk: DeskScenario, lose_access: Any) -> None:
    message = create_reply(desk)
    transfer_to_omar(desk)
    fail(message)
    assert recipients(desk) == ["Dana"]
    lose_access(desk)
    assert recipients(desk) == ["Sue", "Ada"]
    client = client_for(desk.supervisor)
    failed_reply = FailedReply.objects.get()
    assert client.post(reverse("desk:dismiss_failed_reply", args=[failed_reply.pk])).status_code == 302
    assert recipients(desk) == []
    assert Event.objects.filter(kind="presence").latest("pk").topics == ["all"]


@pytest.mark.parametrize("kind", ["member", "participant", "agent", "default queue"])
def test_an_author_with_access_keeps_the_notice(desk: DeskScenario, kind: str) -> None:
    message = create_reply(desk)
    leave_waiting(desk)
    fail(message)
    conversations = Conversation.objects.filter(pk=desk.conversation.pk)
    if kind != "member":
        remove_from_queue(desk)
    if kind != "agent":
        conversations.update(agent=desk.omar)
    if kind == "participant":
        desk.conversation.participations.create(agent=desk.dana, kind="consult")
    if kind == "default queue":
        conversations.update(queue=Queue.objects.get(is_default=True))
    assert recipients(desk) == ["Dana"]
