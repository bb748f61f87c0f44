"""The interface of WhatsApp backends: the calls, the values they return, and the errors they raise."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from channels_whatsapp.models import WhatsAppAccount


class TwilioRejectedError(Exception):
    """Twilio refused the call: nothing was sent, and the same call would be refused again."""

    def __init__(self, code: int, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class TwilioRateLimitError(Exception):
    """Status 429, too many requests. Twilio documents that such a call was never processed."""


class UnknownOutcomeError(Exception):
    """A time-out, a 5xx status or a broken connection: it is not known whether Twilio took the call."""


class TwilioServerError(UnknownOutcomeError):
    """Twilio answered with a status that reports a fault on its side: 5xx or 408."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class InvalidResponseError(UnknownOutcomeError):
    """The response is not one of Twilio's, for example a proxy's error page or a truncated body."""


TwilioFailure = TwilioRejectedError | TwilioRateLimitError | UnknownOutcomeError
TWILIO_FAILURES: Final = (TwilioRejectedError, TwilioRateLimitError, UnknownOutcomeError)


@dataclass(frozen=True)
class OutgoingMessage:
    """A message for Twilio to send. Addresses carry their `whatsapp:` prefix."""

    to: str
    sender: str
    body: str
    status_callback: str
    media_url: str = ""
    messaging_service_sid: str = ""
    # A template in place of body and file, and its variables as a JSON object.
    content_sid: str = ""
    content_variables: str = ""


@dataclass(frozen=True)
class SentMessage:
    """A message as Twilio reports it."""

    sid: str
    status: str
    to: str
    body: str
    created_at: datetime | None
    error_code: int | None = None
    error_message: str = ""
    num_media: int = 0


@dataclass(frozen=True)
class TwilioAccount:
    """The account's data that validation needs; without the token that Twilio sends along."""

    sid: str
    name: str
    status: str  # active, suspended, closed
    type: str  # Trial, Full


@dataclass(frozen=True)
class TwilioSender:
    """A WhatsApp sender of the account."""

    sid: str
    address: str  # whatsapp:+…
    status: str  # ONLINE, ONLINE:UPDATING, OFFLINE, …
    callback_url: str
    offline_reasons: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class TwilioTemplate:
    """A Content template at Twilio; `approval` is WhatsApp's answer as Twilio returns it, or empty."""

    sid: str
    name: str
    language: str
    types: dict[str, Any]
    variables: dict[str, Any]
    approval: dict[str, Any] = field(default_factory=dict)


class WhatsAppBackend(Protocol):
    """The calls to Twilio; none takes longer than about 10 seconds.

    Each may raise TwilioRejectedError, TwilioRateLimitError or UnknownOutcomeError.
    """

    def send(self, account: WhatsAppAccount, message: OutgoingMessage) -> SentMessage:
        """Send the message, once."""
        ...

    def fetch(self, account: WhatsAppAccount, sid: str) -> SentMessage:
        """Return the message with this SID in its present state."""
        ...

    def list_sent(self, account: WhatsAppAccount, *, to: str, sender: str, since: datetime) -> list[SentMessage]:
        """Return all messages from `sender` to `to` that Twilio created at `since` or later."""
        ...

    def fetch_account(self, account: WhatsAppAccount) -> TwilioAccount:
        """Return the account's data."""
        ...

    def send_typing_indicator(self, account: WhatsAppAccount, sid: str) -> None:
        """Show a typing indicator to the customer who sent this message; it marks their messages as read."""
        ...

    def list_senders(self, account: WhatsAppAccount) -> list[TwilioSender]:
        """Return the account's WhatsApp senders."""
        ...

    def list_templates(self, account: WhatsAppAccount) -> list[TwilioTemplate]:
        """Return all Content templates of the account with their approval; one call per page."""
        ...
