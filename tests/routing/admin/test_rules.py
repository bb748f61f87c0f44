"""The admin of routing rules and skill rules: condition builder without JavaScript, order, dry run."""

from typing import Any

import pytest
from django.utils import timezone

from routing.admin.condition_builder import build_condition, is_editable_in_builder, parse_condition_groups
from routing.models import (
    ContactField,
    ContextVariable,
    OperatingHours,
    OverflowRule,
    Queue,
    RoutingRule,
    Skill,
    SkillRule,
    SkillType,
    WorkStream,
)
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    create_signed_in_client,
    inline_form_data,
    message_texts,
    visible_text,
)

pytestmark = pytest.mark.django_db

ORDER_CONDITION = {"field": "first_message", "operator": "contains", "value": "order"}
GERMAN_CONDITION = {"field": "contact_language", "operator": "equals", "value": "de"}
WEEKDAY_CONDITION = {"field": "weekday", "operator": "one_of", "value": [0, 5]}
EVENING_CONDITION = {"field": "time", "operator": "between", "value": ["17:30", "22:00"]}


def condition_form(*lines: tuple[str, ...], **match: Any) -> dict[str, Any]:
    """Return the form data of the condition builder.

    Args:
        lines: Group, field, operator and value of each line.
        match: How the lines of each group are combined, by group.
    """
    names = ("group", "field", "operator", "value")
    columns = {f"condition-{name}": [line[place] for line in lines] for place, name in enumerate(names)}
    groups = {"g0": "all", **match}
    return {**columns, **{f"condition-match-{number.removeprefix('g')}": value for number, value in groups.items()}}


def rule_form(
    queue: Queue, *lines: tuple[str, ...], match: dict[str, str] | None = None, **changed: Any
) -> dict[str, Any]:
    return {
        "name": "Orders",
        "description": "",
        "queue": queue.pk,
        **condition_form(*lines, **(match or {})),
        **changed,
    }


def add_url(model: str, stream: WorkStream) -> str:
    return f"{admin_url(model, 'add')}?work_stream={stream.pk}"


def create_rule(
    stream: WorkStream, name: str, condition: dict[str, Any] | None = None, position: int = 0
) -> RoutingRule:
    queue = builders.create_queue(f"Queue of {name}")
    return RoutingRule.objects.create(
        work_stream=stream, name=name, condition=condition or {}, position=position, queue=queue
    )


# -- The condition


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"all": [ORDER_CONDITION]},
        {"any": [ORDER_CONDITION, GERMAN_CONDITION]},
        {"all": [ORDER_CONDITION, {"any": [GERMAN_CONDITION, WEEKDAY_CONDITION]}]},
        {"all": [EVENING_CONDITION, {"field": "profile_name", "operator": "is_empty"}]},
    ],
)
def test_a_condition_comes_back_from_the_builder_as_it_went_in(condition: dict[str, Any] | None) -> None:
    assert build_condition(parse_condition_groups(condition)) == condition


def test_groups_within_groups_are_shown_and_not_built(admin_client: UserClient, stream: WorkStream) -> None:
    deep = {"all": [{"any": [ORDER_CONDITION, {"all": [GERMAN_CONDITION]}]}]}
    assert not is_editable_in_builder(deep)
    orders = create_rule(stream, "Orders", deep)
    url = admin_url("routing_routingrule", "change", orders.pk)
    assert "First message contains “order”" in visible_text(admin_client.get(url))
    admin_client.post(url, {"name": "Renamed", "description": "", "queue": orders.queue_id})
    orders.refresh_from_db()
    assert (orders.name, orders.condition) == ("Renamed", deep)


def test_unreadable_condition_is_kept_and_not_treated_as_empty(admin_client: UserClient, stream: WorkStream) -> None:
    odd = create_rule(stream, "Odd", {"field": "color", "operator": "equals", "value": "red"})
    url = admin_url("routing_routingrule", "change", odd.pk)
    assert "A condition that can't be read" in visible_text(admin_client.get(url))
    admin_client.post(url, {"name": "Odd", "description": "", "queue": odd.queue_id})
    odd.refresh_from_db()
    assert odd.condition["field"] == "color"


