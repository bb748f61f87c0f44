"""Twilio's REST API, as far as the desk uses it."""

from datetime import datetime, timedelta
from urllib.parse import unquote

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt

from channels_whatsapp.simulator.api import serializers as shape
from channels_whatsapp.simulator.api.decorators import delay_response, twilio_api_view
from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.api.pagination import build_2010_envelope, build_meta_envelope, get_page
from channels_whatsapp.simulator.messages.outbound import MessageRequest, accept_message
from channels_whatsapp.simulator.models import Account, Chat, Content, Fault, FaultKind, Media, Message, Sender

TYPING_DURATION = timedelta(seconds=25)
INLINE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/")


@csrf_exempt
def not_found(request: HttpRequest, rest: str) -> HttpResponse:
    """Anything that is not played here."""
    return TwilioApiError(20404, path=f"/{rest}").to_response()


@csrf_exempt
def create_or_list_messages(request: HttpRequest, account_sid: str) -> HttpResponse:
    """Create a message, or list them."""
    if request.method == "POST":
        return create_message(request, account_sid=account_sid)
    return list_messages(request, account_sid=account_sid)


@twilio_api_view("POST")
def create_message(request: HttpRequest, account: Account) -> HttpResponse:
    """Take a message on and answer with it as it is then: queued."""
    message = accept_message(account, MessageRequest.from_form(request.POST), now=timezone.now())
    answer = JsonResponse(shape.serialize_message(message), status=201)
    faults = Fault.objects.kinds_for(message.customer)
    if FaultKind.HANG in faults:
        delay_response()
    if FaultKind.ERROR_AFTER in faults:
        raise TwilioApiError(20500)
    return answer


@twilio_api_view("GET")
def list_messages(request: HttpRequest, account: Account) -> HttpResponse:
    """Messages by their addresses and the day or moment they were sent, newest first."""
    rows = account.messages.select_related("account")
    if "To" in request.GET:
        rows = rows.filter(to_address=request.GET["To"])
    if "From" in request.GET:
        rows = rows.filter(from_address=request.GET["From"])
    page = get_page(request, _filter_by_date_sent(request, rows))
    path = f"{shape.account_path(account)}/Messages.json"
    return JsonResponse(
        build_2010_envelope(path, "messages", page, [shape.serialize_message(row) for row in page.items])
    )


def _filter_by_date_sent(request: HttpRequest, rows: QuerySet[Message]) -> QuerySet[Message]:
    """Bounds are inclusive. A message not yet sent counts by the moment it was created."""
    rows = rows.annotate(moment=Coalesce("sent_at", "created_at"))
    for name in ("DateSent", "DateSent>", "DateSent<"):
        if name in request.GET:
            start, end = _parse_date_range(request.GET[name])
            if name != "DateSent<":
                rows = rows.filter(moment__gte=start)
            if name != "DateSent>":
                rows = rows.filter(moment__lt=end)
    return rows


def _parse_date_range(text: str) -> tuple[datetime, datetime]:
    """The day, or the second, that a date filter names."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise TwilioApiError(20001, detail=f"Invalid date {text}")
    start = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return start, start + (timedelta(days=1) if len(text) == len("2026-01-31") else timedelta(seconds=1))


def _get_message(account: Account, sid: str) -> Message:
    found = account.messages.select_related("account", "customer", "sender").filter(sid=sid).first()
    if found is None:
        raise TwilioApiError(20404, path=f"{shape.account_path(account)}/Messages/{sid}.json")
    return found


@twilio_api_view("GET")
def fetch_message(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """One message as it is now."""
    return JsonResponse(shape.serialize_message(_get_message(account, sid)))


@twilio_api_view("GET")
def list_media(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """The files of a message that are there already."""
    message = _get_message(account, sid)
    rows = message.media.filter(available_at__lte=timezone.now()).select_related("message__account")
    page = get_page(request, rows)
    path = f"{shape.message_path(message)}/Media.json"
    return JsonResponse(
        build_2010_envelope(path, "media_list", page, [shape.serialize_media(row) for row in page.items])
    )


def _get_media(account: Account, sid: str, media_sid: str) -> Media:
    message = _get_message(account, sid)
    available = message.media.filter(sid=media_sid, available_at__lte=timezone.now())
    found = available.select_related("message__account").first()
    if found is None:
        raise TwilioApiError(20404, path=f"{shape.message_path(message)}/Media/{media_sid}")
    return found


@twilio_api_view("GET")
def fetch_media(request: HttpRequest, account: Account, sid: str, media_sid: str) -> HttpResponse:
    """What is known of a file."""
    return JsonResponse(shape.serialize_media(_get_media(account, sid, media_sid)))


@twilio_api_view("GET")
def redirect_to_media_content(request: HttpRequest, account: Account, sid: str, media_sid: str) -> HttpResponse:
    """Send whoever asks for the bytes to the CDN, on another host."""
    return HttpResponse(status=307, headers={"Location": shape.cdn_url(_get_media(account, sid, media_sid))})


def serve_media_content(request: HttpRequest, account_sid: str, media_sid: str, key: str) -> FileResponse:
    """The bytes of a file, for whoever has its address: no password is asked, and none should come."""
    media = get_object_or_404(Media, sid=media_sid, key=key, message__account__sid=account_sid)
    if "Authorization" in request.headers:
        raise Http404("Credentials must not follow a redirect to another host.")
    inline = media.content_type.startswith(INLINE_TYPES)
    response = FileResponse(
        media.file.open(), content_type=media.content_type, as_attachment=not inline, filename=media.filename
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@twilio_api_view("GET")
def fetch_account(request: HttpRequest, account: Account) -> HttpResponse:
    """The account itself."""
    return JsonResponse(shape.serialize_account(account))


@twilio_api_view("GET")
def list_phone_numbers(request: HttpRequest, account: Account) -> HttpResponse:
    """The numbers that the account owns; the sandbox is nobody's."""
    rows = _get_owned_senders(account)
    if "PhoneNumber" in request.GET:
        rows = rows.filter(number=request.GET["PhoneNumber"])
    if "FriendlyName" in request.GET:
        rows = rows.filter(name=request.GET["FriendlyName"])
    page = get_page(request, rows)
    path = f"{shape.account_path(account)}/IncomingPhoneNumbers.json"
    items = [shape.serialize_phone_number(row) for row in page.items]
    return JsonResponse(build_2010_envelope(path, "incoming_phone_numbers", page, items))


