"""What the desk makes of a webhook delivery; the channel is handed this function."""

from channels_whatsapp.events import InboundMessage, StatusUpdate, message_sid
from channels_whatsapp.models import WebhookDelivery, WebhookKind
from channels_whatsapp.webhooks.deliveries import IgnoredDeliveryError
from omnichannel.conversations.inbound.receive import receive_message
from omnichannel.conversations.outbound.delivery_status import apply_status_update

# Some minutes: the outcome of a call that was cut off is settled long before that.
UNKNOWN_SID_ATTEMPTS = 6


def apply_delivery(delivery: WebhookDelivery) -> None:
    """File a customer's message, or move a message's status; raises Ignore for what is not for this desk."""
    payload = delivery.payload
    if not message_sid(payload):
        raise IgnoredDeliveryError("The form has no message SID.")
    match delivery.kind:
        case WebhookKind.INBOUND:
            inbound = InboundMessage.from_payload(payload)
            receive_message(delivery.account, inbound, received_at=delivery.received_at)
        case WebhookKind.STATUS:
            update = StatusUpdate.from_payload(payload)
            final = delivery.attempts >= UNKNOWN_SID_ATTEMPTS
            apply_status_update(delivery.account, update, delivery.public_id, is_final_attempt=final)
        case other:
            raise ValueError(f"A delivery of kind {other!r}.")
