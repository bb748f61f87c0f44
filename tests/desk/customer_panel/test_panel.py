"""The sections of the customer panel."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations import timeline
from omnichannel.conversations.models import (
    Attachment,
    AttachmentState,
    Contact,
    Conversation,
    DispositionCode,
    Label,
    TimelineEventKind,
)
from omnichannel.core.localized_text import localized
from omnichannel.desk.customer_panel.panel import get_header_version
from routing.models import ContactField, ContextVariable, Skill, SkillType, State, VariableType
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact, conversation_url

pytestmark = pytest.mark.django_db

READ_URL_NAMES = [
    "customer_details",
    "previous_conversations",
    "customer_notes",
    "customer_files",
    "timeline",
    "conversation_preview",
    "participants",
]
WRITE_URL_NAMES = ["contact_fields", "context", "required_skills", "lift_opt_out"]


def get_section(desk: DeskScenario, name: str, person: str = "dana", query: str = "") -> str:
    answer = client_for(getattr(desk, person)).get(conversation_url(desk, name) + query, **HTMX_HEADERS)
    assert answer.status_code == 200
    return answer.content.decode()


def post_section(desk: DeskScenario, name: str, person: str = "dana", **form: Any) -> Any:
    return client_for(getattr(desk, person)).post(conversation_url(desk, name), form, **HTMX_HEADERS)


def create_earlier_conversation(desk: DeskScenario, **fields: Any) -> Conversation:
    """Create a closed conversation of the same customer from last week."""
    week_ago = timezone.now() - timedelta(days=7)
    values = {
        "contact": desk.conversation.contact,
        "number": desk.conversation.number,
        "queue": desk.queue,
        "state": State.CLOSED,
        "closed_at": week_ago,
        "created_at": week_ago,
        **fields,
    }
    return builders.create_conversation(**values)


# -- Permissions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ_URL_NAMES)
@pytest.mark.parametrize("person", ["dana", "omar", "supervisor", "administrator"])
def test_those_who_see_the_conversation_see_its_pane(desk: DeskScenario, name: str, person: str) -> None:
    assert get_section(desk, name, person)


@pytest.mark.parametrize("name", [*READ_URL_NAMES, *WRITE_URL_NAMES])
@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_other_users_are_refused(desk: DeskScenario, name: str, person: str, status: int) -> None:
    client = client_for(getattr(desk, person))
    answer = (
        client.get(conversation_url(desk, name))
        if name in READ_URL_NAMES
        else client.post(conversation_url(desk, name))
    )
    assert answer.status_code == status


@pytest.mark.parametrize("name", [*READ_URL_NAMES, *WRITE_URL_NAMES])
def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario, name: str) -> None:
    answer = (
        Client().get(conversation_url(desk, name))
        if name in READ_URL_NAMES
        else Client().post(conversation_url(desk, name))
    )
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", READ_URL_NAMES)
def test_without_the_script_each_part_is_a_page(desk: DeskScenario, name: str) -> None:
    page = client_for(desk.dana).get(conversation_url(desk, name), follow=True).content.decode()
    assert page.count("<html") == 1
    assert 'id="main"' in page


@pytest.mark.parametrize("name", WRITE_URL_NAMES)
def test_changes_require_post(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.dana).get(conversation_url(desk, name)).status_code == 405


def test_the_page_leads_to_every_part_without_the_script(desk: DeskScenario) -> None:
    page = client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    for name in ("customer_details", "previous_conversations", "customer_notes", "customer_files", "timeline"):
        assert f'href="{conversation_url(desk, name)}"' in page


# -- About the customer ------------------------------------------------------------------------------------------------


@pytest.fixture
def customer_number() -> ContactField:
    return ContactField.objects.create(display_name="Customer number", name="customer_number", type=VariableType.NUMBER)


def test_a_field_is_filled_in_and_the_timeline_says_who_did(desk: DeskScenario, customer_number: ContactField) -> None:
    page = post_section(desk, "contact_fields", **{"field-customer_number": "4711"}).content.decode()
    assert 'value="4711"' in page
    assert Contact.objects.get(pk=desk.conversation.contact_id).fields == {"customer_number": 4711}
    assert desk.conversation.events.get().actor == desk.dana.user


def test_invalid_number_is_refused_at_its_field_and_kept(desk: DeskScenario, customer_number: ContactField) -> None:
    answer = post_section(desk, "contact_fields", **{"field-customer_number": "abc"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="field-customer_number-error"' in page
    assert 'value="abc"' in page
    assert Contact.objects.get(pk=desk.conversation.contact_id).fields == {}


def test_without_the_script_a_field_is_filled_in_on_a_page(desk: DeskScenario, customer_number: ContactField) -> None:
    client = client_for(desk.dana)
    assert client.post(conversation_url(desk, "contact_fields"), {"field-customer_number": "1"})[
        "Location"
    ] == conversation_url(desk, "conversation")
    refused = client.post(conversation_url(desk, "contact_fields"), {"field-customer_number": "x"})
    assert refused.status_code == 422
    assert refused.content.decode().count("<html") == 1


def test_unknown_field_is_not_found(desk: DeskScenario) -> None:
    assert post_section(desk, "contact_fields", **{"field-nothing": "x"}).status_code == 422


def test_a_context_variable_is_set_and_shown(desk: DeskScenario) -> None:
    stream = desk.conversation.work_stream
    ContextVariable.objects.create(work_stream=stream, display_name="Order number", name="order")
    page = post_section(desk, "context", **{"context-order": "A-17"}).content.decode()
    assert "Order number" in page
    assert 'value="A-17"' in page
    desk.conversation.refresh_from_db()
    assert desk.conversation.context == {"order": "A-17"}


def test_the_customers_labels_are_shown(desk: DeskScenario) -> None:
    desk.conversation.contact.labels.add(Label.objects.create(name="VIP", color="purple"))
    assert 'class="label purple" dir="auto">VIP<' in get_section(desk, "customer_details")


def test_conversation_details_are_shown(desk: DeskScenario) -> None:
    Conversation.objects.update(created_at=timezone.now() - timedelta(minutes=40))
    timeline.record(
        desk.conversation,
        TimelineEventKind.ACTIVE,
        localized("Dana took it."),
        actor=desk.dana.user,
        at=timezone.now() - timedelta(minutes=28),
    )
    page = get_section(desk, "customer_details")
    for text in ("Engagement channel", "WhatsApp", "Waiting time", "12 min", "Start time"):
        assert text in page


# -- Skills ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def german_skill(db: None) -> Skill:
    return Skill.objects.create(name="German", type=SkillType.objects.create(name="Language"))


def test_its_agent_adds_a_skill_and_removes_it_again(desk: DeskScenario, german_skill: Skill) -> None:
    assert "German 3" in post_section(desk, "required_skills", skill=german_skill.pk, rating=3).content.decode()
    assert [(requirement.skill, requirement.rating) for requirement in desk.conversation.required_skills.all()] == [
        (german_skill, 3)
    ]
    assert "German 3" not in post_section(desk, "required_skills", skill=german_skill.pk, remove=1).content.decode()
    lines = [str(line) for line in desk.conversation.events.values_list("text", flat=True)]
    assert lines == ["Dana added the skill German (3 or higher).", "Dana removed the skill German."]


@pytest.mark.parametrize(("person", "status"), [("supervisor", 200), ("administrator", 200), ("omar", 403)])
def test_only_supervisors_change_skills_of_a_colleagues_conversation(
    desk: DeskScenario, german_skill: Skill, person: str, status: int
) -> None:
    assert post_section(desk, "required_skills", person, skill=german_skill.pk, rating=3).status_code == status
    assert desk.conversation.required_skills.count() == (status == 200)


@pytest.mark.parametrize("form", [{"skill": ""}, {"skill": "x"}, {"rating": 99}, {"rating": "a"}])
def test_invalid_required_skill_is_refused_with_a_message(
    desk: DeskScenario, german_skill: Skill, form: dict[str, Any]
) -> None:
    answer = post_section(desk, "required_skills", **{"skill": german_skill.pk, "rating": 1, **form})
    assert answer.status_code in {409, 422}
    assert 'role="alert"' in answer.content.decode()
    assert not desk.conversation.required_skills.exists()


# -- Opt-out -----------------------------------------------------------------------------------------------------------


def opt_out_contact(desk: DeskScenario) -> None:
    Contact.objects.filter(pk=desk.conversation.contact_id).update(opted_out_at=timezone.now(), opted_out_by_word=True)


@pytest.mark.parametrize(("person", "status"), [("dana", 200), ("supervisor", 200), ("omar", 403)])
def test_an_opt_out_by_word_is_lifted_with_a_reason(desk: DeskScenario, person: str, status: int) -> None:
    opt_out_contact(desk)
    page = client_for(getattr(desk, person)).get(conversation_url(desk, "conversation")).content.decode()
    is_offered = "do-lift-opt-out" in page
    assert is_offered == (status == 200)
    assert post_section(desk, "lift_opt_out", person, reason="By phone").status_code == status
    assert Contact.objects.get(pk=desk.conversation.contact_id).opted_out_by_word is not is_offered


def test_lifting_an_opt_out_without_a_reason_is_refused(desk: DeskScenario) -> None:
    opt_out_contact(desk)
    answer = post_section(desk, "lift_opt_out", reason=" ")
    assert answer.status_code == 422
    assert "Enter how the customer opted in" in answer.content.decode()


# -- History -----------------------------------------------------------------------------------------------------------


def test_earlier_conversations_are_listed_with_what_they_came_to(desk: DeskScenario) -> None:
    before = create_earlier_conversation(desk, agent=desk.omar)
    builders.create_inbound_message(before, "My lamp is broken")
    builders.create_outbound_message(before, "A new one is on its way")
    before.dispositions.add(DispositionCode.objects.create(name="Replaced"))
    page = get_section(desk, "previous_conversations")
    for text in ("My lamp is broken", "Omar", "Replaced", "Closed"):
        assert text in page
    assert "on its way" not in page


def test_earlier_conversations_in_other_queues_are_hidden(desk: DeskScenario) -> None:
    hidden = create_earlier_conversation(desk, queue=builders.create_queue("Secret"))
    builders.create_inbound_message(hidden, "Between us")
    hidden.notes.create(author=desk.supervisor.user, text="Careful")
    timeline.record(
        hidden, TimelineEventKind.CONTACTS_MERGED, localized("Something happened"), actor=desk.supervisor.user
    )
    for name, text in [
        ("previous_conversations", "Between us"),
        ("customer_notes", "Careful"),
        ("timeline", "Something happened"),
    ]:
        assert text not in get_section(desk, name)
        assert text in get_section(desk, name, "supervisor")


def test_viewing_an_earlier_conversation_does_not_mark_it_read(desk: DeskScenario) -> None:
    before = create_earlier_conversation(desk, unread_count=1)
    builders.create_inbound_message(before, "My <b>lamp</b> is broken")
    answer = client_for(desk.dana).get(reverse("desk:conversation_preview", args=[before.pk]), **HTMX_HEADERS)
    page = answer.content.decode()
    assert "My &lt;b&gt;lamp&lt;/b&gt; is broken" in page
    assert 'id="day-' not in page
    before.refresh_from_db()
    assert before.unread_count == 1


def test_notes_of_all_conversations_are_listed_newest_first(desk: DeskScenario) -> None:
    create_earlier_conversation(desk).notes.create(
        author=desk.omar.user, text="Old", created_at=timezone.now() - timedelta(days=7)
    )
    desk.conversation.notes.create(author=desk.supervisor.user, text="New")
    page = get_section(desk, "customer_notes")
    assert page.index("New") < page.index("Old")
    assert "another conversation" in page


def create_attachment(conversation: Conversation, name: str, kind: str = "image/png") -> Attachment:
    message = builders.create_inbound_message(conversation)
    attachment = Attachment(message=message, content_type=kind, name=name, size=2048, state=AttachmentState.STORED)
    attachment.file.save("", ContentFile(b"png"), save=True)
    return attachment


def test_files_are_listed_with_a_picture_a_name_and_a_size(desk: DeskScenario) -> None:
    picture = create_attachment(create_earlier_conversation(desk), "lamp.png")
    create_attachment(desk.conversation, "bill.pdf", "application/pdf")
    page = compact(get_section(desk, "customer_files"))
    address = reverse("desk:attachment", args=[picture.pk])
    assert f'<img src="{address}"' in page
    assert f'href="{address}?download=1"' in page
    assert page.index("bill.pdf") < page.index("lamp.png")
    assert "2.0\xa0KB" in page


def test_a_long_list_goes_on_where_it_ended(desk: DeskScenario) -> None:
    for number in range(45):
        timeline.record(
            desk.conversation, TimelineEventKind.CONTACTS_MERGED, localized(f"Event {number:02}"), actor=None
        )
    first = get_section(desk, "timeline")
    assert "Event 44" in first
    assert "Event 04" not in first
    more = first.split("?before=")[1].split('"')[0]
    rest = get_section(desk, "timeline", query=f"?before={more}")
    assert "Event 04" in rest
    assert "Event 05" not in rest
    assert "Show more" not in rest


@pytest.mark.parametrize("name", ["previous_conversations", "customer_notes", "customer_files", "timeline"])
@pytest.mark.parametrize("count", [2, 15])
def test_a_section_takes_few_queries_however_much_there_is(
    desk: DeskScenario, name: str, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        before = create_earlier_conversation(desk, agent=desk.omar)
        create_attachment(before, "a.png")
        before.notes.create(author=desk.omar.user, text="Noted")
        timeline.record(before, TimelineEventKind.CONTACTS_MERGED, localized("Happened"), actor=desk.omar.user)
    client = client_for(desk.dana)
    with django_assert_max_num_queries(2 + 6):
        assert client.get(conversation_url(desk, name), **HTMX_HEADERS).status_code == 200


def test_hostile_note_is_escaped(desk: DeskScenario) -> None:
    desk.conversation.notes.create(author=desk.supervisor.user, text="<script>alert(1)</script>")
    assert "<script>" not in get_section(desk, "customer_notes")


# -- Hidden numbers ----------------------------------------------------------------------------------------------------


def hide_number(desk: DeskScenario, **fields: Any) -> None:
    """Replace the customer's number by a business-scoped id, without a profile name."""
    contact = desk.conversation.contact
    values = {"address": "whatsapp:EG.55500000001", "identity": None, "profile_name": "", **fields}
    Contact.objects.filter(pk=contact.pk).update(**values)
    contact.business_scoped_ids.create(account=desk.conversation.number.account, business_scoped_id="EG.55500000001")


