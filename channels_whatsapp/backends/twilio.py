"""The backend for Twilio's REST API: Twilio's own client, with the time-outs it lacks."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.base.values import unset
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from channels_whatsapp.backends.base import (
    InvalidResponseError,
    OutgoingMessage,
    SentMessage,
    TwilioAccount,
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioSender,
    TwilioServerError,
    TwilioTemplate,
    UnknownOutcomeError,
)
from channels_whatsapp.backends.hosts import resolve_url
from channels_whatsapp.error_reasons import CREDENTIALS_REJECTED, clean_twilio_message
from channels_whatsapp.models import WhatsAppAccount

MAX_SENDERS = 200
TEMPLATE_PAGE_SIZE = 100
MAX_TEMPLATE_PAGES = 100
CONTENT_HOST = "content.twilio.com"
MAX_RECENT_MESSAGES = 50  # messages between two numbers within a minute or two

ResultT = TypeVar("ResultT")
_thread_local = threading.local()


class TimeoutHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with a connect and a read time-out, and its hosts mapped to the simulator."""

    def __init__(self) -> None:
        super().__init__()
        # Set as an attribute: the constructor takes a single number for both time-outs.
        self.timeout = settings.TWILIO_TIMEOUT

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, resolve_url(url), *args, **kwargs)


def _client(account: WhatsAppAccount) -> Client:
    # One per thread: Twilio does not promise that its client is thread-safe, and pooled connections save time.
    if not hasattr(_thread_local, "http"):
        _thread_local.http = TimeoutHttpClient()
    return Client(account.account_sid, account.auth_token, http_client=_thread_local.http)


def _call(function: Callable[[], ResultT]) -> ResultT:
    """Make the call and raise its failure as rejected, rate-limited or of unknown outcome."""
    try:
        return function()
    except TwilioRestException as error:
        raise _build_error(error.status, error.code or error.status, error.msg) from error
    except TwilioException as error:
        # A failed list call keeps its response only as an argument of the exception.
        response = next((arg for arg in error.args if isinstance(arg, Response)), None)
        status = getattr(error, "status", None) if response is None else response.status_code
        if status is None:
            raise UnknownOutcomeError(type(error).__name__) from error
        text = getattr(error, "detail", "") or getattr(error, "title", "") or "Twilio refused the call."
        raise _build_error(status, getattr(error, "code", None) or status, text) from error
    except requests.RequestException as error:
        # The type only: the text contains the URL with customers' numbers.
        raise UnknownOutcomeError(type(error).__name__) from error
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        # A response that Twilio's client can't parse: a proxy's error page, or a truncated body.
        raise InvalidResponseError("The response is not Twilio's.") from error


def _build_error(status: int, code: int, text: str) -> Exception:
    message = clean_twilio_message(text)
    if status == 429:
        return TwilioRateLimitError(message)
    if status >= 500 or status == 408:
        return TwilioServerError(status)
    return TwilioRejectedError(CREDENTIALS_REJECTED if status == 401 else code, message, status)


