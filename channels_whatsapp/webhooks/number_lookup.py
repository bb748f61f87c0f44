"""Find the WhatsApp number that a customer's message was sent to."""

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from channels_whatsapp import identity
from channels_whatsapp.events import InboundMessage
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.phone_numbers import normalize_phone_number
from channels_whatsapp.webhooks.deliveries import IgnoredDeliveryError, NumberNotSetUpError


def find_number(account: WhatsAppAccount, inbound: InboundMessage) -> WhatsAppNumber:
    """Return the account's number in `To`; without `To`, the number of the Messaging Service.

    Raises IgnoredDeliveryError, with the reason, for another channel, an unknown number, and a deactivated number or
    account; such a delivery is stored and can be applied later.
    """
    number = (
        _find_by_recipient(account, inbound.recipient)
        if inbound.recipient
        else _find_by_messaging_service(account, inbound)
    )
    if not account.is_active:
        raise IgnoredDeliveryError(f"The channel {account.name} is deactivated.")
    if not number.is_active:
        raise IgnoredDeliveryError(f"The number {number.number} is deactivated.")
    return number


class NumberIndex:
    """The active numbers of an account, for many messages; those it does not find need `find_number`."""

    def __init__(self, account: WhatsAppAccount) -> None:
        numbers = _get_numbers(account) if account.is_active else ()
        self._numbers = {number.number: number for number in numbers if number.is_active}

    def find(self, inbound: InboundMessage) -> WhatsAppNumber | None:
        """Return the active number in `To`; None if it is missing, malformed or not among the account's."""
        bare = inbound.recipient.removeprefix(identity.WHATSAPP_PREFIX)
        return self._numbers.get(bare) if bare != inbound.recipient else None


def _find_by_recipient(account: WhatsAppAccount, recipient: str) -> WhatsAppNumber:
    channel, colon, _ = recipient.partition(":")
    if colon and channel != identity.WHATSAPP_PREFIX.rstrip(":"):
        raise IgnoredDeliveryError(f"Sent to another channel: {channel[:40]}.")
    try:
        normalized = normalize_phone_number(recipient)
    except ValidationError as error:
        raise IgnoredDeliveryError("The recipient is not a phone number.") from error
    number = _get_numbers(account).filter(number=normalized).first()
    if number is None:
        raise NumberNotSetUpError(f"The channel {account.name} has no number {normalized}.")
    return number


def _find_by_messaging_service(account: WhatsAppAccount, inbound: InboundMessage) -> WhatsAppNumber:
    if not inbound.messaging_service_sid:
        raise IgnoredDeliveryError("The recipient number is missing.")
    numbers = list(_get_numbers(account).order_by("-is_active", "pk")[:2])
    if numbers and (inbound.messaging_service_sid == account.messaging_service_sid or len(numbers) == 1):
        return numbers[0]
    raise NumberNotSetUpError(
        f"The channel {account.name} has no Messaging Service {inbound.messaging_service_sid[:34]}."
    )


def _get_numbers(account: WhatsAppAccount) -> QuerySet[WhatsAppNumber]:
    return account.numbers.select_related("work_stream__fallback_queue")
