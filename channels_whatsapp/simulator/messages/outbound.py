"""Handle POST Messages: checks at once, acceptance, and the statuses that follow later."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.http import QueryDict

from channels_whatsapp.simulator.addresses import CUSTOMER_ADDRESS_PATTERN, WHATSAPP_PREFIX
from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.business_scoped_ids import is_known_address
from channels_whatsapp.simulator.callback_urls import is_callback_url
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
from channels_whatsapp.simulator.statuses import ApprovalStatus, MessageStatus
from channels_whatsapp.simulator.webhooks import status_params
from channels_whatsapp.text_cleaning import remove_nul

MAX_BODY_LENGTH = 1600
MAX_TEMPLATE_LENGTH = 1024
MAX_MEDIA = 10
ERROR_CODE_BY_APPROVAL: dict[str, int] = {
    ApprovalStatus.REJECTED: 63040,
    ApprovalStatus.PAUSED: 63041,
    ApprovalStatus.DISABLED: 63042,
}
# Reported by WhatsApp after it has taken the message: undelivered. Twilio's own refusals are failed.
WHATSAPP_ERROR_CODES = {63016, 63024}
MESSAGING_SERVICE_PATTERN = re.compile(r"\AMG[0-9a-fA-F]{32}\Z")

FAILURE_DELAY = timedelta(milliseconds=400)
DELIVERY_STEPS = (
    (MessageStatus.SENT, timedelta(milliseconds=150)),
    (MessageStatus.DELIVERED, timedelta(milliseconds=600)),
)
READ_DELAY = timedelta(milliseconds=2000)
DUPLICATE_DELAY = timedelta(milliseconds=50)


@dataclass(frozen=True)
class MessageRequest:
    """The parameters of a call that creates a message."""

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
        """Read the parameters by Twilio's names."""
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


def accept_message(account: Account, request: MessageRequest, *, now: datetime) -> Message:
    """Accept a message; an unknown recipient becomes a customer.

    Raises TwilioApiError if Twilio would refuse the message at once.
    """
    if account.status != "active":
        raise TwilioApiError(20005, account=account.sid)
    sender = _find_sender(account, request)
    _check_recipient(request)
    content = _find_content(account, request)
    _check_content(request)
    customer = Customer.objects.find_by_address(request.to) or Customer.objects.get_or_create(address=request.to)[0]
    if not is_known_address(request.to, customer, account):
        raise TwilioApiError(21211, to=request.to)
    if FaultKind.OPTED_OUT in Fault.objects.kinds_for(customer):
        raise TwilioApiError(21610)
    with transaction.atomic():
        message = _create_message(sender, customer, request, content, now)
        if request.media_urls:
            _schedule_media_fetch(message, request.media_urls, now)
        else:
            schedule_outcome(message, now)
    return message


def _find_sender(account: Account, request: MessageRequest) -> Sender:
    if not request.to:
        raise TwilioApiError(21604)
    service = request.messaging_service_sid
    if service and not MESSAGING_SERVICE_PATTERN.match(service):
        raise TwilioApiError(21705)
    if service and not account.senders.filter(messaging_service_sid=service).exists():
        raise TwilioApiError(21701, service=service)
    if request.sender:
        _check_channel(request)
        sender = account.senders.filter(
            number=request.sender.removeprefix(WHATSAPP_PREFIX), status__startswith="ONLINE"
        ).first()
        if sender is None:
            raise TwilioApiError(63007)
        return sender
    sender = account.senders.filter(messaging_service_sid=service).first() if service else None
    if sender is None:
        raise TwilioApiError(21603)
    return sender


def _check_channel(request: MessageRequest) -> None:
    """Refuse SMS: the simulator has only WhatsApp."""
    from_channel, to_channel = request.sender.startswith(WHATSAPP_PREFIX), request.to.startswith(WHATSAPP_PREFIX)
    if not from_channel and not to_channel:
        raise TwilioApiError(21606, sender=request.sender)
    if from_channel and not to_channel:
        raise TwilioApiError(21211, to=request.to)
    if not from_channel:
        raise TwilioApiError(21910)


def _check_recipient(request: MessageRequest) -> None:
    if not CUSTOMER_ADDRESS_PATTERN.match(request.to):
        raise TwilioApiError(21211, to=request.to)


def _find_content(account: Account, request: MessageRequest) -> Content | None:
    if not request.content_sid:
        if request.content_variables:
            raise TwilioApiError(21654)
        return None
    content = account.contents.filter(sid=request.content_sid).first()
    if content is None:
        raise TwilioApiError(21655)
    return content


