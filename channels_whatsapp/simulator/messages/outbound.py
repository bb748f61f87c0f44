"""POST Messages: what Twilio refuses at once, what it accepts, and what becomes of it later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.http import QueryDict

from channels_whatsapp.simulator.addresses import CUSTOMER_ADDRESS_PATTERN, WHATSAPP_PREFIX
from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.messages.template_rendering import (
    get_buttons,
    parse_variables,
    render_body,
    render_extra_parts,
)
from channels_whatsapp.simulator.models import (
    Account,
    Chat,
    Content,
    Customer,
    Direction,
    Fault,
    FaultKind,
    Message,
    ScheduledTask,
    Sender,
    TaskKind,
    new_sid,
)
from channels_whatsapp.simulator.webhooks import status_params
from channels_whatsapp.text_cleaning import remove_nul

MAX_BODY_LENGTH = 1600
MAX_TEMPLATE_LENGTH = 1024
MAX_MEDIA = 10
ERROR_CODE_BY_APPROVAL = {"rejected": 63040, "paused": 63041, "disabled": 63042}

FAILURE_DELAY = timedelta(milliseconds=400)
DELIVERY_STEPS = (("sent", timedelta(milliseconds=150)), ("delivered", timedelta(milliseconds=600)))
READ_DELAY = timedelta(milliseconds=2000)
DUPLICATE_DELAY = timedelta(milliseconds=50)


@dataclass(frozen=True)
class MessageRequest:
    """What a call to create a message asks for."""

    to: str
    sender: str
    messaging_service_sid: str
    body: str
    media_urls: tuple[str, ...]
    content_sid: str
    content_variables: str
    status_callback: str

    @classmethod
    def from_form(cls, form: QueryDict) -> "MessageRequest":
        """Read Twilio's parameter names."""
        return cls(
            to=form.get("To", ""),
            sender=form.get("From", ""),
            messaging_service_sid=form.get("MessagingServiceSid", ""),
            body=remove_nul(form.get("Body", "")),
            media_urls=tuple(form.getlist("MediaUrl")),
            content_sid=form.get("ContentSid", ""),
            content_variables=form.get("ContentVariables", ""),
            status_callback=form.get("StatusCallback", ""),
        )


def accept_message(account: Account, order: MessageRequest, *, now: datetime) -> Message:
    """Take a message on; whoever it is for gets a phone. Raises TwilioError where Twilio refuses it at once."""
    if account.status != "active":
        raise TwilioApiError(20005, account=account.sid)
    sender = _find_sender(account, order)
    _check_recipient(order)
    content = _find_content(account, order)
    _check_content(order)
    customer = Customer.objects.find_by_address(order.to) or Customer.objects.get_or_create(address=order.to)[0]
    if FaultKind.OPTED_OUT in Fault.objects.kinds_for(customer):
        raise TwilioApiError(21610)
    with transaction.atomic():
        message = _create_message(sender, customer, order, content, now)
        if order.media_urls:
            _schedule_media_fetch(message, order.media_urls, now)
        else:
            schedule_outcome(message, now)
    return message


def _find_sender(account: Account, order: MessageRequest) -> Sender:
    if not order.to:
        raise TwilioApiError(21604)
    if order.sender:
        _check_channel(order)
        sender = account.senders.filter(
            number=order.sender.removeprefix(WHATSAPP_PREFIX), status__startswith="ONLINE"
        ).first()
        if sender is None:
            raise TwilioApiError(63007)
        return sender
    if not order.messaging_service_sid:
        raise TwilioApiError(21603)
    sender = account.senders.filter(messaging_service_sid=order.messaging_service_sid).first()
    if sender is None:
        raise TwilioApiError(21701, service=order.messaging_service_sid)
    return sender


def _check_channel(order: MessageRequest) -> None:
    """Only WhatsApp is played here: a bare number has no SMS behind it."""
    from_channel, to_channel = order.sender.startswith(WHATSAPP_PREFIX), order.to.startswith(WHATSAPP_PREFIX)
    if not from_channel and not to_channel:
        raise TwilioApiError(21606, sender=order.sender)
    if from_channel and not to_channel:
        raise TwilioApiError(21211, to=order.to)
    if not from_channel:
        raise TwilioApiError(21910)


def _check_recipient(order: MessageRequest) -> None:
    if not CUSTOMER_ADDRESS_PATTERN.match(order.to):
        raise TwilioApiError(21211, to=order.to)


def _find_content(account: Account, order: MessageRequest) -> Content | None:
    if not order.content_sid:
        return None
    content = account.contents.filter(sid=order.content_sid).first()
    if content is None:
        raise TwilioApiError(21655)
    return content