def test_a_rule_is_made_of_rows_and_groups_without_a_script(admin_client: UserClient, stream: WorkStream) -> None:
    queue = builders.create_queue("Orders")
    lines = (
        ("0", "first_message", "contains", "order"),
        ("0", "", "", " "),
        ("1", "contact_language", "equals", "de"),
        ("1", "weekday", "one_of", "Monday, saturday"),
    )
    form = rule_form(queue, *lines, match={"g0": "all", "g1": "any"})
    admin_client.post(add_url("routing_routingrule", stream), form)
    rule = RoutingRule.objects.get()
    assert (rule.work_stream, rule.queue, rule.position) == (stream, queue, 1)
    assert rule.condition == {"all": [ORDER_CONDITION, {"any": [GERMAN_CONDITION, WEEKDAY_CONDITION]}]}


def test_a_time_of_day_is_typed_as_people_write_it(admin_client: UserClient, stream: WorkStream) -> None:
    form = rule_form(builders.create_queue("Evening"), ("0", "time", "between", "17:30 – 22:00"))
    admin_client.post(add_url("routing_routingrule", stream), form)
    assert RoutingRule.objects.get().condition == {"all": [EVENING_CONDITION]}


@pytest.mark.parametrize(
    ("line", "error_text"),
    [
        (("0", "", "equals", ""), "Choose a field, or clear this row."),
        (("0", "", "", "order"), "Choose a field, or clear this row."),
        (("0", "first_message", "", ""), "Choose an operator."),
        (("0", "first_message", "contains", ""), "“First message” needs a value."),
        (("0", "time", "between", "soon"), "“Time of day” needs two times, for example 09:00 and 17:30."),
        (("0", "weekday", "equals", "someday"), "“Day of the week” needs a value"),
        (("0", "weekday", "contains", "Monday"), "“Day of the week” does not support “contains”."),
    ],
)
def test_condition_error_is_shown_and_input_is_kept(
    admin_client: UserClient, stream: WorkStream, line: Any, error_text: str
) -> None:
    form = rule_form(builders.create_queue("Orders"), line)
    response = admin_client.post(add_url("routing_routingrule", stream), form)
    assert error_text in visible_text(response)
    assert not RoutingRule.objects.exists()
    assert f'value="{line[3]}"' in response.content.decode()
    assert 'aria-describedby="condition-error-0-1"' in response.content.decode()


def test_a_condition_that_was_added_is_not_left_empty(admin_client: UserClient, stream: WorkStream) -> None:
    lines = (("0", "first_message", "contains", "order"), ("0", "", "", ""))
    form = {**rule_form(builders.create_queue("Orders"), *lines), "condition-required": ["1", "1"]}
    response = admin_client.post(add_url("routing_routingrule", stream), form)
    assert "Choose a field, or remove this condition." in visible_text(response)
    assert not RoutingRule.objects.exists()


@pytest.mark.parametrize("model", ["routing_routingrule", "routing_skillrule"])
def test_a_rule_without_conditions_must_be_meant_for_everything(
    admin_client: UserClient, stream: WorkStream, model: str
) -> None:
    queue = builders.create_queue("Everything")
    form = {**rule_form(queue, ("0", "", "", "")), **inline_form_data("skill_requirements")}
    rules = stream.routingrules if model == "routing_routingrule" else stream.skillrules
    assert "Add a condition, or select “Matches everything”." in visible_text(
        admin_client.post(add_url(model, stream), form)
    )
    assert not rules.exists()
    admin_client.post(add_url(model, stream), {**form, "matches_everything": "on"})
    assert rules.get().condition == {}
    page = admin_client.get(admin_url("routing_workstream", "change", stream.pk)).content.decode()
    assert '<span class="pill warn">Always</span>' in page


