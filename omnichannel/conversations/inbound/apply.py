"""Apply a webhook delivery to the desk; `worker_jobs` passes this function to the channel."""

from channels_whatsapp.events import InboundMessage, StatusUpdate, get_first_value, is_from_account, message_sid
from channels_whatsapp.models import WebhookDelivery, WebhookKind
from channels_whatsapp.webhooks.deliveries import IgnoredDeliveryError
from omnichannel.conversations.inbound.receive import receive_message
from omnichannel.conversations.outbound.delivery_status import apply_status_update

# Some minutes of retries: by then the outcome of an interrupted API call is known.
UNKNOWN_SID_ATTEMPTS = 6


def apply_delivery(delivery: WebhookDelivery) -> None:
    """Store a customer's message, or update a message's status.

    Raises:
        IgnoredDeliveryError: the delivery is not for this desk.
        DeliveryNotReadyError: the message of a status callback is not stored yet.
    """
    payload = delivery.payload
    if not is_from_account(payload, delivery.account.account_sid):
        raise IgnoredDeliveryError(f"From another Twilio account: {get_first_value(payload, 'AccountSid')[:40]}.")
    if not message_sid(payload):
        raise IgnoredDeliveryError("The message SID is missing.")
    match delivery.kind:
        case WebhookKind.INBOUND:
            inbound = InboundMessage.from_payload(payload)
            receive_message(delivery.account, inbound, received_at=delivery.received_at)
        case WebhookKind.STATUS:
            update = StatusUpdate.from_payload(payload)
            is_final = delivery.attempts >= UNKNOWN_SID_ATTEMPTS
            apply_status_update(delivery.account, update, delivery.public_id, is_final_attempt=is_final)
        case unknown_kind:
            raise ValueError(f"Unknown kind of delivery: {unknown_kind!r}.")
