"""A WhatsApp number as an administrator sets it up."""

import pytest

from channels_whatsapp.models import WhatsAppNumber
from routing.models import OperatingHours, WorkStream
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

ACCOUNT, NUMBER = "channels_whatsapp_whatsappaccount", "channels_whatsapp_whatsappnumber"


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


@pytest.fixture
def account():
    return builders.account()


def form(account, **changed):
    stream = WorkStream.objects.get(name="WhatsApp channel work stream")
    values = {"name": "Main line", "account": account.pk, "number": "+14155550100", "work_stream": stream.pk}
    return {**values, "customers_may_attach": "on", "agents_may_attach": "on", "is_active": "on", **changed}


def test_the_new_page_has_the_sections_and_labels_of_the_specification(ada, account):
    shown = words(ada.get(page(NUMBER, "add"), {"account": account.pk}))
    for label in (
        "New WhatsApp Number",
        "Phone number details",
        "Name",
        "WhatsApp Account",
        "WhatsApp Number",
        "Work distribution",
        "Work stream",
    ):
        assert label in shown


def test_the_channel_one_comes_from_is_filled_in(ada, account):
    response = ada.get(page(NUMBER, "add"), {"account": account.pk})
    assert response.context["adminform"].form["account"].value() == str(account.pk)


def test_the_only_work_stream_is_filled_in(ada, account):
    response = ada.get(page(NUMBER, "add"), {"account": account.pk})
    assert response.context["adminform"].form["work_stream"].value() == WorkStream.objects.get().pk


def test_with_several_work_streams_none_is_filled_in(ada, account):
    WorkStream.objects.create(name="Orders")
    response = ada.get(page(NUMBER, "add"), {"account": account.pk})
    assert response.context["adminform"].form["work_stream"].value() is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("123456989", "+123456989"),
        ("+1 (415) 523-8886", "+14155238886"),
        ("whatsapp:+14155238886", "+14155238886"),
        ("  +49 151 12345678 ", "+4915112345678"),
    ],
)
def test_a_number_is_taken_as_people_write_it(ada, account, typed, stored):
    ada.post(page(NUMBER, "add"), form(account, number=typed))
    assert WhatsAppNumber.objects.get().number == stored


@pytest.mark.parametrize("typed", ["call us", "12", "+1415523888612345678901234"])
def test_what_is_no_number_is_refused_with_an_example(ada, account, typed):
    response = ada.post(page(NUMBER, "add"), form(account, number=typed))
    assert "for example +1 415 523 8886" in response.context["adminform"].form.errors["number"][0]


def test_a_number_is_set_up_once_however_it_is_written(ada, account):
    builders.number(account, digits="+14155550100")
    response = ada.post(page(NUMBER, "add"), form(account, number="1 415 555-0100"))
    assert response.context["adminform"].form.errors["number"] == ["This number is already set up."]


def test_a_number_has_the_hours_in_which_somebody_is_there(ada, account):
    office = OperatingHours.objects.create(name="Office", always_open=True)
    ada.post(page(NUMBER, "add"), form(account, operating_hours=office.pk))
    assert WhatsAppNumber.objects.get().operating_hours == office
    shown = words(ada.get(page("routing_operatinghours", "delete", office.pk)))
    assert "1 WhatsApp Number." in shown


def test_after_save_one_stays_on_the_page_with_a_way_back_to_the_channel(ada, account):
    response = ada.post(page(NUMBER, "add"), form(account), follow=True)
    number = WhatsAppNumber.objects.get()
    assert response.redirect_chain == [(page(NUMBER, "change", number.pk), 302)]
    assert toasts(response) == ["“Main line (+14155550100)” is saved. Back to WhatsApp channel"]
    assert page(ACCOUNT, "change", account.pk) in response.content.decode()


def test_the_saved_number_is_listed_on_the_channels_page(ada, account):
    ada.post(page(NUMBER, "add"), form(account))
    assert "Main line +14155550100" in words(ada.get(page(ACCOUNT, "change", account.pk)))


def test_channels_are_looked_up_by_name(ada, account):
    query = {
        "term": "channel",
        "app_label": "channels_whatsapp",
        "model_name": "whatsappnumber",
        "field_name": "account",
    }
    found = ada.get("/admin/autocomplete/", query).json()["results"]
    assert [one["text"] for one in found] == ["WhatsApp channel"]


def test_a_supervisor_and_an_agent_reach_no_number(account):
    for role in ("Supervisor", "Agent"):
        assert signed_in(role).get(page(NUMBER, "add")).status_code in {302, 403}


def test_whether_customers_see_that_agents_type_is_switched_on_the_number(ada, account):
    ada.post(page(NUMBER, "add"), form(account))
    number = WhatsAppNumber.objects.get()
    assert not number.shows_typing
    ada.post(page(NUMBER, "change", number.pk), form(account, shows_typing="on"))
    number.refresh_from_db()
    assert number.shows_typing
    assert "marks the customer's message as read" in words(ada.get(page(NUMBER, "change", number.pk)))