def test_a_rule_for_everything_has_no_conditions(admin_client: UserClient, stream: WorkStream) -> None:
    lines = [("0", "first_message", "contains", "order")]
    form = rule_form(builders.create_queue("Orders"), *lines, matches_everything="on")
    response = admin_client.post(add_url("routing_routingrule", stream), form)
    assert "Remove the conditions below, or clear this box." in visible_text(response)


def test_a_rule_loses_its_conditions_when_all_rows_are_removed(admin_client: UserClient, stream: WorkStream) -> None:
    orders = create_rule(stream, "Orders", {"all": [ORDER_CONDITION]})
    form = {"name": "All", "description": "", "queue": orders.queue_id, "condition-match-0": "all"}
    url = admin_url("routing_routingrule", "change", orders.pk)
    assert "Add a condition" in visible_text(admin_client.post(url, form))
    admin_client.post(url, {**form, "matches_everything": "on"})
    orders.refresh_from_db()
    assert orders.condition == {}


def test_saving_a_rule_again_changes_nothing(admin_client: UserClient, stream: WorkStream) -> None:
    orders = create_rule(stream, "Orders", {"all": [ORDER_CONDITION, {"any": [GERMAN_CONDITION, WEEKDAY_CONDITION]}]})
    url = admin_url("routing_routingrule", "change", orders.pk)
    form = admin_client.get(url).context["adminform"].form
    assert not form.fields["condition"].has_changed(orders.condition, form["condition"].value())


# -- Order and the work stream's page


def rule_names(stream: WorkStream) -> list[str]:
    return list(stream.routingrules.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("move_form", "order"),
    [
        ({"up": 1}, ["B", "A", "C"]),
        ({"down": 1}, ["A", "C", "B"]),
        ({"down": 2}, ["A", "B", "C"]),
        ({"up": 0}, ["A", "B", "C"]),
        ({"order": [2, 0, 1]}, ["C", "A", "B"]),
        ({"order": [2]}, ["C", "A", "B"]),
    ],
)
def test_rules_are_moved_on_the_work_streams_page(
    admin_client: UserClient, stream: WorkStream, move_form: dict[str, Any], order: list[str]
) -> None:
    ids = [create_rule(stream, name, position=place).pk for place, name in enumerate("ABC")]
    form = {
        verb: ",".join(str(ids[index]) for index in (place if isinstance(place, list) else [place]))
        for verb, place in move_form.items()
    }
    response = admin_client.post(admin_url("routing_workstream", "order", stream.pk, "routingrule"), form)
    assert response["Location"].endswith("#routingrule")
    assert rule_names(stream) == order
    assert message_texts(admin_client.get(response["Location"])) == ["Order saved."]


def test_a_rule_of_another_work_stream_is_not_moved(admin_client: UserClient, stream: WorkStream) -> None:
    other = type(stream).objects.create(name="Other")
    foreign = create_rule(other, "Foreign", position=7)
    create_rule(stream, "Own")
    admin_client.post(admin_url("routing_workstream", "order", stream.pk, "routingrule"), {"order": str(foreign.pk)})
    foreign.refresh_from_db()
    assert foreign.position == 7


def test_the_work_streams_page_shows_its_rules_in_order(admin_client: UserClient, stream: WorkStream) -> None:
    create_rule(stream, "Second", position=2)
    create_rule(stream, "First", {"all": [ORDER_CONDITION]}, position=1)
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))
    assert shown.index("First First message contains “order” Queue of First") < shown.index("Second Always")
    assert "+ New rule item" in shown


def test_a_rule_is_reached_from_its_work_stream_and_leads_back(admin_client: UserClient, stream: WorkStream) -> None:
    assert admin_client.get(admin_url("routing_routingrule", "changelist"))["Location"] == admin_url(
        "routing_workstream", "changelist"
    )
    assert admin_client.get(admin_url("routing_routingrule", "add"))["Location"] == admin_url(
        "routing_workstream", "changelist"
    )
    orders = create_rule(stream, "Orders")
    response = admin_client.post(admin_url("routing_routingrule", "delete", orders.pk), {"post": "yes"})
    assert response["Location"] == admin_url("routing_workstream", "change", stream.pk)
    assert not RoutingRule.objects.exists()


