"""Context variables and contact fields in the administration, and rules that ask about them."""

import pytest

from omnichannel.conversations.models import AutomatedMessage, Trigger
from routing.models import ContactField, ContextVariable, RoutingRule, SkillRule, WorkStream
from routing.variables import name_from
from tests import builders
from tests.administration.people import page, signed_in, words
from tests.desk.people import compact
from tests.routing.test_admin_rules import add_url, rule, rule_form

pytestmark = pytest.mark.django_db

VARIABLE, FIELD = "routing_contextvariable", "routing_contactfield"
BIG = {"all": [{"field": "context.amount", "operator": "greater_than", "value": "500"}]}


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


@pytest.fixture
def stream():
    return builders.work_stream()


def form(**changed):
    return {"display_name": "Order number", "name": "", "type": "text", "found_after": "", **changed}


def amount(stream, **fields):
    values = {"display_name": "Amount", "name": "amount", "type": "number", "work_stream": stream, **fields}
    return ContextVariable.objects.create(**values)


def errors(response):
    return response.context["adminform"].form.errors


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
def test_a_name_is_made_from_the_display_name(displayed, name):
    assert name_from(displayed) == name


def test_a_name_that_is_taken_is_numbered():
    assert name_from("Order", {"order", "order_2"}) == "order_3"


# -- Context variables


def test_a_context_variable_is_made_on_the_work_streams_page(ada, stream):
    assert "+ New context variable" in words(ada.get(page("routing_workstream", "change", stream.pk)))
    ada.post(add_url(VARIABLE, stream), form(found_after="Order number:"))
    made = ContextVariable.objects.get()
    assert (made.work_stream, made.name, made.type, made.found_after) == (
        stream,
        "order_number",
        "text",
        "Order number:",
    )
    shown = words(ada.get(page("routing_workstream", "change", stream.pk)))
    assert "Order number order_number Text Order number:" in shown


