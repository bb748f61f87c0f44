"""A backend in memory, as Django's `locmem` is for mail: tests can look at the sent messages."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from django.utils import timezone

from channels_whatsapp.backends.base import (
    OutgoingMessage,
    SentMessage,
    TwilioAccount,
    TwilioRejectedError,
    TwilioSender,
    TwilioTemplate,
)
from channels_whatsapp.models import WhatsAppAccount


@dataclass
class MemoryBackend:
    """Keeps sent messages in `outbox`; each call raises the next of `errors_to_raise`, if there is one."""

    outbox: list[OutgoingMessage] = field(default_factory=list)
    sent: list[SentMessage] = field(default_factory=list)
    errors_to_raise: list[Exception] = field(default_factory=list)
    typing_indicators: list[str] = field(default_factory=list)
    senders: list[TwilioSender] = field(default_factory=list)
    templates: list[TwilioTemplate] = field(default_factory=list)
    account_status: str = "active"
    sid_counter: "count[int]" = field(default_factory=lambda: count(1))

    def reset(self) -> None:
        """Forget everything, for the next test."""
        self.__init__()  # type: ignore[misc]

    def _raise_next_error(self) -> None:
        if self.errors_to_raise:
            raise self.errors_to_raise.pop(0)

    def send(self, account: WhatsAppAccount, message: OutgoingMessage) -> SentMessage:
        self._raise_next_error()
        self.outbox.append(message)
        self.sent.append(
            SentMessage(f"SM{next(self.sid_counter):032x}", "queued", message.to, message.body, timezone.now())
        )
        return self.sent[-1]

    def fetch(self, account: WhatsAppAccount, sid: str) -> SentMessage:
        self._raise_next_error()
        for message in self.sent:
            if message.sid == sid:
                return message
        raise TwilioRejectedError(20404, "The message was not found.", 404)

    def list_sent(self, account: WhatsAppAccount, *, to: str, sender: str, since: datetime) -> list[SentMessage]:
        self._raise_next_error()
        return [
            message for message in self.sent if message.to == to and message.created_at and message.created_at >= since
        ]

    def fetch_account(self, account: WhatsAppAccount) -> TwilioAccount:
        self._raise_next_error()
        return TwilioAccount(account.account_sid, "Memory", self.account_status, "Full")

    def send_typing_indicator(self, account: WhatsAppAccount, sid: str) -> None:
        self._raise_next_error()
        self.typing_indicators.append(sid)

    def list_senders(self, account: WhatsAppAccount) -> list[TwilioSender]:
        self._raise_next_error()
        return list(self.senders)

    def list_templates(self, account: WhatsAppAccount) -> list[TwilioTemplate]:
        self._raise_next_error()
        return list(self.templates)


backend = MemoryBackend()