def _check_content(request: MessageRequest) -> None:
    if not (request.body.strip() or request.media_urls or request.content_sid):
        raise TwilioApiError(21619)
    if len(request.body) > MAX_BODY_LENGTH:
        raise TwilioApiError(21617)
    if len(request.media_urls) > MAX_MEDIA:
        raise TwilioApiError(21623)
    if not all(is_callback_url(url) for url in request.media_urls):
        raise TwilioApiError(21620)
    if request.status_callback and not is_callback_url(request.status_callback):
        raise TwilioApiError(21609, url=request.status_callback)


def _create_message(
    sender: Sender, customer: Customer, request: MessageRequest, content: Content | None, now: datetime
) -> Message:
    values = parse_variables(request.content_variables)
    return Message.objects.create(
        account=sender.account,
        sender=sender,
        customer=customer,
        sid=new_sid("MM" if request.media_urls or content else "SM"),
        direction=Direction.OUTBOUND,
        from_address=sender.address,
        to_address=request.to,
        body=render_body(content, values) if content else request.body,
        status=MessageStatus.ACCEPTED if request.messaging_service_sid else MessageStatus.QUEUED,
        num_media=len(request.media_urls),
        content=content,
        buttons=get_buttons(content) if content else [],
        extra={"template": render_extra_parts(content, values)} if content else {},
        messaging_service_sid=request.messaging_service_sid,
        status_callback=request.status_callback or sender.status_callback_url,
        created_at=now,
        updated_at=now,
    )


def _schedule_media_fetch(message: Message, urls: tuple[str, ...], now: datetime) -> None:
    """Schedule the fetch of the files; the outcome is scheduled once they are fetched."""
    files = {f"MediaUrl{index}": url for index, url in enumerate(urls)}
    ScheduledTask.objects.create(message=message, kind=TaskKind.FETCH, due_at=now, params=files)


def schedule_outcome(message: Message, now: datetime) -> None:
    """Decide the outcome of an accepted message, and schedule its statuses."""
    faults = Fault.objects.kinds_for(message.customer)
    code = _find_failure_code(message, faults, now)
    if code:
        schedule_failure(message, code, now)
        return
    steps = list(DELIVERY_STEPS)
    if message.customer.reads_immediately and message.customer.sends_read_receipts:
        steps.append((MessageStatus.READ, READ_DELAY))
    if FaultKind.OUT_OF_ORDER in faults:
        steps = [(status, delay) for (status, _), (_, delay) in zip(steps, reversed(steps), strict=True)]
    for status, delay in steps:
        _schedule_status(message, status, None, now + delay, faults)


def schedule_failure(message: Message, code: int, now: datetime) -> None:
    """Schedule the failure of the message with this error code."""
    status = MessageStatus.UNDELIVERED if code in WHATSAPP_ERROR_CODES else MessageStatus.FAILED
    _schedule_status(message, status, code, now + FAILURE_DELAY, Fault.objects.kinds_for(message.customer))


def schedule_read(message: Message, now: datetime) -> None:
    """Schedule the status "read" for now."""
    _schedule_status(message, MessageStatus.READ, None, now, Fault.objects.kinds_for(message.customer))


def _find_failure_code(message: Message, faults: set[str], now: datetime) -> int | None:
    if FaultKind.NOT_ON_WHATSAPP in faults:
        return 63024
    if FaultKind.NOT_JOINED in faults and message.sender.is_sandbox:
        return 63015
    if message.content and message.content.approval in ERROR_CODE_BY_APPROVAL:
        return ERROR_CODE_BY_APPROVAL[message.content.approval]
    if message.content and len(message.body) > MAX_TEMPLATE_LENGTH:
        return 63021
    is_approved = message.content is not None and message.content.approval == ApprovalStatus.APPROVED
    chat = Chat.objects.filter(customer=message.customer, sender=message.sender).first()
    if not is_approved and not (chat and chat.is_window_open(now)):
        return 63016
    return None


def _schedule_status(message: Message, status: str, code: int | None, due_at: datetime, faults: set[str]) -> None:
    """Schedule a status and its callback, which is lost or sent twice if a fault says so."""
    url = "" if FaultKind.LOST_CALLBACKS in faults else message.status_callback
    delays = (timedelta(), DUPLICATE_DELAY) if FaultKind.TWICE in faults else (timedelta(),)
    params = status_params(message, status, code)
    for delay in delays:
        ScheduledTask.objects.create(
            message=message,
            kind=TaskKind.STATUS,
            status=status,
            error_code=code,
            due_at=due_at + delay,
            url=url,
            params=params,
        )
