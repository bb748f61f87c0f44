"""Apply many deliveries of an account in one transaction, with a constant number of statements.

Only common cases are applied here: messages whose sender and conversation are clear, and statuses that move a message
forward. All others are left to the functions for one delivery, which run afterwards. The result is the same as if all
had been applied one by one, in order: a delivery is left, too, if it has to do with one that was left before it.
"""

import logging
from collections.abc import Collection, Hashable, Sequence
from uuid import UUID

from channels_whatsapp.events import InboundMessage, StatusUpdate, is_from_account, message_sid
from channels_whatsapp.models import WebhookDelivery, WebhookKind, WhatsAppAccount
from omnichannel.conversations.inbound.message_batch import MessageBatch
from omnichannel.conversations.live_events import publish_messages
from omnichannel.conversations.outbound.status_batch import StatusBatch

logger = logging.getLogger(__name__)


def apply_batch(account: WhatsAppAccount, deliveries: Sequence[WebhookDelivery]) -> Collection[int]:
    """Apply the deliveries that can be applied together; return their ids. The caller holds the transaction.

    Args:
        account: the account of the deliveries.
        deliveries: new deliveries, in order.
    """
    messages = _parse_messages(account, deliveries)
    updates = _parse_updates(account, deliveries)
    statuses = StatusBatch(account, list(updates.values()))
    inbound = MessageBatch(account, list(messages.values()))
    left_keys: set[Hashable] = set()
    applied_ids = []
    for delivery in deliveries:
        if delivery.pk in messages:
            message = messages[delivery.pk]
            keys = inbound.get_keys(message)
            is_taken = left_keys.isdisjoint(keys) and inbound.add(message, delivery.received_at)
        elif delivery.pk in updates:
            keys = statuses.get_keys(*updates[delivery.pk])
            is_taken = left_keys.isdisjoint(keys) and statuses.add(*updates[delivery.pk])
        else:
            continue
        if is_taken:
            applied_ids.append(delivery.pk)
        else:
            left_keys |= keys
    changed = [*inbound.write(), *statuses.write()]
    publish_messages(changed)
    return applied_ids


def _parse_messages(account: WhatsAppAccount, deliveries: Sequence[WebhookDelivery]) -> dict[int, InboundMessage]:
    """Return the messages by the ids of their deliveries, without those that can't be read."""
    messages = {}
    for delivery in deliveries:
        if delivery.kind == WebhookKind.INBOUND and _is_for(account, delivery):
            try:
                messages[delivery.pk] = InboundMessage.from_payload(delivery.payload)
            except Exception:  # it fails again when it is applied alone, which stores the error
                logger.info("Delivery %s can't be read.", delivery.fingerprint, exc_info=True)
    return messages


def _parse_updates(
    account: WhatsAppAccount, deliveries: Sequence[WebhookDelivery]
) -> dict[int, tuple[StatusUpdate, UUID | None]]:
    """Return the status updates, and our ids of their messages, by the ids of their deliveries."""
    return {
        delivery.pk: (StatusUpdate.from_payload(delivery.payload), delivery.public_id)
        for delivery in deliveries
        if delivery.kind == WebhookKind.STATUS and _is_for(account, delivery)
    }


def _is_for(account: WhatsAppAccount, delivery: WebhookDelivery) -> bool:
    return is_from_account(delivery.payload, account.account_sid) and bool(message_sid(delivery.payload))