class TwilioBackend:
    """Implements `base.WhatsAppBackend`."""

    def send(self, account: WhatsAppAccount, message: OutgoingMessage) -> SentMessage:
        """POST Messages, once: Twilio has no idempotency key that would make a repetition safe."""
        create = _client(account).messages.create
        sent = _call(
            lambda: create(
                to=message.to,
                from_=message.sender,
                body=message.body or unset,
                media_url=[message.media_url] if message.media_url else unset,
                messaging_service_sid=message.messaging_service_sid or unset,
                content_sid=message.content_sid or unset,
                content_variables=message.content_variables or unset,
                status_callback=message.status_callback,
            )
        )
        return _build_sent_message(sent)

    def fetch(self, account: WhatsAppAccount, sid: str) -> SentMessage:
        return _build_sent_message(_call(lambda: _client(account).messages(sid).fetch()))

    def list_sent(self, account: WhatsAppAccount, *, to: str, sender: str, since: datetime) -> list[SentMessage]:
        messages = _client(account).messages
        # Not filtered by date at Twilio: it filters by the date of sending, which queued messages do not have.
        instances = _call(lambda: messages.list(to=to, from_=sender, limit=MAX_RECENT_MESSAGES))
        recent = [_build_sent_message(instance) for instance in instances]
        return [message for message in recent if message.created_at is None or message.created_at >= since]

    def fetch_account(self, account: WhatsAppAccount) -> TwilioAccount:
        instance = _call(lambda: _client(account).api.accounts(account.account_sid).fetch())
        return TwilioAccount(instance.sid or "", instance.friendly_name or "", str(instance.status), str(instance.type))

    def send_typing_indicator(self, account: WhatsAppAccount, sid: str) -> None:
        indicator = _client(account).messaging.v2.typing_indicator
        _call(lambda: indicator.create(channel="whatsapp", message_id=sid))

    def list_senders(self, account: WhatsAppAccount) -> list[TwilioSender]:
        senders = _client(account).messaging.v2.channels_senders
        instances = _call(lambda: senders.list(channel="whatsapp", limit=MAX_SENDERS))
        return [_build_sender(instance) for instance in instances]

    def list_templates(self, account: WhatsAppAccount) -> list[TwilioTemplate]:
        content = _client(account).content.v1
        try:
            instances = _fetch_all_pages(content.content_and_approvals)
        except TwilioRejectedError as error:
            if error.status not in {404, 405}:
                raise
            # This list has no approvals: _build_template fetches them one by one.
            instances = _fetch_all_pages(content.contents)
        return [_build_template(content, instance) for instance in instances if instance.sid]


def _fetch_all_pages(resource: Any) -> list[Any]:
    """Return all entries of a list of the Content API.

    Raises UnknownOutcomeError if a next page is not at Twilio, or if there are too many pages.
    """
    page = _call(lambda: resource.page(page_size=TEMPLATE_PAGE_SIZE))
    instances: list[Any] = _call(lambda: list(page))
    for _ in range(MAX_TEMPLATE_PAGES):
        url = page.next_page_url
        if not url:
            return instances
        # The credentials are sent along with the request for the next page.
        if not str(url).startswith(f"https://{CONTENT_HOST}/"):
            raise UnknownOutcomeError("The next page of the list is not at Twilio.")
        page = _call(partial(resource.get_page, url))
        instances += _call(partial(list, page))
    raise UnknownOutcomeError(f"The list of templates has more than {MAX_TEMPLATE_PAGES} pages.")


def _build_template(content: Any, instance: Any) -> TwilioTemplate:
    approval = getattr(instance, "approval_requests", None)
    if not approval:
        approval = _call(lambda: content.contents(instance.sid).approval_fetch().fetch()).whatsapp
    return TwilioTemplate(
        sid=instance.sid,
        name=instance.friendly_name or "",
        language=instance.language or "",
        types=dict(instance.types or {}),
        variables=dict(instance.variables or {}),
        approval=dict(approval or {}),
    )


def _build_sent_message(instance: MessageInstance) -> SentMessage:
    return SentMessage(
        sid=instance.sid or "",
        status=str(instance.status),
        to=instance.to or "",
        body=instance.body or "",
        created_at=instance.date_created,
        error_code=instance.error_code,
        error_message=instance.error_message or "",
        num_media=int(instance.num_media or 0),
    )


def _build_sender(instance: Any) -> TwilioSender:
    reasons = instance.offline_reasons or []
    return TwilioSender(
        sid=instance.sid or "",
        address=instance.sender_id or "",
        status=str(instance.status),
        callback_url=(instance.webhook or {}).get("callback_url") or "",
        offline_reasons=tuple(str(reason.get("message") or reason.get("code")) for reason in reasons),
    )
