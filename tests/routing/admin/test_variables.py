"""The admin of context variables and contact fields, and rules with them."""

from typing import Any

import pytest

from omnichannel.conversations.models import AutomatedMessage, MessageTrigger
from routing.models import ContactField, ContextVariable, RoutingRule, SkillRule, WorkStream
from routing.variables.names import generate_name
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, form_errors, visible_text
from tests.desk.scenario import compact
from tests.routing.admin.test_rules import add_url, create_rule, rule_form

pytestmark = pytest.mark.django_db

VARIABLE_MODEL, FIELD_MODEL = "routing_contextvariable", "routing_contactfield"
LARGE_AMOUNT_CONDITION = {"all": [{"field": "context.amount", "operator": "greater_than", "value": "500"}]}


def variable_form(**changed: Any) -> dict[str, Any]:
    return {"display_name": "Order number", "name": "", "type": "text", "found_after": "", **changed}


def create_amount_variable(stream: WorkStream, **fields: Any) -> ContextVariable:
    values = {"display_name": "Amount", "name": "amount", "type": "number", "work_stream": stream, **fields}
    return ContextVariable.objects.create(**values)


# -- Names


@pytest.mark.parametrize(
    ("displayed", "name"),
    [
        ("Order number", "order_number"),
        ("  Größe (cm) ", "grosse_cm"),
        ("2nd order", "variable_2nd_order"),
        ("数量", "variable"),
        ("Ü", "u"),
        ("x" * 80, "x" * 60),
    ],
)
def test_a_name_is_made_from_the_display_name(displayed: str, name: str) -> None:
    assert generate_name(displayed) == name


def test_a_name_that_is_taken_is_numbered() -> None:
    assert generate_name("Order", {"order", "order_2"}) == "order_3"


# -- Context variables


def test_a_context_variable_is_made_on_the_work_streams_page(admin_client: UserClient, stream: WorkStream) -> None:
    assert "+ New context variable" in visible_text(
        admin_client.get(admin_url("routing_workstream", "change", stream.pk))
    )
    admin_client.post(add_url(VARIABLE_MODEL, stream), variable_form(found_after="Order number:"))
    variable = ContextVariable.objects.get()
    assert (variable.work_stream, variable.name, variable.type, variable.found_after) == (
        stream,
        "order_number",
        "text",
        "Order number:",
    )
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))
    assert "Order number order_number Text Order number:" in shown


def test_the_same_display_name_gets_another_name_and_a_taken_name_is_refused(
    admin_client: UserClient, stream: WorkStream
) -> None:
    admin_client.post(add_url(VARIABLE_MODEL, stream), variable_form())
    admin_client.post(add_url(VARIABLE_MODEL, stream), variable_form())
    assert set(stream.context_variables.values_list("name", flat=True)) == {"order_number", "order_number_2"}
    assert (
        "This name is already in use"
        in form_errors(admin_client.post(add_url(VARIABLE_MODEL, stream), variable_form(name="order_number")))["name"][
            0
        ]
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "Order number"}, "name"),
        ({"name": "2nd"}, "name"),
        ({"display_name": ""}, "display_name"),
        ({"type": "date"}, "type"),
    ],
)
def test_invalid_values_are_refused_at_their_field(
    admin_client: UserClient, stream: WorkStream, changed: Any, field: str
) -> None:
    assert field in form_errors(admin_client.post(add_url(VARIABLE_MODEL, stream), variable_form(**changed)))
    assert not ContextVariable.objects.exists()


def test_name_and_type_are_locked_after_the_first_save_and_the_display_name_is_not(
    admin_client: UserClient, stream: WorkStream
) -> None:
    big, rule = create_amount_variable(stream), create_rule(stream, "Big orders", LARGE_AMOUNT_CONDITION)
    admin_client.post(
        admin_url(VARIABLE_MODEL, "change", big.pk), variable_form(display_name="Total", name="total", type="text")
    )
    big.refresh_from_db()
    assert (big.display_name, big.name, big.type) == ("Total", "amount", "number")
    assert "Total is greater than 500" in visible_text(
        admin_client.get(admin_url("routing_workstream", "change", stream.pk))
    )
    assert (
        'value="context.amount" selected'
        in admin_client.get(admin_url("routing_routingrule", "change", rule.pk)).content.decode()
    )


def test_variable_used_by_a_rule_cannot_be_deleted(admin_client: UserClient, stream: WorkStream) -> None:
    big, rule = create_amount_variable(stream), create_rule(stream, "Big orders", {"any": [LARGE_AMOUNT_CONDITION]})
    refused = visible_text(admin_client.get(admin_url(VARIABLE_MODEL, "delete", big.pk)))
    assert "routing rule “Big orders” of WhatsApp channel work stream" in refused
    assert "Change these rules first." in refused
    admin_client.post(admin_url(VARIABLE_MODEL, "delete", big.pk), {"post": "yes"})
    assert ContextVariable.objects.filter(pk=big.pk).exists()
    rule.delete()
    admin_client.post(admin_url(VARIABLE_MODEL, "delete", big.pk), {"post": "yes"})
    assert not ContextVariable.objects.filter(pk=big.pk).exists()


