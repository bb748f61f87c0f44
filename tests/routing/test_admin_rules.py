"""Routing rules and skill attachment rules: built without a script, put in order, and tried."""

import pytest
from django.utils import timezone

from routing.admin.condition_builder import condition_of, fits_the_builder, groups_of
from routing.models import (
    ContactField,
    ContextVariable,
    OperatingHours,
    OverflowRule,
    RoutingRule,
    Skill,
    SkillRule,
    SkillType,
)
from tests import builders
from tests.administration.people import page, rows, signed_in, toasts, words

pytestmark = pytest.mark.django_db

ORDER = {"field": "first_message", "operator": "contains", "value": "order"}
GERMAN = {"field": "contact_language", "operator": "equals", "value": "de"}
MONDAYS = {"field": "weekday", "operator": "one_of", "value": [0, 5]}
EVENING = {"field": "time", "operator": "between", "value": ["17:30", "22:00"]}


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


@pytest.fixture
def stream():
    return builders.work_stream()


def typed(*lines, **match):
    """What the condition builder posts: each line its group, field, operator and value."""
    names = ("group", "field", "operator", "value")
    columns = {f"condition-{name}": [line[place] for line in lines] for place, name in enumerate(names)}
    return {**columns, **{f"condition-match-{number.removeprefix('g')}": value for number, value in match.items()}}


def rule_form(queue, *lines, match=None, **changed):
    return {"name": "Orders", "description": "", "queue": queue.pk, **typed(*lines, **(match or {})), **changed}


def add_url(model, stream):
    return f"{page(model, 'add')}?work_stream={stream.pk}"


def rule(stream, name, condition=None, position=0):
    queue = builders.queue(f"Queue of {name}")
    return RoutingRule.objects.create(
        work_stream=stream, name=name, condition=condition or {}, position=position, queue=queue
    )


# -- The condition


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"all": [ORDER]},
        {"any": [ORDER, GERMAN]},
        {"all": [ORDER, {"any": [GERMAN, MONDAYS]}]},
        {"all": [EVENING, {"field": "profile_name", "operator": "is_empty"}]},
    ],
)
def test_a_condition_comes_back_from_the_builder_as_it_went_in(condition):
    assert condition_of(groups_of(condition)) == condition


def test_groups_within_groups_are_shown_and_not_built(ada, stream):
    deep = {"all": [{"any": [ORDER, {"all": [GERMAN]}]}]}
    assert not fits_the_builder(deep)
    orders = rule(stream, "Orders", deep)
    url = page("routing_routingrule", "change", orders.pk)
    assert "First message contains “order”" in words(ada.get(url))
    ada.post(url, {"name": "Renamed", "description": "", "queue": orders.queue_id})
    orders.refresh_from_db()
    assert (orders.name, orders.condition) == ("Renamed", deep)


def test_a_condition_that_can_not_be_read_is_kept_and_not_taken_for_none(ada, stream):
    odd = rule(stream, "Odd", {"field": "colour", "operator": "equals", "value": "red"})
    url = page("routing_routingrule", "change", odd.pk)
    assert "A condition that can't be read" in words(ada.get(url))
    ada.post(url, {"name": "Odd", "description": "", "queue": odd.queue_id})
    odd.refresh_from_db()
    assert odd.condition["field"] == "colour"


def test_a_rule_is_made_of_rows_and_groups_without_a_script(ada, stream):
    queue = builders.queue("Orders")
    lines = (
        ("0", "first_message", "contains", "order"),
        ("0", "", "equals", ""),
        ("1", "contact_language", "equals", "de"),
        ("1", "weekday", "one_of", "Monday, saturday"),
    )
    form = rule_form(queue, *lines, match={"g0": "all", "g1": "any"})
    ada.post(add_url("routing_routingrule", stream), form)
    made = RoutingRule.objects.get()
    assert (made.work_stream, made.queue, made.position) == (stream, queue, 1)
    assert made.condition == {"all": [ORDER, {"any": [GERMAN, MONDAYS]}]}


def test_a_time_of_day_is_typed_as_people_write_it(ada, stream):
    form = rule_form(builders.queue("Evening"), ("0", "time", "between", "17:30 – 22:00"))
    ada.post(add_url("routing_routingrule", stream), form)
    assert RoutingRule.objects.get().condition == {"all": [EVENING]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("0", "first_message", "contains", ""), "“First message” needs a value."),
        (("0", "time", "between", "soon"), "“Time of day” needs two times, as 09:00 and 17:30."),
        (("0", "weekday", "equals", "someday"), "“Day of the week” needs a value"),
        (("0", "weekday", "contains", "Monday"), "“Day of the week” can't be asked “contains”."),
    ],
)
def test_what_is_wrong_with_a_condition_is_said_and_what_was_typed_stays(ada, stream, line, said):
    form = rule_form(builders.queue("Orders"), line)
    response = ada.post(add_url("routing_routingrule", stream), form)
    assert said in words(response)
    assert not RoutingRule.objects.exists()
    assert f'value="{line[3]}"' in response.content.decode()