def _check_content(order: MessageRequest) -> None:
    if not (order.body.strip() or order.media_urls or order.content_sid):
        raise TwilioApiError(21619)
    if len(order.body) > MAX_BODY_LENGTH:
        raise TwilioApiError(21617)
    if len(order.media_urls) > MAX_MEDIA:
        raise TwilioApiError(21623)
    if not all(_is_url(url) for url in order.media_urls):
        raise TwilioApiError(21620)
    if order.status_callback and not _is_url(order.status_callback):
        raise TwilioApiError(21609, url=order.status_callback)


def _is_url(text: str) -> bool:
    """Twilio wants a host name without an underscore."""
    parts = urlsplit(text)
    return (
        len(text) <= 500
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and "_" not in (parts.hostname or "")
    )


def _create_message(
    sender: Sender, customer: Customer, order: MessageRequest, content: Content | None, now: datetime
) -> Message:
    values = parse_variables(order.content_variables)
    return Message.objects.create(
        account=sender.account,
        sender=sender,
        customer=customer,
        sid=new_sid("MM" if order.media_urls or content else "SM"),
        direction=Direction.OUTBOUND,
        from_address=sender.address,
        to_address=order.to,
        body=render_body(content, values) if content else order.body,
        status="accepted" if order.messaging_service_sid else "queued",
        num_media=len(order.media_urls),
        content=content,
        buttons=get_buttons(content) if content else [],
        extra={"template": render_extra_parts(content, values)} if content else {},
        messaging_service_sid=order.messaging_service_sid,
        status_callback=order.status_callback or sender.status_callback_url,
        created_at=now,
        updated_at=now,
    )


def _schedule_media_fetch(message: Message, urls: tuple[str, ...], now: datetime) -> None:
    """Twilio fetches the files first; what becomes of the message is scheduled when they are here."""
    files = {f"MediaUrl{index}": url for index, url in enumerate(urls)}
    ScheduledTask.objects.create(message=message, kind=TaskKind.FETCH, due_at=now, params=files)


def schedule_outcome(message: Message, now: datetime) -> None:
    """Decide what becomes of an accepted message, and when Twilio says so."""
    faults = Fault.objects.kinds_for(message.customer)
    code = _find_failure_code(message, faults, now)
    if code:
        schedule_failure(message, code, now)
        return
    plan = list(DELIVERY_STEPS)
    if message.customer.reads_immediately and message.customer.sends_read_receipts:
        plan.append(("read", READ_DELAY))
    if FaultKind.OUT_OF_ORDER in faults:
        plan = [(status, after) for (status, _), (_, after) in zip(plan, reversed(plan), strict=True)]
    for status, after in plan:
        _schedule_status(message, status, None, now + after, faults)


def schedule_failure(message: Message, code: int, now: datetime) -> None:
    """The message fails shortly, with this code."""
    status = "undelivered" if code == 63024 else "failed"
    _schedule_status(message, status, code, now + FAILURE_DELAY, Fault.objects.kinds_for(message.customer))


def schedule_read(message: Message, now: datetime) -> None:
    """The customer has looked at the message."""
    _schedule_status(message, "read", None, now, Fault.objects.kinds_for(message.customer))


def _find_failure_code(message: Message, faults: set[str], now: datetime) -> int | None:
    if FaultKind.NOT_ON_WHATSAPP in faults:
        return 63024
    if FaultKind.NOT_JOINED in faults and message.sender.is_sandbox:
        return 63015
    if message.content and message.content.approval in ERROR_CODE_BY_APPROVAL:
        return ERROR_CODE_BY_APPROVAL[message.content.approval]
    if message.content and len(message.body) > MAX_TEMPLATE_LENGTH:
        return 63021
    approved = message.content is not None and message.content.approval == "approved"
    chat = Chat.objects.filter(customer=message.customer, sender=message.sender).first()
    if not approved and not (chat and chat.is_window_open(now)):
        return 63016
    return None


def _schedule_status(message: Message, status: str, code: int | None, due_at: datetime, faults: set[str]) -> None:
    """Let the message take a status, and tell whoever asked to be told; with the fault, tell them twice."""
    url = "" if FaultKind.LOST_CALLBACKS in faults else message.status_callback
    times = (timedelta(), DUPLICATE_DELAY) if FaultKind.TWICE in faults else (timedelta(),)
    params = status_params(message, status, code)
    for later in times:
        ScheduledTask.objects.create(
            message=message,
            kind=TaskKind.STATUS,
            status=status,
            error_code=code,
            due_at=due_at + later,
            url=url,
            params=params,
        )
