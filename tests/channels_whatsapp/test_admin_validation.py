"""Validate on a channel's page."""

import pytest

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import OutcomeUnknown, Sender, TwilioRefused
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

ACCOUNT = "channels_whatsapp_whatsappaccount"
REFUSED = TwilioRefused(20003, "Authenticate", 401)


@pytest.fixture(autouse=True)
def twilio(settings):
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    return memory.backend


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


@pytest.fixture
def number(twilio):
    number = builders.number(name="Main line")
    twilio.senders = [Sender("XE1", number.address, "ONLINE", number.account.inbound_url)]
    return number


def validate(client, account, **headers):
    return client.post(f"/admin/channels_whatsapp/whatsappaccount/{account.pk}/validate/", headers=headers, follow=True)


def test_success_is_told_and_stays_on_the_page_with_its_time(ada, number):
    response = validate(ada, number.account)
    assert toasts(response) == ["Validation succeeded: Account SID, Auth Token and phone numbers are in order."]
    shown = words(ada.get(page(ACCOUNT, "change", number.account.pk)))
    assert "Last checked" in shown
    assert "is online and its messages are posted here." in shown


def test_each_thing_that_is_wrong_is_told_with_what_to_do(ada, number, twilio):
    twilio.account_status = "suspended"
    twilio.senders = []
    told = toasts(validate(ada, number.account))
    assert len(told) == 2
    assert "suspended" in told[0]
    assert "is not a WhatsApp sender of this Twilio account." in told[1]
    assert "Senders" in told[1]


def test_rejected_credentials_are_marked_and_the_mark_goes_with_the_next_success(ada, number, twilio):
    twilio.answers = [REFUSED, REFUSED]
    assert "Credentials rejected" in words(validate(ada, number.account))
    assert "Credentials rejected" not in words(validate(ada, number.account))


def test_a_twilio_that_is_not_reached_leaves_the_mark_as_it_was(ada, number, twilio):
    twilio.answers = [REFUSED, REFUSED]
    validate(ada, number.account)
    twilio.answers = [OutcomeUnknown("timed out"), OutcomeUnknown("timed out")]
    assert "Credentials rejected" in words(validate(ada, number.account))


def test_a_script_gets_the_result_without_leaving_the_page(ada, number):
    answer = validate(ada, number.account, accept="application/json").json()
    assert answer["ok"]
    assert answer["messages"] == ["Validation succeeded: Account SID, Auth Token and phone numbers are in order."]
    assert "Last checked" in answer["html"]


def test_a_look_at_the_address_validates_nothing(ada, number):
    assert ada.get(f"/admin/channels_whatsapp/whatsappaccount/{number.account.pk}/validate/").status_code == 405
    number.account.refresh_from_db()
    assert number.account.validated_at is None


@pytest.mark.parametrize("role", ["Supervisor", "Agent"])
def test_only_administrators_validate(role, number):
    validate(signed_in(role), number.account)
    number.account.refresh_from_db()
    assert number.account.validated_at is None
