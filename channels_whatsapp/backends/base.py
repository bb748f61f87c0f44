"""What the desk asks of Twilio, and how Twilio's answers are told apart."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from channels_whatsapp.models import WhatsAppAccount


class TwilioRejectedError(Exception):
    """Twilio answered no: nothing was sent, and the same call again would be refused again."""

    def __init__(self, code: int, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class TwilioRateLimitError(Exception):
    """429: too many calls at once. Twilio documents that such a call was never processed and may be repeated."""


class UnknownOutcomeError(Exception):
    """A time-out, a 5xx or a broken connection: whether Twilio took the call is not known."""


TwilioFailure = TwilioRejectedError | TwilioRateLimitError | UnknownOutcomeError
TWILIO_FAILURES: Final = (TwilioRejectedError, TwilioRateLimitError, UnknownOutcomeError)


@dataclass(frozen=True)
class OutgoingMessage:
    """A message as Twilio is to send it. Addresses carry their `whatsapp:` prefix."""

    to: str
    sender: str
    body: str
    status_callback: str
    media_url: str = ""
    messaging_service_sid: str = ""
    # A template in place of body and file: which, and its variables as a JSON object.
    content_sid: str = ""
    content_variables: str = ""


@dataclass(frozen=True)
class SentMessage:
    """A message as Twilio knows it."""

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
    """What an account check needs; never the token Twilio sends along."""

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
    """A Content template as Twilio has it; `approval` is what WhatsApp says, in its own words, empty where nothing."""

    sid: str
    name: str
    language: str
    types: dict[str, Any]
    variables: dict[str, Any]
    approval: dict[str, Any] = field(default_factory=dict)


class WhatsAppBackend(Protocol):
    """Twilio, as far as the desk uses it. Every call may raise TwilioRefused, TwilioBusy or OutcomeUnknown.

    No call takes longer than about 10 seconds.
    """

    def send(self, account: WhatsAppAccount, message: OutgoingMessage) -> SentMessage: ...

    def fetch(self, account: WhatsAppAccount, sid: str) -> SentMessage: ...

    def list_sent(self, account: WhatsAppAccount, *, to: str, sender: str, since: datetime) -> list[SentMessage]:
        """All messages from `sender` to `to` that Twilio created at `since` or later."""
        ...

    def fetch_account(self, account: WhatsAppAccount) -> TwilioAccount: ...

    def send_typing_indicator(self, account: WhatsAppAccount, sid: str) -> None:
        """Show the customer who sent this message that somebody types; it marks their messages as read."""
        ...

    def list_senders(self, account: WhatsAppAccount) -> list[TwilioSender]: ...

    def list_templates(self, account: WhatsAppAccount) -> list[TwilioTemplate]:
        """All Content templates of the account, each with what WhatsApp says about it; takes a call for each page."""
        ...