def test_saving_a_rule_again_changes_nothing(ada, stream):
    orders = rule(stream, "Orders", {"all": [ORDER, {"any": [GERMAN, MONDAYS]}]})
    url = page("routing_routingrule", "change", orders.pk)
    form = ada.get(url).context["adminform"].form
    assert not form.fields["condition"].has_changed(orders.condition, form["condition"].value())


# -- The order, and the work stream's page


def names(stream):
    return list(stream.routingrules.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ({"up": 1}, ["B", "A", "C"]),
        ({"down": 1}, ["A", "C", "B"]),
        ({"down": 2}, ["A", "B", "C"]),
        ({"up": 0}, ["A", "B", "C"]),
        ({"order": [2, 0, 1]}, ["C", "A", "B"]),
        ({"order": [2]}, ["C", "A", "B"]),
    ],
)
def test_rules_are_moved_on_the_work_streams_page(ada, stream, asked, order):
    ids = [rule(stream, name, position=place).pk for place, name in enumerate("ABC")]
    form = {
        verb: ",".join(str(ids[one]) for one in (place if isinstance(place, list) else [place]))
        for verb, place in asked.items()
    }
    response = ada.post(page("routing_workstream", "order", stream.pk, "routingrule"), form)
    assert response.url.endswith("#routingrule")
    assert names(stream) == order
    assert toasts(ada.get(response.url)) == ["The new order is saved."]


def test_a_rule_of_another_work_stream_is_not_moved(ada, stream):
    other = type(stream).objects.create(name="Other")
    foreign = rule(other, "Foreign", position=7)
    rule(stream, "Own")
    ada.post(page("routing_workstream", "order", stream.pk, "routingrule"), {"order": str(foreign.pk)})
    foreign.refresh_from_db()
    assert foreign.position == 7


def test_the_work_streams_page_shows_its_rules_in_order(ada, stream):
    rule(stream, "Second", position=2)
    rule(stream, "First", {"all": [ORDER]}, position=1)
    shown = words(ada.get(page("routing_workstream", "change", stream.pk)))
    assert shown.index("First First message contains “order” Queue of First") < shown.index("Second Always")
    assert "+ New rule item" in shown


def test_a_rule_is_reached_from_its_work_stream_and_leads_back(ada, stream):
    assert ada.get(page("routing_routingrule", "changelist")).url == page("routing_workstream", "changelist")
    assert ada.get(page("routing_routingrule", "add")).url == page("routing_workstream", "changelist")
    orders = rule(stream, "Orders")
    response = ada.post(page("routing_routingrule", "delete", orders.pk), {"post": "yes"})
    assert response.url == page("routing_workstream", "change", stream.pk)
    assert not RoutingRule.objects.exists()


def test_the_work_stream_of_a_rule_is_not_changed(ada, stream):
    orders = rule(stream, "Orders")
    other = type(stream).objects.create(name="Other")
    form = rule_form(orders.queue, work_stream=other.pk)
    ada.post(page("routing_routingrule", "change", orders.pk), form)
    orders.refresh_from_db()
    assert orders.work_stream == stream


# -- Skill attachment rules


def test_a_skill_rule_names_skills_with_their_proficiency(ada, stream):
    german = Skill.objects.create(name="German", type=SkillType.objects.create(name="Language"))
    form = {"name": "German", "description": "", **typed(("0", "contact_language", "equals", "de"))}
    ada.post(add_url("routing_skillrule", stream), {**form, **rows("needs", {"skill": german.pk, "rating": "7"})})
    made = SkillRule.objects.get()
    assert made.condition == {"all": [GERMAN]}
    assert [(need.skill, need.rating) for need in made.needs.all()] == [(german, 7)]
    assert "German 7" in words(ada.get(page("routing_workstream", "change", stream.pk)))


# -- Try it


def sample(**changed):
    form = {"customer_number": "+4915112345678", "first_message": "My order is late", "profile_name": "Amara"}
    form |= {"contact_language": "", "at": f"{timezone.localtime():%Y-%m-%dT%H:%M}", **changed}
    return {f"sample-{name}": value for name, value in form.items()}


def test_a_sample_says_which_rule_it_hits_and_why(ada, stream):
    rule(stream, "German", {"all": [GERMAN]}, position=1)
    rule(stream, "Orders", {"all": [ORDER]}, position=2)
    shown = words(ada.post(page("routing_workstream", "try", stream.pk), sample()))
    assert "Rule “Orders” → queue Queue of Orders" in shown
    assert "Rule “German”: Does not hold because the contact language does not equal “de”." in shown


def test_a_script_gets_just_the_result(ada, stream):
    response = ada.post(page("routing_workstream", "try", stream.pk), sample(), headers={"accept": "application/json"})
    assert "No rule" in response.json()["html"]
    assert "Default messaging queue" in response.json()["html"]


