"""Faults that can be switched on in the simulator."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Customer, FaultKind, Message, Sender

pytestmark = pytest.mark.django_db(transaction=True)


def create_message(twilio: Client, sender: Sender, to: str = "whatsapp:+491511234567") -> Any:
    return twilio.messages.create(to=to, from_=sender.address, body="Hello")


@pytest.mark.parametrize(
    ("kind", "status", "code", "accepted"),
    [
        (FaultKind.TOO_MANY, 429, 20429, 0),
        (FaultKind.ERROR_BEFORE, 500, 20500, 0),
        (FaultKind.ERROR_AFTER, 500, 20500, 1),
        (FaultKind.WRONG_TOKEN, 401, 20003, 0),
    ],
)
def test_a_call_fails_before_or_after_the_message_was_accepted(
    twilio: Client, sender: Sender, omar: Customer, kind: FaultKind, status: int, code: int, accepted: int
) -> None:
    inbound.set_fault(kind, customer=omar)
    with pytest.raises(TwilioRestException) as caught:
        create_message(twilio, sender)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert Message.objects.count() == accepted


@pytest.mark.parametrize(("kind", "setting"), [(FaultKind.SLOW, "SLOW"), (FaultKind.HANG, "HANG")])
def test_slow_fault_delays_the_call(
    twilio: Client, sender: Sender, omar: Customer, settings: Any, kind: FaultKind, setting: str
) -> None:
    setattr(settings, f"SIMULATOR_{setting}_SECONDS", 0.5)
    inbound.set_fault(kind)
    twilio.http_client.timeout = 0.1
    with pytest.raises(OSError, match="timed out"):
        create_message(twilio, sender)


def test_a_fault_of_one_customer_leaves_the_others_alone(twilio: Client, sender: Sender, omar: Customer) -> None:
    inbound.set_fault(FaultKind.TOO_MANY, customer=omar)
    assert create_message(twilio, sender, to="whatsapp:+491519999999").status == "queued"


def test_global_fault_applies_to_every_call_until_switched_off(twilio: Client, sender: Sender) -> None:
    inbound.set_fault(FaultKind.ERROR_BEFORE)
    with pytest.raises(TwilioRestException):
        twilio.api.accounts(sender.account.sid).fetch()
    inbound.set_fault(FaultKind.ERROR_BEFORE, is_enabled=False)
    assert twilio.api.accounts(sender.account.sid).fetch().status == "active"


def test_a_fault_finds_the_customer_by_their_business_scoped_id_too(twilio: Client, sender: Sender) -> None:
    amara = factories.create_customer("Amara", "+491511111111", external_user_id="DE.77")
    inbound.set_fault(FaultKind.OPTED_OUT, customer=amara)
    with pytest.raises(TwilioRestException, match="unsubscribed"):
        create_message(twilio, sender, to="whatsapp:DE.77")


def test_media_is_404_at_first(twilio: Client, sender: Sender, omar: Customer, settings: Any) -> None:
    inbound.set_fault(FaultKind.MEDIA_LATE, customer=omar)
    picture = inbound.Attachment("lamp.jpg", "image/jpeg", b"lamp")
    early = inbound.receive_customer_message(omar, sender, attachments=[picture])
    settings.SIMULATOR_MEDIA_DELAY_SECONDS = 0
    late = inbound.receive_customer_message(omar, sender, attachments=[picture])
    assert twilio.messages(early.sid).media.list() == []
    assert len(twilio.messages(late.sid).media.list()) == 1
    with pytest.raises(TwilioRestException):
        twilio.messages(early.sid).media(early.media.get().sid).fetch()