def test_the_work_stream_of_a_rule_is_not_changed(admin_client: UserClient, stream: WorkStream) -> None:
    orders = create_rule(stream, "Orders")
    other = type(stream).objects.create(name="Other")
    form = rule_form(orders.queue, work_stream=other.pk, matches_everything="on")
    admin_client.post(admin_url("routing_routingrule", "change", orders.pk), form)
    orders.refresh_from_db()
    assert orders.work_stream == stream


# -- Skill attachment rules


def test_a_skill_rule_names_skills_with_their_proficiency(admin_client: UserClient, stream: WorkStream) -> None:
    german = Skill.objects.create(name="German", type=SkillType.objects.create(name="Language"))
    form = {"name": "German", "description": "", **condition_form(("0", "contact_language", "equals", "de"))}
    admin_client.post(
        add_url("routing_skillrule", stream),
        {**form, **inline_form_data("skill_requirements", {"skill": german.pk, "rating": "7"})},
    )
    rule = SkillRule.objects.get()
    assert rule.condition == {"all": [GERMAN_CONDITION]}
    assert [(need.skill, need.rating) for need in rule.skill_requirements.all()] == [(german, 7)]
    assert "German 7" in visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))


# -- Dry run


def sample_form(**changed: Any) -> dict[str, Any]:
    form = {"customer_number": "+4915112345678", "first_message": "My order is late", "profile_name": "Amara"}
    form |= {"contact_language": "", "at": f"{timezone.localtime():%Y-%m-%dT%H:%M}", **changed}
    return {f"sample-{name}": value for name, value in form.items()}


def test_sample_shows_the_matching_rule_and_reason(admin_client: UserClient, stream: WorkStream) -> None:
    create_rule(stream, "German", {"all": [GERMAN_CONDITION]}, position=1)
    create_rule(stream, "Orders", {"all": [ORDER_CONDITION]}, position=2)
    shown = visible_text(admin_client.post(admin_url("routing_workstream", "dry_run", stream.pk), sample_form()))
    assert "Rule “Orders” → queue Queue of Orders" in shown
    assert "Rule “German”: Does not match because the contact language does not equal “de”." in shown


def test_a_script_gets_just_the_result(admin_client: UserClient, stream: WorkStream) -> None:
    response = admin_client.post(
        admin_url("routing_workstream", "dry_run", stream.pk), sample_form(), headers={"accept": "application/json"}
    )
    assert "No rule" in response.json()["html"]
    assert "Default messaging queue" in response.json()["html"]


def test_dry_run_form_has_every_rule_field(admin_client: UserClient, stream: WorkStream) -> None:
    ContactField.objects.create(display_name="Tier", name="tier")
    for of in (stream, type(stream).objects.create(name="Other")):
        ContextVariable.objects.create(work_stream=of, display_name=f"Amount of {of}", name="amount", type="number")
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))
    box = shown[shown.index("Nothing is sent or stored.") :]
    for label in (
        *("First message", "Button payload", "Customer number", "Profile name", "Contact name", "Contact language"),
        *(
            "Referral source",
            "Referral source id",
            "Referral URL",
            "Date and time (UTC)",
            "Operating hours of the number",
        ),
        *("Context variables Amount of WhatsApp channel work stream", "Contact fields Tier"),
    ):
        assert label in box
    assert "Amount of Other" not in box


def test_a_context_variable_can_be_typed_or_found_and_has_to_be_a_number(
    admin_client: UserClient, stream: WorkStream
) -> None:
    ContextVariable.objects.create(
        work_stream=stream, display_name="Amount", name="amount", type="number", found_after="Amount:"
    )
    create_rule(stream, "Big", {"field": "context.amount", "operator": "greater_than", "value": "500"})
    url = admin_url("routing_workstream", "dry_run", stream.pk)
    assert "Rule “Big”" in visible_text(admin_client.post(url, sample_form(**{"first_message": "Amount: 501"})))
    assert "Rule “Big” →" in visible_text(admin_client.post(url, sample_form(**{"context.amount": "1000,5"})))
    assert "Amount: Enter a number, for example 4711 or 12.50." in visible_text(
        admin_client.post(url, sample_form(**{"context.amount": "lots"}))
    )