def test_the_box_asks_for_everything_rules_can_ask_about(ada, stream):
    ContactField.objects.create(display_name="Tier", name="tier")
    for of in (stream, type(stream).objects.create(name="Other")):
        ContextVariable.objects.create(work_stream=of, display_name=f"Amount of {of}", name="amount", type="number")
    shown = words(ada.get(page("routing_workstream", "change", stream.pk)))
    box = shown[shown.index("Nothing is sent and nothing is kept.") :]
    for label in (
        *("First message", "Button payload", "Customer number", "Profile name", "Contact name", "Contact language"),
        *("Referral source", "Referral source id", "Referral URL", "Moment (UTC)", "Operating hours of the number"),
        *("Context variables Amount of WhatsApp channel work stream", "Contact fields Tier"),
    ):
        assert label in box
    assert "Amount of Other" not in box


def test_a_context_variable_can_be_typed_or_found_and_has_to_be_a_number(ada, stream):
    ContextVariable.objects.create(
        work_stream=stream, display_name="Amount", name="amount", type="number", found_after="Amount:"
    )
    rule(stream, "Big", {"field": "context.amount", "operator": "greater_than", "value": "500"})
    url = page("routing_workstream", "try", stream.pk)
    assert "Rule “Big”" in words(ada.post(url, sample(**{"first_message": "Amount: 501"})))
    assert "Rule “Big” →" in words(ada.post(url, sample(**{"context.amount": "1000,5"})))
    assert "Amount: Enter a number, as 4711 or 12.50." in words(ada.post(url, sample(**{"context.amount": "lots"})))


def test_the_moment_is_told_in_the_administrators_zone_and_asked_on_the_numbers_clock(ada, stream):
    india = OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    builders.number(operating_hours=india, work_stream=stream)
    rule(stream, "Sundays", {"field": "weekday", "operator": "equals", "value": 6})
    url = page("routing_workstream", "try", stream.pk)
    response = ada.post(url, sample(at="2026-11-28T22:00", zone="America/New_York"))
    shown = words(response)
    assert "Rule “Sundays” →" in shown
    assert "The moment is Sunday, 08:30 on the clock of India (Asia/Kolkata)." in shown
    assert "Moment (America/New_York)" in shown
    assert "The moment is Sunday, 03:30" in words(ada.post(url, sample(at="2026-11-28T22:00", zone="no such place")))


def test_where_numbers_have_several_clocks_one_is_chosen(ada, stream):
    india = OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    builders.number(operating_hours=india, work_stream=stream)
    builders.number(work_stream=stream)
    OperatingHours.objects.create(name="Elsewhere", time_zone="Europe/Berlin")
    shown = words(ada.get(page("routing_workstream", "change", stream.pk)))
    assert "India (Asia/Kolkata) None: UTC" in shown
    assert "Elsewhere" not in shown[shown.index("Try it") :]
    url = page("routing_workstream", "try", stream.pk)
    assert "on the clock of UTC." in words(ada.post(url, sample(clock="none")))


def test_the_box_counts_who_waits_in_the_queue_now(ada, stream):
    orders = rule(stream, "Orders", {})
    builders.conversation(in_queue=orders.queue)
    OverflowRule.objects.create(queue=orders.queue, condition="work_item_limit", action="end", limit=2)
    url = page("routing_workstream", "try", stream.pk)
    assert "1 conversation waits there now." in words(ada.post(url, sample()))
    builders.conversation(in_queue=orders.queue)
    assert "is full (2 work items): the conversation is ended." in words(ada.post(url, sample()))


def test_a_sample_at_no_moment_is_refused_in_words(ada, stream):
    response = ada.post(page("routing_workstream", "try", stream.pk), sample(at="tomorrow"))
    assert "Moment: Enter a valid date/time." in words(response)


# -- Who may


def test_a_supervisor_looks_at_rules_and_moves_none(stream):
    orders, sam = rule(stream, "Orders", {"all": [ORDER]}), signed_in("Supervisor", "Sam")
    shown = sam.get(page("routing_workstream", "change", stream.pk))
    assert "First message contains" in words(shown)
    assert "+ New rule item" not in words(shown)
    assert "First message contains" in words(sam.get(page("routing_routingrule", "change", orders.pk)))
    url = page("routing_workstream", "order", stream.pk, "routingrule")
    assert sam.post(url, {"up": orders.pk}).status_code == 403
    assert sam.post(page("routing_routingrule", "change", orders.pk), rule_form(orders.queue)).status_code == 403
    assert sam.post(add_url("routing_routingrule", stream), rule_form(orders.queue)).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_strangers_have_no_way_in(role, stream):
    client, orders = signed_in(role), rule(stream, "Orders")
    for url in (
        page("routing_routingrule", "change", orders.pk),
        page("routing_workstream", "order", stream.pk, "routingrule"),
        page("routing_workstream", "try", stream.pk),
    ):
        assert client.post(url, {}).status_code == 302
    assert names(stream) == ["Orders"]