@pytest.mark.parametrize(("username", "name"), [("nour.shop", "nour.shop"), ("", "WhatsApp user")])
def test_a_customer_with_a_hidden_number_is_not_called_by_their_id(
    desk: DeskScenario, username: str, name: str
) -> None:
    hide_number(desk, username=username)
    page = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()
    assert f"<title>{name}" in compact(page)
    assert "EG.55500000001" not in page
    assert ("<dt>Username</dt>" in compact(page)) == bool(username)
    assert "Copy number" not in page


def test_the_id_of_a_customer_is_among_their_details(desk: DeskScenario) -> None:
    hide_number(desk)
    details = compact(get_section(desk, "customer_details"))
    assert "<h3>WhatsApp ID</h3>" in details
    assert "EG.55500000001" in details


def test_a_new_username_changes_the_header(desk: DeskScenario) -> None:
    before = get_header_version(desk.conversation)
    desk.conversation.contact.username = "nour.shop"
    assert get_header_version(desk.conversation) != before


# -- Waiting time ------------------------------------------------------------------------------------------------------


def set_times(desk: DeskScenario, *, created: int, state: State, since: int, **fields: Any) -> None:
    """Set when the conversation was created and since when it is in its state, in minutes ago."""
    now = timezone.now()
    values = {"created_at": now - timedelta(minutes=created), "state_since": now - timedelta(minutes=since)}
    Conversation.objects.filter(pk=desk.conversation.pk).update(state=state, **values, **fields)