def test_a_rule_of_another_work_stream_does_not_keep_a_variable_of_the_same_name(
    admin_client: UserClient, stream: WorkStream
) -> None:
    big = create_amount_variable(stream)
    create_rule(WorkStream.objects.create(name="Other"), "Theirs", LARGE_AMOUNT_CONDITION)
    admin_client.post(admin_url(VARIABLE_MODEL, "delete", big.pk), {"post": "yes"})
    assert not ContextVariable.objects.exists()


# -- Rules


def test_a_rule_asks_about_the_variables_of_its_work_stream_only(admin_client: UserClient, stream: WorkStream) -> None:
    create_amount_variable(stream)
    create_amount_variable(WorkStream.objects.create(name="Other"), name="seats", display_name="Seats")
    shown = admin_client.get(add_url("routing_routingrule", stream)).content.decode()
    assert '<optgroup label="Context variables"><option value="context.amount">Amount</option></optgroup>' in compact(
        shown
    )
    assert "Seats" not in shown
    queue = builders.create_queue("Big ones")
    admin_client.post(
        add_url("routing_routingrule", stream), rule_form(queue, ("0", "context.amount", "greater_than", "500"))
    )
    assert RoutingRule.objects.get().condition == LARGE_AMOUNT_CONDITION
    response = admin_client.post(
        add_url("routing_routingrule", stream), rule_form(queue, ("0", "context.seats", "equals", "5"))
    )
    assert "There is no field “context.seats”." in visible_text(response)


@pytest.mark.parametrize(
    ("operator", "value", "error_text"),
    [
        ("less_than", "many", "“Amount” needs a value, a number such as 4711 or 12.50."),
        ("contains", "5", "“Amount” does not support “contains”."),
    ],
)
def test_a_number_is_asked_as_a_number(
    admin_client: UserClient, stream: WorkStream, operator: str, value: Any, error_text: str
) -> None:
    create_amount_variable(stream)
    form = rule_form(builders.create_queue("Big ones"), ("0", "context.amount", operator, value))
    assert error_text in visible_text(admin_client.post(add_url("routing_routingrule", stream), form))


def test_the_fields_are_offered_in_groups(admin_client: UserClient, stream: WorkStream) -> None:
    ContactField.objects.create(display_name="Tier", name="tier")
    shown = admin_client.get(add_url("routing_skillrule", stream)).content.decode()
    heads = ["Message", "Customer", "Referral", "Time", "Contact fields"]
    assert [head for head in [*heads, "Context variables"] if f'<optgroup label="{head}">' in compact(shown)] == heads


# -- Contact fields


def test_contact_field_can_be_created_and_used_in_rules_but_not_deleted(
    admin_client: UserClient, stream: WorkStream
) -> None:
    admin_client.post(admin_url(FIELD_MODEL, "add"), {"display_name": "Tier", "name": "", "type": "text"})
    tier = ContactField.objects.get(name="tier")
    condition = {"field": "contact.tier", "operator": "equals", "value": "Gold"}
    SkillRule.objects.create(work_stream=stream, name="Gold ones", condition=condition)
    assert "skill attachment rule “Gold ones”" in visible_text(
        admin_client.get(admin_url(FIELD_MODEL, "delete", tier.pk))
    )
    admin_client.post(
        admin_url(FIELD_MODEL, "change", tier.pk), {"display_name": "Level", "name": "level", "type": "number"}
    )
    tier.refresh_from_db()
    assert (tier.display_name, tier.name, tier.type) == ("Level", "tier", "text")
    response = admin_client.post(
        admin_url(FIELD_MODEL, "add"), {"display_name": "Tier", "name": "tier", "type": "text"}
    )
    assert "This name is already in use" in form_errors(response)["name"][0]


# -- Automated messages


def test_an_automated_message_names_variables_of_its_work_stream(admin_client: UserClient, stream: WorkStream) -> None:
    create_amount_variable(stream)
    message = {"trigger": MessageTrigger.GREETING, "language": "", "is_active": "on", "text": "About {$amount$}: hello"}
    other = WorkStream.objects.create(name="Other")
    url = admin_url("conversations_automatedmessage", "add")
    refused = admin_client.post(url, {**message, "work_stream": other.pk})
    assert "Unknown placeholder {amount}." in form_errors(refused)["text"][0]
    admin_client.post(url, {**message, "work_stream": stream.pk})
    admin_client.post(url, {**message, "work_stream": "", "language": "en"})
    assert AutomatedMessage.objects.count() == 2


# -- Permissions


@pytest.mark.parametrize(("role", "may_look"), [("Supervisor", True), ("Agent", False), ("", False)])
def test_only_administrators_change_variables_and_fields(role: str, may_look: bool, stream: WorkStream) -> None:
    client, big = create_signed_in_client(role), create_amount_variable(stream)
    tier = ContactField.objects.create(display_name="Tier", name="tier")
    pages = [(VARIABLE_MODEL, big, add_url(VARIABLE_MODEL, stream)), (FIELD_MODEL, tier, admin_url(FIELD_MODEL, "add"))]
    for model, thing, add in pages:
        assert client.get(admin_url(model, "change", thing.pk)).status_code == (200 if may_look else 302)
        for url in (admin_url(model, "change", thing.pk), admin_url(model, "delete", thing.pk), add):
            assert client.post(url, variable_form(post="yes")).status_code == (403 if may_look else 302)
    assert (ContextVariable.objects.get(), ContactField.objects.get()) == (big, tier)


def test_agents_may_see_contact_fields_at_the_desk() -> None:
    assert create_signed_in_client("Agent").user.has_perm("routing.view_contactfield")
