"""The admin of WhatsApp numbers: fields, spellings and permissions."""

from typing import Any

import pytest

from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from routing.models import OperatingHours, WorkStream
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = pytest.mark.django_db

ACCOUNT_MODEL, NUMBER_MODEL = "channels_whatsapp_whatsappaccount", "channels_whatsapp_whatsappnumber"


@pytest.fixture
def account() -> WhatsAppAccount:
    return builders.create_account()


def number_form(account: WhatsAppAccount, **changed: Any) -> dict[str, Any]:
    stream = WorkStream.objects.get(name="WhatsApp channel work stream")
    values = {"name": "Main line", "account": account.pk, "number": "+14155550100", "work_stream": stream.pk}
    return {**values, "customers_may_attach": "on", "agents_may_attach": "on", "is_active": "on", **changed}


def test_the_new_page_has_the_sections_and_labels_of_the_specification(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    shown = visible_text(admin_client.get(admin_url(NUMBER_MODEL, "add"), {"account": account.pk}))
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


def test_account_is_preselected_when_adding_from_its_page(admin_client: UserClient, account: WhatsAppAccount) -> None:
    response = admin_client.get(admin_url(NUMBER_MODEL, "add"), {"account": account.pk})
    assert response.context["adminform"].form["account"].value() == str(account.pk)


def test_only_work_stream_is_preselected(admin_client: UserClient, account: WhatsAppAccount) -> None:
    response = admin_client.get(admin_url(NUMBER_MODEL, "add"), {"account": account.pk})
    assert response.context["adminform"].form["work_stream"].value() == WorkStream.objects.get().pk


def test_no_work_stream_is_preselected_when_there_are_several(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    WorkStream.objects.create(name="Orders")
    response = admin_client.get(admin_url(NUMBER_MODEL, "add"), {"account": account.pk})
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
def test_number_is_accepted_in_usual_spellings(
    admin_client: UserClient, account: WhatsAppAccount, typed: str, stored: str
) -> None:
    admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account, number=typed))
    assert WhatsAppNumber.objects.get().number == stored


@pytest.mark.parametrize("typed", ["call us", "12", "+1415523888612345678901234"])
def test_invalid_number_is_refused_with_an_example(
    admin_client: UserClient, account: WhatsAppAccount, typed: str
) -> None:
    response = admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account, number=typed))
    assert "for example +1 415 523 8886" in response.context["adminform"].form.errors["number"][0]


def test_a_number_is_set_up_once_however_it_is_written(admin_client: UserClient, account: WhatsAppAccount) -> None:
    builders.create_number(account, number="+14155550100")
    response = admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account, number="1 415 555-0100"))
    assert response.context["adminform"].form.errors["number"] == ["This number already exists."]


def test_operating_hours_can_be_set_for_a_number(admin_client: UserClient, account: WhatsAppAccount) -> None:
    office = OperatingHours.objects.create(name="Office", always_open=True)
    admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account, operating_hours=office.pk))
    assert WhatsAppNumber.objects.get().operating_hours == office
    shown = visible_text(admin_client.get(admin_url("routing_operatinghours", "delete", office.pk)))
    assert "1 WhatsApp Number." in shown


def test_save_stays_on_the_page_and_links_back_to_the_channel(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    response = admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account), follow=True)
    number = WhatsAppNumber.objects.get()
    assert response.redirect_chain == [(admin_url(NUMBER_MODEL, "change", number.pk), 302)]
    assert message_texts(response) == ["“Main line (+14155550100)” was saved. Back to WhatsApp channel"]
    assert admin_url(ACCOUNT_MODEL, "change", account.pk) in response.content.decode()


def test_the_saved_number_is_listed_on_the_channels_page(admin_client: UserClient, account: WhatsAppAccount) -> None:
    admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account))
    assert "Main line +14155550100" in visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)))


def test_channels_are_looked_up_by_name(admin_client: UserClient, account: WhatsAppAccount) -> None:
    query = {
        "term": "channel",
        "app_label": "channels_whatsapp",
        "model_name": "whatsappnumber",
        "field_name": "account",
    }
    results = admin_client.get("/admin/autocomplete/", query).json()["results"]
    assert [result["text"] for result in results] == ["WhatsApp channel"]


def test_supervisors_and_agents_cannot_open_numbers(account: WhatsAppAccount) -> None:
    for role in ("Supervisor", "Agent"):
        assert create_signed_in_client(role).get(admin_url(NUMBER_MODEL, "add")).status_code in {302, 403}


def test_whether_customers_see_that_agents_type_is_switched_on_the_number(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    admin_client.post(admin_url(NUMBER_MODEL, "add"), number_form(account))
    number = WhatsAppNumber.objects.get()
    assert not number.shows_typing_indicator
    admin_client.post(admin_url(NUMBER_MODEL, "change", number.pk), number_form(account, shows_typing_indicator="on"))
    assert WhatsAppNumber.objects.get().shows_typing_indicator
    assert "marks the customer's message as read" in visible_text(
        admin_client.get(admin_url(NUMBER_MODEL, "change", number.pk))
    )