def record_state(desk: DeskScenario, state: State, *, minutes_ago: int) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    timeline.record(desk.conversation, TimelineEventKind(state.value), localized("Moved."), actor=None, at=at)


def shown_waiting_time(desk: DeskScenario) -> str:
    return compact(get_section(desk, "customer_details")).partition("Waiting time</dt><dd>")[2].partition("<")[0]


def test_waiting_time_ends_when_an_agent_gets_the_conversation(desk: DeskScenario) -> None:
    set_times(desk, created=1800, state=State.ACTIVE, since=1795)
    record_state(desk, State.ACTIVE, minutes_ago=1795)
    assert shown_waiting_time(desk) == "5 min"


def test_waiting_time_without_events_ends_with_the_state_change(desk: DeskScenario) -> None:
    set_times(desk, created=1800, state=State.ACTIVE, since=1793)
    assert shown_waiting_time(desk) == "7 min"


def test_waiting_time_is_the_sum_of_all_waits(desk: DeskScenario) -> None:
    set_times(desk, created=1800, state=State.ACTIVE, since=1000)
    record_state(desk, State.ACTIVE, minutes_ago=1795)
    record_state(desk, State.WAITING, minutes_ago=1700)  # for the customer, which is no wait for an agent
    record_state(desk, State.OPEN, minutes_ago=1010)
    record_state(desk, State.ACTIVE, minutes_ago=1000)
    assert shown_waiting_time(desk) == "15 min"


def test_open_conversation_is_still_waiting(desk: DeskScenario) -> None:
    set_times(desk, created=62, state=State.OPEN, since=62, agent=None)
    assert shown_waiting_time(desk) == "1 h 2 min"


def test_conversation_begun_by_an_agent_has_not_waited(desk: DeskScenario) -> None:
    set_times(desk, created=1800, state=State.ACTIVE, since=1800, started_by=desk.dana.user)
    assert shown_waiting_time(desk) == "under 1 min"