def test_dry_run_converts_time_from_the_administrators_to_the_numbers_zone(
    admin_client: UserClient, stream: WorkStream
) -> None:
    india = OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    builders.create_number(operating_hours=india, work_stream=stream)
    create_rule(stream, "Sundays", {"field": "weekday", "operator": "equals", "value": 6})
    url = admin_url("routing_workstream", "dry_run", stream.pk)
    response = admin_client.post(url, sample_form(at="2026-11-28T22:00", zone="America/New_York"))
    shown = visible_text(response)
    assert "Rule “Sundays” →" in shown
    assert "Time: Sunday, 08:30 in India (Asia/Kolkata)." in shown
    assert "Date and time (America/New_York)" in shown
    assert "Time: Sunday, 03:30" in visible_text(
        admin_client.post(url, sample_form(at="2026-11-28T22:00", zone="no such place"))
    )


def test_where_numbers_have_several_clocks_one_is_chosen(admin_client: UserClient, stream: WorkStream) -> None:
    india = OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    builders.create_number(operating_hours=india, work_stream=stream)
    builders.create_number(work_stream=stream)
    OperatingHours.objects.create(name="Elsewhere", time_zone="Europe/Berlin")
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))
    assert "India (Asia/Kolkata) None (UTC)" in shown
    assert "Elsewhere" not in shown[shown.index("Test") :]
    url = admin_url("routing_workstream", "dry_run", stream.pk)
    assert "in UTC." in visible_text(admin_client.post(url, sample_form(clock="none")))


def test_dry_run_counts_conversations_waiting_now(admin_client: UserClient, stream: WorkStream) -> None:
    orders = create_rule(stream, "Orders", {})
    builders.create_conversation(queue=orders.queue)
    OverflowRule.objects.create(queue=orders.queue, condition="work_item_limit", action="end", limit=2)
    url = admin_url("routing_workstream", "dry_run", stream.pk)
    assert "1 conversation waiting now." in visible_text(admin_client.post(url, sample_form()))
    builders.create_conversation(queue=orders.queue)
    assert "is full (2 work items): conversation ended." in visible_text(admin_client.post(url, sample_form()))


def test_sample_without_a_valid_time_is_refused_with_a_message(admin_client: UserClient, stream: WorkStream) -> None:
    response = admin_client.post(admin_url("routing_workstream", "dry_run", stream.pk), sample_form(at="tomorrow"))
    assert "Date and time: Enter a valid date/time." in visible_text(response)


# -- Permissions


def test_supervisor_views_rules_but_cannot_reorder_them(stream: WorkStream) -> None:
    orders, sam = (
        create_rule(stream, "Orders", {"all": [ORDER_CONDITION]}),
        create_signed_in_client("Supervisor", "Sam"),
    )
    shown = sam.get(admin_url("routing_workstream", "change", stream.pk))
    assert "First message contains" in visible_text(shown)
    assert "+ New rule item" not in visible_text(shown)
    assert "First message contains" in visible_text(sam.get(admin_url("routing_routingrule", "change", orders.pk)))
    url = admin_url("routing_workstream", "order", stream.pk, "routingrule")
    assert sam.post(url, {"up": orders.pk}).status_code == 403
    assert sam.post(admin_url("routing_routingrule", "change", orders.pk), rule_form(orders.queue)).status_code == 403
    assert sam.post(add_url("routing_routingrule", stream), rule_form(orders.queue)).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_users_without_role_are_refused(role: str, stream: WorkStream) -> None:
    client, orders = create_signed_in_client(role), create_rule(stream, "Orders")
    for url in (
        admin_url("routing_routingrule", "change", orders.pk),
        admin_url("routing_workstream", "order", stream.pk, "routingrule"),
        admin_url("routing_workstream", "dry_run", stream.pk),
    ):
        assert client.post(url, {}).status_code == 302
    assert rule_names(stream) == ["Orders"]