def test_the_same_display_name_gets_another_name_and_a_taken_name_is_refused(ada, stream):
    ada.post(add_url(VARIABLE, stream), form())
    ada.post(add_url(VARIABLE, stream), form())
    assert set(stream.context_variables.values_list("name", flat=True)) == {"order_number", "order_number_2"}
    assert (
        "one of this name already" in errors(ada.post(add_url(VARIABLE, stream), form(name="order_number")))["name"][0]
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
def test_what_can_not_be_is_refused_at_its_field(ada, stream, changed, field):
    assert field in errors(ada.post(add_url(VARIABLE, stream), form(**changed)))
    assert not ContextVariable.objects.exists()


def test_name_and_type_are_locked_after_the_first_save_and_the_display_name_is_not(ada, stream):
    big, asked = amount(stream), rule(stream, "Big orders", BIG)
    ada.post(page(VARIABLE, "change", big.pk), form(display_name="Total", name="total", type="text"))
    big.refresh_from_db()
    assert (big.display_name, big.name, big.type) == ("Total", "amount", "number")
    assert "Total is greater than 500" in words(ada.get(page("routing_workstream", "change", stream.pk)))
    assert (
        'value="context.amount" selected' in ada.get(page("routing_routingrule", "change", asked.pk)).content.decode()
    )


def test_a_variable_a_rule_asks_about_is_kept_and_says_which_rule(ada, stream):
    big, asked = amount(stream), rule(stream, "Big orders", {"any": [BIG]})
    refused = words(ada.get(page(VARIABLE, "delete", big.pk)))
    assert "routing rule “Big orders” of WhatsApp channel work stream" in refused
    assert "Change these rules first." in refused
    ada.post(page(VARIABLE, "delete", big.pk), {"post": "yes"})
    assert ContextVariable.objects.filter(pk=big.pk).exists()
    asked.delete()
    ada.post(page(VARIABLE, "delete", big.pk), {"post": "yes"})
    assert not ContextVariable.objects.filter(pk=big.pk).exists()


def test_a_rule_of_another_work_stream_does_not_keep_a_variable_of_the_same_name(ada, stream):
    big = amount(stream)
    rule(WorkStream.objects.create(name="Other"), "Theirs", BIG)
    ada.post(page(VARIABLE, "delete", big.pk), {"post": "yes"})
    assert not ContextVariable.objects.exists()


# -- Rules about them


def test_a_rule_asks_about_the_variables_of_its_work_stream_only(ada, stream):
    amount(stream)
    amount(WorkStream.objects.create(name="Other"), name="seats", display_name="Seats")
    shown = ada.get(add_url("routing_routingrule", stream)).content.decode()
    assert '<optgroup label="Context variables"><option value="context.amount">Amount</option></optgroup>' in compact(
        shown
    )
    assert "Seats" not in shown
    queue = builders.queue("Big ones")
    ada.post(add_url("routing_routingrule", stream), rule_form(queue, ("0", "context.amount", "greater_than", "500")))
    assert RoutingRule.objects.get().condition == BIG
    response = ada.post(add_url("routing_routingrule", stream), rule_form(queue, ("0", "context.seats", "equals", "5")))
    assert "There is no field “context.seats”." in words(response)


@pytest.mark.parametrize(
    ("operator", "value", "said"),
    [
        ("less_than", "many", "“Amount” needs a value, a number as 4711 or 12.50."),
        ("contains", "5", "“Amount” can't be asked “contains”."),
    ],
)
def test_a_number_is_asked_as_a_number(ada, stream, operator, value, said):
    amount(stream)
    form = rule_form(builders.queue("Big ones"), ("0", "context.amount", operator, value))
    assert said in words(ada.post(add_url("routing_routingrule", stream), form))


def test_the_fields_are_offered_in_groups(ada, stream):
    ContactField.objects.create(display_name="Tier", name="tier")
    shown = ada.get(add_url("routing_skillrule", stream)).content.decode()
    heads = ["Message", "Customer", "Referral", "Time", "Contact fields"]
    assert [head for head in [*heads, "Context variables"] if f'<optgroup label="{head}">' in shown] == heads


# -- Contact fields


def test_a_contact_field_is_made_asked_about_and_kept(ada, stream):
    ada.post(page(FIELD, "add"), {"display_name": "Tier", "name": "", "type": "text"})
    tier = ContactField.objects.get(name="tier")
    condition = {"field": "contact.tier", "operator": "equals", "value": "Gold"}
    SkillRule.objects.create(work_stream=stream, name="Gold ones", condition=condition)
    assert "skill attachment rule “Gold ones”" in words(ada.get(page(FIELD, "delete", tier.pk)))
    ada.post(page(FIELD, "change", tier.pk), {"display_name": "Level", "name": "level", "type": "number"})
    tier.refresh_from_db()
    assert (tier.display_name, tier.name, tier.type) == ("Level", "tier", "text")
    response = ada.post(page(FIELD, "add"), {"display_name": "Tier", "name": "tier", "type": "text"})
    assert "one of this name already" in errors(response)["name"][0]


# -- Automated messages say them


def test_an_automated_message_names_variables_of_its_work_stream(ada, stream):
    amount(stream)
    message = {"trigger": Trigger.GREETING, "language": "", "is_active": "on", "text": "About {$amount$}: hello"}
    other = WorkStream.objects.create(name="Other")
    url = page("conversations_automatedmessage", "add")
    refused = ada.post(url, {**message, "work_stream": other.pk})
    assert "There is no slug {amount}." in errors(refused)["text"][0]
    ada.post(url, {**message, "work_stream": stream.pk})
    ada.post(url, {**message, "work_stream": "", "language": "en"})
    assert AutomatedMessage.objects.count() == 2


# -- Who may


@pytest.mark.parametrize(("role", "may_look"), [("Supervisor", True), ("Agent", False), ("", False)])
def test_only_administrators_change_variables_and_fields(role, may_look, stream):
    client, big = signed_in(role), amount(stream)
    tier = ContactField.objects.create(display_name="Tier", name="tier")
    pages = [(VARIABLE, big, add_url(VARIABLE, stream)), (FIELD, tier, page(FIELD, "add"))]
    for model, thing, add in pages:
        assert client.get(page(model, "change", thing.pk)).status_code == (200 if may_look else 302)
        for url in (page(model, "change", thing.pk), page(model, "delete", thing.pk), add):
            assert client.post(url, form(post="yes")).status_code == (403 if may_look else 302)
    assert (ContextVariable.objects.get(), ContactField.objects.get()) == (big, tier)


def test_agents_may_see_contact_fields_at_the_desk():
    assert signed_in("Agent").person.has_perm("routing.view_contactfield")
