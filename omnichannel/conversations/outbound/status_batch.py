"""Move the statuses of many messages at once, as `delivery_status.apply_status_update` moves one."""

from collections.abc import Hashable, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from channels_whatsapp.events import StatusUpdate
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.conversations.models import Conversation, Message
from omnichannel.conversations.outbound.delivery_status import (
    STATUS_BY_TWILIO_STATUS,
    STATUS_ORDER,
    get_refused_sids,
)
from omnichannel.core.db import update_rows

# Fields that `add` reads, and the topics of the live event.
LOADED_FIELDS = (
    *("status", "direction", "twilio_sid", "public_id", "error_code", "error_message", "payload"),
    *("conversation__contact", "conversation__agent", "conversation__queue"),
)
RANKS: dict[str, int] = {status: rank for rank, status in enumerate(STATUS_ORDER)}


class StatusBatch:
    """The status callbacks of a batch that only move a message forward; failures and unknown SIDs are not taken."""

    def __init__(self, account: WhatsAppAccount, updates: Sequence[tuple[StatusUpdate, UUID | None]]) -> None:
        """Load and lock the messages."""
        self._by_public_id: dict[UUID, Message] = {}
        self._by_sid: dict[str, Message] = {}
        self._changed: dict[int, Message] = {}
        public_ids = {public_id for _, public_id in updates if public_id}
        sids = {update.sid for update, public_id in updates if not public_id}
        if public_ids:
            self._load(account, Q(public_id__in=public_ids))
        if sids:
            # The second condition lets PostgreSQL use the partial index.
            self._load(account, Q(twilio_sid__in=sids) & ~Q(twilio_sid=""))

    def _load(self, account: WhatsAppAccount, condition: Q) -> None:
        messages = Message.objects.filter(condition, conversation__number__account=account)
        locked = messages.select_for_update(of=("self",), no_key=True).select_related("conversation")
        for message in locked.only(*LOADED_FIELDS).order_by("pk"):
            # The same row may be loaded for its id and for its SID.
            known = self._by_public_id.setdefault(message.public_id, message)
            self._by_sid[known.twilio_sid] = known

    def _find(self, update: StatusUpdate, public_id: UUID | None) -> Message | None:
        return self._by_public_id.get(public_id) if public_id else self._by_sid.get(update.sid)

    def get_keys(self, update: StatusUpdate, public_id: UUID | None) -> set[Hashable]:
        """Return keys that two deliveries have in common if their order matters."""
        message = self._find(update, public_id)
        keys: set[Hashable] = {("sid", update.sid)}
        if message is not None:
            keys |= {("message", message.pk), ("contact", message.conversation.contact_id)}
        return keys

    def add(self, update: StatusUpdate, public_id: UUID | None) -> bool:
        """Take the next callback; return False if it must be applied alone."""
        message, status = self._find(update, public_id), STATUS_BY_TWILIO_STATUS.get(update.status)
        if message is None or status not in RANKS or update.error_code is not None:
            return False
        if message.is_inbound or message.twilio_sid != update.sid or update.sid in get_refused_sids(message):
            return False
        # A failure is final, unless it was ours before the SID was known: such a message has none.
        if message.status in RANKS and RANKS[message.status] < RANKS[status]:
            message.status = status
            if message.error_code is None:
                message.error_message = ""
            self._changed[message.pk] = message
        return True

    def write(self) -> list[tuple[Conversation, int]]:
        """Store the new statuses in one statement; return the messages to publish."""
        now, changed = timezone.now(), [self._changed[pk] for pk in sorted(self._changed)]
        rows = [(message.pk, message.status, message.error_message, now) for message in changed]
        update_rows(Message, ["status", "error_message", "updated_at"], rows)
        return [(message.conversation, message.pk) for message in changed]
