"""API calls that the simulator refuses, with Twilio's error codes."""

from typing import Any

import pytest
from django.test import Client as Browser
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.business_scoped_ids import get_user_id
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Customer, FaultKind, Message, Sender

pytestmark = pytest.mark.django_db(transaction=True)

OMAR_ADDRESS = "whatsapp:+491511234567"
SHOP_ADDRESS = "whatsapp:+4930111111"


def refused_status_and_code(twilio: Client, **fields: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages.create(**{"to": OMAR_ADDRESS, "from_": SHOP_ADDRESS, "body": "Hello", **fields})
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "+491511234567"}, 21211),
        ({"to": "whatsapp:lamp"}, 21211),
        ({"to": ""}, 21604),
        ({"from_": ""}, 21603),
        ({"from_": "+4930111111"}, 21910),
        ({"from_": "+4930111111", "to": "+491511234567"}, 21606),
        ({"from_": "whatsapp:+4930999999"}, 63007),
        ({"body": "x" * 1601}, 21617),
        ({"body": ""}, 21619),
        ({"body": "", "media_url": ["ftp://example.com/lamp.png"]}, 21620),
        ({"body": "", "media_url": ["http://localhost/lamp.png"] * 11}, 21623),
        ({"body": "", "media_url": ["http://[/lamp.png"]}, 21620),
        ({"body": "", "content_sid": "HX" + "0" * 32}, 21655),
        ({"content_variables": '{"1": "you"}'}, 21654),
        ({"messaging_service_sid": "MG1"}, 21705),
        ({"status_callback": "https://my_desk.example.com/"}, 21609),
    ],
)
def test_a_malformed_message_is_refused(twilio: Client, sender: Sender, fields: dict[str, Any], code: int) -> None:
    assert refused_status_and_code(twilio, **fields) == (400, code)
    assert not Message.objects.exists()


@pytest.mark.parametrize("fields", [{}, {"from_": ""}])
def test_an_unknown_messaging_service_is_refused(twilio: Client, sender: Sender, fields: dict[str, Any]) -> None:
    assert refused_status_and_code(twilio, messaging_service_sid="MG" + "0" * 32, **fields) == (404, 21701)
    assert not Message.objects.exists()


def test_the_id_of_a_customer_for_another_account_is_refused(twilio: Client, sender: Sender, omar: Customer) -> None:
    other = factories.create_account("Other")
    assert refused_status_and_code(twilio, to=get_user_id(omar, other)) == (400, 21211)
    own_id = get_user_id(omar, sender.account)
    assert twilio.messages.create(to=own_id, from_=SHOP_ADDRESS, body="Hello").to == own_id
    assert Message.objects.get().customer == omar


def test_body_of_1600_characters_and_a_business_scoped_id_are_accepted(twilio: Client, sender: Sender) -> None:
    to = "whatsapp:US.13491208655302741918"
    assert twilio.messages.create(to=to, from_=SHOP_ADDRESS, body="x" * 1600).to == to


@pytest.mark.parametrize("variables", ["{", "[1]", '{"1": 2}'])
def test_variables_that_are_no_object_of_texts_are_refused(
    twilio: Client, account: Account, sender: Sender, variables: str
) -> None:
    content = factories.create_content(account, "greeting", {"twilio/text": {"body": "Hello {{1}}"}})
    fields = {"content_sid": content.sid, "content_variables": variables, "body": ""}
    assert refused_status_and_code(twilio, **fields) == (400, 21656)


def test_an_offline_sender_cannot_send(twilio: Client, sender: Sender) -> None:
    Sender.objects.update(status="OFFLINE")
    assert refused_status_and_code(twilio) == (400, 63007)


def test_a_suspended_account_cannot_send(twilio: Client, sender: Sender) -> None:
    Account.objects.update(status="suspended")
    assert refused_status_and_code(twilio) == (403, 20005)


def test_a_customer_who_opted_out_gets_nothing(twilio: Client, sender: Sender, omar: Customer) -> None:
    inbound.set_fault(FaultKind.OPTED_OUT, customer=omar)
    assert refused_status_and_code(twilio) == (400, 21610)


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic !!!", "Basic QUM6eA=="])
def test_wrong_token_is_refused(account: Account, header: str) -> None:
    address = f"/simulator/twilio/api/2010-04-01/Accounts/{account.sid}.json"
    response = Browser().get(address, headers={"Authorization": header} if header else {})
    assert (response.status_code, response.json()["code"], response.json()["status"]) == (401, 20003, 401)
    assert response.json()["more_info"] == "https://www.twilio.com/docs/errors/20003"


def test_secondary_token_is_accepted_during_rotation(twilio: Client, account: Account) -> None:
    Account.objects.update(auth_token="new", secondary_auth_token=account.auth_token)
    assert twilio.api.accounts(account.sid).fetch().sid == account.sid


def test_another_account_is_not_shown(twilio: Client) -> None:
    other = factories.create_account("Somebody else")
    with pytest.raises(TwilioRestException) as caught:
        twilio.api.accounts(other.sid).fetch()
    assert caught.value.code == 20404


def test_unsupported_paths_return_twilios_error() -> None:
    response = Browser(enforce_csrf_checks=True).post("/simulator/twilio/api/2010-04-01/Accounts/AC1/Calls.json")
    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_form_is_accepted_without_a_csrf_token(account: Account) -> None:
    address = f"/simulator/twilio/api/2010-04-01/Accounts/{account.sid}/Messages.json"
    assert Browser(enforce_csrf_checks=True).post(address).status_code == 401
