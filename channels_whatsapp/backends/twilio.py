"""Twilio's REST API through Twilio's own client, with the time-outs it does not have by itself."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.base.values import unset
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from channels_whatsapp.backends.base import (
    OutgoingMessage,
    SentMessage,
    TwilioAccount,
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioSender,
    TwilioTemplate,
    UnknownOutcomeError,
)
from channels_whatsapp.backends.hosts import resolve_url
from channels_whatsapp.models import WhatsAppAccount

MAX_SENDERS = 200
TEMPLATE_PAGE_SIZE = 100
MAX_TEMPLATE_PAGES = 100
CONTENT_HOST = "content.twilio.com"
MAX_RECENT_MESSAGES = 50  # messages between two numbers within a minute or two

ResultT = TypeVar("ResultT")
_thread_local = threading.local()


class TimeoutHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with the time-outs it lacks by itself."""

    def __init__(self) -> None:
        super().__init__()
        # Only as an attribute: the constructor takes one number for both.
        self.timeout = settings.TWILIO_TIMEOUT

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, resolve_url(url), *args, **kwargs)


def _client(account: WhatsAppAccount) -> Client:
    # One per thread: Twilio does not promise that its client may be shared, and pooled connections are worth keeping.
    if not hasattr(_thread_local, "http"):
        _thread_local.http = TimeoutHttpClient()
    return Client(account.account_sid, account.auth_token, http_client=_thread_local.http)


def _call(function: Callable[[], ResultT]) -> ResultT:
    """Make the call and tell apart what its failure means: refused, busy, or not known."""
    try:
        return function()
    except TwilioRestException as error:
        raise _build_error(error.status, error.code or error.status, error.msg) from error
    except TwilioException as error:
        # A failed list keeps its answer only as an argument of the exception.
        answer = next((arg for arg in error.args if isinstance(arg, Response)), None)
        status = getattr(error, "status", None) if answer is None else answer.status_code
        if status is None:
            raise UnknownOutcomeError(type(error).__name__) from error
        raise _build_error(status, getattr(error, "code", None) or status, "Twilio refused the call.") from error
    except requests.RequestException as error:
        # Only its kind: the text carries the whole address, and customers' numbers in it.
        raise UnknownOutcomeError(type(error).__name__) from error
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        # An answer that Twilio's own client can't read: a proxy's page, or half of one.
        raise UnknownOutcomeError("The answer is not Twilio's.") from error


def _build_error(status: int, code: int, message: str) -> Exception:
    if status == 429:
        return TwilioRateLimitError(message)
    if status >= 500 or status == 408:
        return UnknownOutcomeError(f"HTTP {status}")
    return TwilioRejectedError(20003 if status == 401 else code, message, status)


class TwilioBackend:
    """See `base.WhatsAppBackend`."""

    def send(self, account: WhatsAppAccount, message: OutgoingMessage) -> SentMessage:
        """POST Messages, once. Twilio has no way to make it safe to repeat."""
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
        # Not asked for by date: Twilio's date is that of sending, and what is still queued has none.
        found = [
            _build_sent_message(one)
            for one in _call(lambda: messages.list(to=to, from_=sender, limit=MAX_RECENT_MESSAGES))
        ]
        return [one for one in found if one.created_at is None or one.created_at >= since]

    def fetch_account(self, account: WhatsAppAccount) -> TwilioAccount:
        found = _call(lambda: _client(account).api.accounts(account.account_sid).fetch())
        return TwilioAccount(found.sid or "", found.friendly_name or "", str(found.status), str(found.type))

    def send_typing_indicator(self, account: WhatsAppAccount, sid: str) -> None:
        indicator = _client(account).messaging.v2.typing_indicator
        _call(lambda: indicator.create(channel="whatsapp", message_id=sid))

    def list_senders(self, account: WhatsAppAccount) -> list[TwilioSender]:
        senders = _client(account).messaging.v2.channels_senders
        return [_build_sender(one) for one in _call(lambda: senders.list(channel="whatsapp", limit=MAX_SENDERS))]

    def list_templates(self, account: WhatsAppAccount) -> list[TwilioTemplate]:
        content = _client(account).content.v1
        try:
            found = _fetch_all_pages(content.content_and_approvals)
        except TwilioRejectedError as refused:
            if refused.status not in {404, 405}:
                raise
            found = _fetch_all_pages(content.contents)  # without what WhatsApp says: asked for one by one below
        return [_build_template(content, one) for one in found if one.sid]


def _fetch_all_pages(resource: Any) -> list[Any]:
    """Every entry of a list of the Content API. Raises OutcomeUnknown for a list that leads away from Twilio."""
    page = _call(lambda: resource.page(page_size=TEMPLATE_PAGE_SIZE))
    found: list[Any] = _call(lambda: list(page))
    for _ in range(MAX_TEMPLATE_PAGES):
        url = page.next_page_url
        if not url:
            return found
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != ("https", CONTENT_HOST):  # the credentials would go there too
            raise UnknownOutcomeError("The next page of the list is not at Twilio.")
        page = _call(partial(resource.get_page, url))
        found += _call(partial(list, page))
    raise UnknownOutcomeError("The list of templates has no end.")


def _build_template(content: Any, found: Any) -> TwilioTemplate:
    approval = getattr(found, "approval_requests", None)
    if not approval:
        approval = _call(lambda: content.contents(found.sid).approval_fetch().fetch()).whatsapp
    return TwilioTemplate(
        sid=found.sid,
        name=found.friendly_name or "",
        language=found.language or "",
        types=dict(found.types or {}),
        variables=dict(found.variables or {}),
        approval=dict(approval or {}),
    )


def _build_sent_message(found: MessageInstance) -> SentMessage:
    return SentMessage(
        sid=found.sid or "",
        status=str(found.status),
        to=found.to or "",
        body=found.body or "",
        created_at=found.date_created,
        error_code=found.error_code,
        error_message=found.error_message or "",
        num_media=int(found.num_media or 0),
    )


def _build_sender(found: Any) -> TwilioSender:
    reasons = found.offline_reasons or []
    return TwilioSender(
        sid=found.sid or "",
        address=found.sender_id or "",
        status=str(found.status),
        callback_url=(found.webhook or {}).get("callback_url") or "",
        offline_reasons=tuple(str(reason.get("message") or reason.get("code")) for reason in reasons),
    )
