"""The pane about the customer: what is known of them, and what there was before."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import (
    Attachment,
    Contact,
    Conversation,
    DispositionCode,
    FileState,
    Label,
)
from omnichannel.conversations.state_machine import record_event as happened
from omnichannel.core.localized_text import localized
from routing.models import ContactField, ContextVariable, Skill, SkillType, State, VariableType
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db

READ = ["about", "former", "pane_notes", "pane_files", "story", "beside", "colleagues"]
WRITE = ["fields", "context", "skills", "lift_opt_out"]


def url(desk: Desk, name: str) -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def shown(desk: Desk, name: str, who: str = "dana", query: str = "") -> str:
    answer = browser(getattr(desk, who)).get(url(desk, name) + query, **HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def post(desk: Desk, name: str, who: str = "dana", **form: Any) -> Any:
    return browser(getattr(desk, who)).post(url(desk, name), form, **HTMX)


def earlier(desk: Desk, **fields: Any) -> Conversation:
    """A conversation the same customer had last week."""
    week_ago = timezone.now() - timedelta(days=7)
    values = {
        "of": desk.conversation.contact,
        "on": desk.conversation.number,
        "in_queue": desk.queue,
        "state": State.CLOSED,
        "closed_at": week_ago,
        "created_at": week_ago,
        **fields,
    }
    return builders.conversation(**values)


# -- Who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("who", ["dana", "omar", "sue", "ada"])
def test_those_who_see_the_conversation_see_its_pane(desk: Desk, name: str, who: str) -> None:
    assert shown(desk, name, who)


@pytest.mark.parametrize("name", [*READ, *WRITE])
@pytest.mark.parametrize(("who", "status"), [("eve", 404), ("stranger", 403)])
def test_nobody_else_does(desk: Desk, name: str, who: str, status: int) -> None:
    client = browser(getattr(desk, who))
    answer = client.get(url(desk, name)) if name in READ else client.post(url(desk, name))
    assert answer.status_code == status


@pytest.mark.parametrize("name", [*READ, *WRITE])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk, name: str) -> None:
    answer = Client().get(url(desk, name)) if name in READ else Client().post(url(desk, name))
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", READ)
def test_without_the_script_each_part_is_a_page(desk: Desk, name: str) -> None:
    page = browser(desk.dana).get(url(desk, name), follow=True).content.decode()
    assert page.count("<html") == 1
    assert 'id="main"' in page


@pytest.mark.parametrize("name", WRITE)
def test_what_changes_something_is_never_a_link(desk: Desk, name: str) -> None:
    assert browser(desk.dana).get(url(desk, name)).status_code == 405


def test_the_page_leads_to_every_part_without_the_script(desk: Desk) -> None:
    page = browser(desk.dana).get(url(desk, "conversation")).content.decode()
    for name in ("about", "former", "pane_notes", "pane_files", "story"):
        assert f'href="{url(desk, name)}"' in page


# -- What is known of the customer -------------------------------------------------------------------------------------


@pytest.fixture
def customer_number() -> ContactField:
    return ContactField.objects.create(display_name="Customer number", name="customer_number", type=VariableType.NUMBER)


def test_a_field_is_filled_in_and_the_timeline_says_who_did(desk: Desk, customer_number: ContactField) -> None:
    page = post(desk, "fields", **{"field-customer_number": "4711"}).content.decode()
    assert 'value="4711"' in page
    assert Contact.objects.get(pk=desk.conversation.contact_id).fields == {"customer_number": 4711}
    assert desk.conversation.events.get().actor == desk.dana.user


def test_what_is_no_number_is_refused_by_its_field_and_stays_written(desk: Desk, customer_number: ContactField) -> None:
    answer = post(desk, "fields", **{"field-customer_number": "abc"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="field-customer_number-error"' in page
    assert 'value="abc"' in page
    assert Contact.objects.get(pk=desk.conversation.contact_id).fields == {}


def test_without_the_script_a_field_is_filled_in_on_a_page(desk: Desk, customer_number: ContactField) -> None:
    client = browser(desk.dana)
    assert client.post(url(desk, "fields"), {"field-customer_number": "1"})["Location"] == url(desk, "conversation")
    refused = client.post(url(desk, "fields"), {"field-customer_number": "x"})
    assert refused.status_code == 422
    assert refused.content.decode().count("<html") == 1


def test_a_field_that_does_not_exist_is_nobodys(desk: Desk) -> None:
    assert post(desk, "fields", **{"field-nothing": "x"}).status_code == 422


def test_a_context_variable_is_set_and_shown(desk: Desk) -> None:
    stream = desk.conversation.work_stream
    ContextVariable.objects.create(work_stream=stream, display_name="Order number", name="order")
    page = post(desk, "context", **{"context-order": "A-17"}).content.decode()
    assert "Order number" in page
    assert 'value="A-17"' in page
    desk.conversation.refresh_from_db()
    assert desk.conversation.context == {"order": "A-17"}


def test_the_customers_labels_are_shown(desk: Desk) -> None:
    desk.conversation.contact.labels.add(Label.objects.create(name="VIP", colour="purple"))
    assert 'class="label purple" dir="auto">VIP<' in shown(desk, "about")


def test_the_conversations_details_are_told(desk: Desk) -> None:
    Conversation.objects.update(created_at=timezone.now() - timedelta(minutes=40))
    happened(desk.conversation, "active", "Dana took it.", by=desk.dana.user, at=timezone.now() - timedelta(minutes=28))
    page = shown(desk, "about")
    for words in ("Engagement channel", "WhatsApp", "Waiting time", "12 min", "Start time"):
        assert words in page


# -- Skills -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def german(db: None) -> Skill:
    return Skill.objects.create(name="German", type=SkillType.objects.create(name="Language"))


def test_its_agent_adds_a_skill_and_removes_it_again(desk: Desk, german: Skill) -> None:
    assert "German 3" in post(desk, "skills", skill=german.pk, rating=3).content.decode()
    assert [(one.skill, one.rating) for one in desk.conversation.required_skills.all()] == [(german, 3)]
    assert "German 3" not in post(desk, "skills", skill=german.pk, remove=1).content.decode()
    lines = [str(line) for line in desk.conversation.events.values_list("said", flat=True)]
    assert lines == ["Dana added the skill German, 3 or better.", "Dana removed the skill German."]


@pytest.mark.parametrize(("who", "status"), [("sue", 200), ("ada", 200), ("omar", 403)])
def test_of_others_only_supervisors_set_skills(desk: Desk, german: Skill, who: str, status: int) -> None:
    assert post(desk, "skills", who, skill=german.pk, rating=3).status_code == status
    assert desk.conversation.required_skills.count() == (status == 200)


@pytest.mark.parametrize("form", [{"skill": ""}, {"skill": "x"}, {"rating": 99}, {"rating": "a"}])
def test_a_skill_that_can_not_be_needed_is_refused_in_words(desk: Desk, german: Skill, form: dict[str, Any]) -> None:
    answer = post(desk, "skills", **{"skill": german.pk, "rating": 1, **form})
    assert answer.status_code in {409, 422}
    assert 'role="alert"' in answer.content.decode()
    assert not desk.conversation.required_skills.exists()


# -- Opt-out ----------------------------------------------------------------------------------------------------------


def opts_out(desk: Desk) -> None:
    Contact.objects.filter(pk=desk.conversation.contact_id).update(opted_out_at=timezone.now(), opted_out_by_word=True)


@pytest.mark.parametrize(("who", "status"), [("dana", 200), ("sue", 200), ("omar", 403)])
def test_an_opt_out_by_word_is_lifted_with_a_reason(desk: Desk, who: str, status: int) -> None:
    opts_out(desk)
    is_offered = "do-lift" in browser(getattr(desk, who)).get(url(desk, "conversation")).content.decode()
    assert is_offered == (status == 200)
    assert post(desk, "lift_opt_out", who, reason="On the phone").status_code == status
    assert Contact.objects.get(pk=desk.conversation.contact_id).opted_out_by_word is not is_offered


def test_lifting_an_opt_out_without_a_reason_is_refused(desk: Desk) -> None:
    opts_out(desk)
    answer = post(desk, "lift_opt_out", reason=" ")
    assert answer.status_code == 422
    assert "Write how the customer agreed" in answer.content.decode()


# -- What there was before --------------------------------------------------------------------------------------------


def test_earlier_conversations_are_listed_with_what_they_came_to(desk: Desk) -> None:
    before = earlier(desk, with_agent=desk.omar)
    builders.inbound(before, "My lamp is broken")
    builders.outbound(before, "A new one is on its way")
    before.dispositions.add(DispositionCode.objects.create(name="Replaced"))
    page = shown(desk, "former")
    for words in ("My lamp is broken", "Omar", "Replaced", "Closed"):
        assert words in page
    assert "on its way" not in page


def test_of_the_same_customer_nobody_sees_what_is_in_others_queues(desk: Desk) -> None:
    hidden = earlier(desk, in_queue=builders.queue("Secret"))
    builders.inbound(hidden, "Between us")
    hidden.notes.create(author=desk.sue.user, text="Careful")
    happened(hidden, "note", localized("Something happened"), by=desk.sue.user)
    for name, words in [("former", "Between us"), ("pane_notes", "Careful"), ("story", "Something happened")]:
        assert words not in shown(desk, name)
        assert words in shown(desk, name, "sue")


def test_an_earlier_conversation_is_read_beside_and_counts_as_unread(desk: Desk) -> None:
    before = earlier(desk, unread_count=1)
    builders.inbound(before, "My <b>lamp</b> is broken")
    answer = browser(desk.dana).get(reverse("desk:beside", args=[before.pk]), **HTMX)
    page = answer.content.decode()
    assert "My &lt;b&gt;lamp&lt;/b&gt; is broken" in page
    assert 'id="day-' not in page
    before.refresh_from_db()
    assert before.unread_count == 1


def test_notes_of_all_conversations_are_together_newest_first(desk: Desk) -> None:
    earlier(desk).notes.create(author=desk.omar.user, text="Old", created_at=timezone.now() - timedelta(days=7))
    desk.conversation.notes.create(author=desk.sue.user, text="New")
    page = shown(desk, "pane_notes")
    assert page.index("New") < page.index("Old")
    assert "another conversation" in page


def give_file(conversation: Conversation, name: str, kind: str = "image/png") -> Attachment:
    message = builders.inbound(conversation)
    found = Attachment(message=message, content_type=kind, name=name, size=2048, state=FileState.STORED)
    found.file.save("", ContentFile(b"png"), save=True)
    return found


def test_files_are_listed_with_a_picture_a_name_and_a_size(desk: Desk) -> None:
    picture = give_file(earlier(desk), "lamp.png")
    give_file(desk.conversation, "bill.pdf", "application/pdf")
    page = compact(shown(desk, "pane_files"))
    address = reverse("desk:attachment", args=[picture.pk])
    assert f'<img src="{address}"' in page
    assert f'href="{address}?download=1"' in page
    assert page.index("bill.pdf") < page.index("lamp.png")
    assert "2.0\xa0KB" in page


def test_a_long_list_goes_on_where_it_ended(desk: Desk) -> None:
    for number in range(45):
        happened(desk.conversation, "note", localized(f"Event {number:02}"), by=None)
    first = shown(desk, "story")
    assert "Event 44" in first
    assert "Event 04" not in first
    more = first.split("?before=")[1].split('"')[0]
    rest = shown(desk, "story", query=f"?before={more}")
    assert "Event 04" in rest
    assert "Event 05" not in rest
    assert "Show more" not in rest


@pytest.mark.parametrize("name", ["former", "pane_notes", "pane_files", "story"])
@pytest.mark.parametrize("count", [2, 15])
def test_a_section_takes_few_queries_however_much_there_is(
    desk: Desk, name: str, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        before = earlier(desk, with_agent=desk.omar)
        give_file(before, "a.png")
        before.notes.create(author=desk.omar.user, text="Noted")
        happened(before, "note", localized("Happened"), by=desk.omar.user)
    client = browser(desk.dana)
    with django_assert_max_num_queries(2 + 6):
        assert client.get(url(desk, name), **HTMX).status_code == 200


def test_a_hostile_note_stays_words(desk: Desk) -> None:
    desk.conversation.notes.create(author=desk.sue.user, text="<script>alert(1)</script>")
    assert "<script>" not in shown(desk, "pane_notes")