def _get_owned_senders(account: Account) -> QuerySet[Sender]:
    return account.senders.exclude_sandbox().select_related("account")


@twilio_api_view("GET")
def list_senders(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's WhatsApp senders. The channel must be named."""
    if request.GET.get("Channel") != "whatsapp":
        raise TwilioApiError(20001, detail=f"Invalid Channel: {unquote(request.GET.get('Channel', ''))}")
    page = get_page(request, _get_owned_senders(account), default_size=20)
    url = f"{shape.MESSAGING_HOST}/v2/Channels/Senders"
    return JsonResponse(build_meta_envelope(url, "senders", page, [shape.serialize_sender(row) for row in page.items]))


@twilio_api_view("GET")
def fetch_sender(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """One WhatsApp sender."""
    found = _get_owned_senders(account).filter(sid=sid).first()
    if found is None:
        raise TwilioApiError(20404, path=f"/Channels/Senders/{sid}")
    return JsonResponse(shape.serialize_sender(found))


@twilio_api_view("POST")
def create_typing_indicator(request: HttpRequest, account: Account) -> HttpResponse:
    """Show the customer that somebody is typing, and that their message was read."""
    if request.POST.get("channel") != "whatsapp":
        raise TwilioApiError(20001, detail="Invalid channel")
    message = _get_message(account, request.POST.get("messageId", ""))
    if not message.is_inbound:
        raise TwilioApiError(20001, detail="messageId must be a message of the customer")
    now = timezone.now()
    Chat.objects.filter(customer=message.customer, sender=message.sender).update(typing_until=now + TYPING_DURATION)
    earlier = account.messages.filter(customer=message.customer, sender=message.sender, pk__lte=message.pk)
    earlier.filter(direction=message.direction).update(is_read_by_business=True)
    return JsonResponse({"success": True})


@twilio_api_view("GET")
def list_contents(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's templates."""
    page = get_page(request, account.contents.select_related("account"))
    url = f"{shape.CONTENT_HOST}/v1/Content"
    return JsonResponse(
        build_meta_envelope(url, "contents", page, [shape.serialize_content(row) for row in page.items])
    )


@twilio_api_view("GET")
def list_contents_and_approvals(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's templates, each with what WhatsApp said of it."""
    page = get_page(request, account.contents.select_related("account"))
    url = f"{shape.CONTENT_HOST}/v1/ContentAndApprovals"
    items = [shape.serialize_content_and_approval(row) for row in page.items]
    return JsonResponse(build_meta_envelope(url, "contents", page, items))


def _get_content(account: Account, sid: str) -> Content:
    found = account.contents.select_related("account").filter(sid=sid).first()
    if found is None:
        raise TwilioApiError(20404, path=f"/Content/{sid}")
    return found


@twilio_api_view("GET")
def fetch_content(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """One template."""
    return JsonResponse(shape.serialize_content(_get_content(account, sid)))


@twilio_api_view("GET")
def fetch_approval(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """What WhatsApp said of a template."""
    content = _get_content(account, sid)
    return JsonResponse(
        {
            "sid": content.sid,
            "account_sid": account.sid,
            "whatsapp": {"type": "whatsapp", **shape.serialize_approval(content)},
            "url": f"{shape.CONTENT_HOST}/v1/Content/{content.sid}/ApprovalRequests",
        }
    )
