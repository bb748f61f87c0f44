"""The views of Twilio's REST API, as far as the desk uses it."""

import mimetypes
import re
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt

from channels_whatsapp.simulator.api import serializers
from channels_whatsapp.simulator.api.decorators import delay_response, twilio_api_view
from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.api.pagination import build_2010_envelope, build_meta_envelope, get_page
from channels_whatsapp.simulator.messages.outbound import MessageRequest, accept_message
from channels_whatsapp.simulator.models import Account, Chat, Content, Fault, FaultKind, Media, Message, Sender

TYPING_DURATION = timedelta(seconds=25)
INLINE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/")


@csrf_exempt
def not_found(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer any other path with Twilio's error 20404."""
    return TwilioApiError(20404, path=f"/{rest}").to_response()


@csrf_exempt
def create_or_list_messages(request: HttpRequest, account_sid: str) -> HttpResponse:
    """Create a message, or list messages."""
    if request.method == "POST":
        return create_message(request, account_sid=account_sid)
    return list_messages(request, account_sid=account_sid)


@twilio_api_view("POST")
def create_message(request: HttpRequest, account: Account) -> HttpResponse:
    """Accept a message and return it with its first status."""
    message = accept_message(account, MessageRequest.from_form(request.POST), now=timezone.now())
    response = JsonResponse(serializers.serialize_message(message), status=201)
    faults = Fault.objects.kinds_for(message.customer)
    if FaultKind.HANG in faults:
        delay_response()
    if FaultKind.ERROR_AFTER in faults:
        raise TwilioApiError(20500)
    return response


@twilio_api_view("GET")
def list_messages(request: HttpRequest, account: Account) -> HttpResponse:
    """List messages, newest first, filtered by their addresses and the time they were sent."""
    rows = account.messages.select_related("account")
    if "To" in request.GET:
        rows = rows.filter(to_address=request.GET["To"])
    if "From" in request.GET:
        rows = rows.filter(from_address=request.GET["From"])
    page = get_page(request, _filter_by_date_sent(request, rows))
    path = f"{serializers.account_path(account)}/Messages.json"
    return JsonResponse(
        build_2010_envelope(path, "messages", page, [serializers.serialize_message(row) for row in page.items])
    )


def _filter_by_date_sent(request: HttpRequest, rows: QuerySet[Message]) -> QuerySet[Message]:
    """Filter by DateSent. Bounds are inclusive; an unsent message counts by its creation time."""
    rows = rows.annotate(date=Coalesce("sent_at", "created_at"))
    for name in ("DateSent", "DateSent>", "DateSent<"):
        if name in request.GET:
            start, end = _parse_date_range(request.GET[name])
            if name != "DateSent<":
                rows = rows.filter(date__gte=start)
            if name != "DateSent>":
                rows = rows.filter(date__lt=end)
    return rows


def _parse_date_range(text: str) -> tuple[datetime, datetime]:
    """Return the range of the day, or of the second, that a date filter names."""
    try:
        time = parse_datetime(text)
    except ValueError:
        time = None
    if time is None:
        raise TwilioApiError(20001, detail=f"Invalid date {text}")
    start = time if timezone.is_aware(time) else timezone.make_aware(time)
    return start, start + (timedelta(days=1) if len(text) == len("2026-01-31") else timedelta(seconds=1))


def _get_message(account: Account, sid: str) -> Message:
    message = account.messages.select_related("account", "customer", "sender").filter(sid=sid).first()
    if message is None:
        raise TwilioApiError(20404, path=f"{serializers.account_path(account)}/Messages/{sid}.json")
    return message


@twilio_api_view("GET")
def fetch_message(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """Return a message in its present state."""
    return JsonResponse(serializers.serialize_message(_get_message(account, sid)))


@twilio_api_view("GET")
def list_media(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """List the files of a message that are available already."""
    message = _get_message(account, sid)
    rows = message.media.filter(available_at__lte=timezone.now()).select_related("message__account")
    page = get_page(request, rows)
    path = f"{serializers.message_path(message)}/Media.json"
    return JsonResponse(
        build_2010_envelope(path, "media_list", page, [serializers.serialize_media(row) for row in page.items])
    )


def _get_media(account: Account, sid: str, media_sid: str) -> Media:
    message = _get_message(account, sid)
    available = message.media.filter(sid=media_sid, available_at__lte=timezone.now())
    media = available.select_related("message__account").first()
    if media is None:
        raise TwilioApiError(20404, path=f"{serializers.message_path(message)}/Media/{media_sid}")
    return media


@twilio_api_view("GET")
def fetch_media(request: HttpRequest, account: Account, sid: str, media_sid: str) -> HttpResponse:
    """Return the metadata of a file."""
    return JsonResponse(serializers.serialize_media(_get_media(account, sid, media_sid)))


@twilio_api_view("GET")
def redirect_to_media_content(request: HttpRequest, account: Account, sid: str, media_sid: str) -> HttpResponse:
    """Redirect a request for a file's bytes to the CDN, which is another host."""
    return HttpResponse(status=307, headers={"Location": serializers.cdn_url(_get_media(account, sid, media_sid))})


def serve_media_content(request: HttpRequest, account_sid: str, media_sid: str, key: str) -> FileResponse:
    """Serve the bytes of a file to anyone with its URL; credentials in the request are an error."""
    media = get_object_or_404(Media, sid=media_sid, key=key, message__account__sid=account_sid)
    if "Authorization" in request.headers:
        raise Http404("Credentials must not follow a redirect to another host.")
    response = FileResponse(media.file.open(), content_type=media.content_type)
    response.headers["Content-Disposition"] = _build_content_disposition(media)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _build_content_disposition(media: Media) -> str:
    """Return the header with the name of the file; pictures and recordings, which have none, are named by the SID."""
    is_inline = media.content_type.startswith(INLINE_TYPES)
    ending = mimetypes.guess_extension(media.content_type) or ""
    name = f"{media.sid}{ending}" if is_inline or not media.filename else media.filename
    plain_name = re.sub(r'[^\x20-\x7e]|["\\]', "_", name)
    encoded_name = quote(name, safe="")
    disposition = "inline" if is_inline else "attachment"
    return f"{disposition}; filename=\"{plain_name}\"; filename*=UTF-8''{encoded_name}"


@twilio_api_view("GET")
def fetch_account(request: HttpRequest, account: Account) -> HttpResponse:
    """Return the account."""
    return JsonResponse(serializers.serialize_account(account))


@twilio_api_view("GET")
def list_phone_numbers(request: HttpRequest, account: Account) -> HttpResponse:
    """List the numbers that the account owns, which the sandbox is not among."""
    rows = _get_owned_senders(account)
    if "PhoneNumber" in request.GET:
        rows = rows.filter(number=request.GET["PhoneNumber"])
    if "FriendlyName" in request.GET:
        rows = rows.filter(name=request.GET["FriendlyName"])
    page = get_page(request, rows)
    path = f"{serializers.account_path(account)}/IncomingPhoneNumbers.json"
    items = [serializers.serialize_phone_number(row) for row in page.items]
    return JsonResponse(build_2010_envelope(path, "incoming_phone_numbers", page, items))


def _get_owned_senders(account: Account) -> QuerySet[Sender]:
    return account.senders.exclude_sandbox().select_related("account")


@twilio_api_view("GET")
def list_senders(request: HttpRequest, account: Account) -> HttpResponse:
    """List the account's WhatsApp senders. The Channel parameter is required."""
    if request.GET.get("Channel") != "whatsapp":
        raise TwilioApiError(20001, detail=f"Invalid Channel: {unquote(request.GET.get('Channel', ''))}")
    page = get_page(request, _get_owned_senders(account), default_size=20)
    url = f"{serializers.MESSAGING_HOST}/v2/Channels/Senders"
    return JsonResponse(
        build_meta_envelope(url, "senders", page, [serializers.serialize_sender(row) for row in page.items])
    )


@twilio_api_view("GET")
def fetch_sender(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """Return a WhatsApp sender."""
    sender = _get_owned_senders(account).filter(sid=sid).first()
    if sender is None:
        raise TwilioApiError(20404, path=f"/Channels/Senders/{sid}")
    return JsonResponse(serializers.serialize_sender(sender))


@twilio_api_view("POST")
def create_typing_indicator(request: HttpRequest, account: Account) -> HttpResponse:
    """Show the customer a typing indicator, and mark their messages as read."""
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
    """List the account's templates."""
    page = get_page(request, account.contents.select_related("account"))
    url = f"{serializers.CONTENT_HOST}/v1/Content"
    return JsonResponse(
        build_meta_envelope(url, "contents", page, [serializers.serialize_content(row) for row in page.items])
    )


@twilio_api_view("GET")
def list_contents_and_approvals(request: HttpRequest, account: Account) -> HttpResponse:
    """List the account's templates with their approvals."""
    page = get_page(request, account.contents.select_related("account"))
    url = f"{serializers.CONTENT_HOST}/v1/ContentAndApprovals"
    items = [serializers.serialize_content_and_approval(row) for row in page.items]
    return JsonResponse(build_meta_envelope(url, "contents", page, items))


def _get_content(account: Account, sid: str) -> Content:
    content = account.contents.select_related("account").filter(sid=sid).first()
    if content is None:
        raise TwilioApiError(20404, path=f"/Content/{sid}")
    return content


@twilio_api_view("GET")
def fetch_content(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """Return a template."""
    return JsonResponse(serializers.serialize_content(_get_content(account, sid)))


@twilio_api_view("GET")
def fetch_approval(request: HttpRequest, account: Account, sid: str) -> HttpResponse:
    """Return the approval of a template."""
    content = _get_content(account, sid)
    return JsonResponse(
        {
            "sid": content.sid,
            "account_sid": account.sid,
            "whatsapp": {"type": "whatsapp", **serializers.serialize_approval(content)},
            "url": f"{serializers.CONTENT_HOST}/v1/Content/{content.sid}/ApprovalRequests",
        }
    )
