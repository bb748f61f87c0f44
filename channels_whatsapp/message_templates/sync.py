"""Sync an account's Content templates from Twilio, each with its approval status."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_whatsapp.backends import get_backend
from channels_whatsapp.backends.base import (
    TWILIO_FAILURES,
    InvalidResponseError,
    TwilioFailure,
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioServerError,
    TwilioTemplate,
    UnknownOutcomeError,
)
from channels_whatsapp.error_reasons import CREDENTIALS_REJECTED
from channels_whatsapp.message_templates.content import get_search_text, parse_parts
from channels_whatsapp.models import ApprovalStatus, MessageTemplate, WhatsAppAccount
from channels_whatsapp.text_cleaning import remove_nul, remove_nul_from_json
from omnichannel.jobs.lanes import Lease, enqueue

logger = logging.getLogger(__name__)

SYNC_LANE = "templates"
manual_sync_lock = threading.Lock()  # held by a sync that a person waits for
SYNCED_FIELDS = (
    "name", "language", "content_type", "content", "text", "variables", "category", "approval", "rejection_reason",
    "synced_at", "removed_at",
)  # fmt: skip


@dataclass(frozen=True)
class SyncResult:
    """The result of a sync: how many templates are listed, approved and removed; or an error."""

    template_count: int = 0
    approved_count: int = 0
    removed_count: int = 0
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return self.error
        if not self.template_count:
            return _("This Twilio account has no message templates.")
        synced = ngettext(
            "%(found)s message template synced, %(approved)s approved.",
            "%(found)s message templates synced, %(approved)s approved.",
            self.template_count,
        ) % {"found": self.template_count, "approved": self.approved_count}
        removed = _("%(gone)s removed from Twilio.") % {"gone": self.removed_count} if self.removed_count else ""
        return f"{synced} {removed}".strip()


def sync_templates(account: WhatsAppAccount) -> SyncResult:
    """Fetch and store all of the account's templates; mark those that Twilio no longer lists as removed.

    Errors at Twilio are not raised: they are in the result and on the account's page, and the templates stay unchanged.
    """
    now = timezone.now()
    try:
        listed = get_backend().list_templates(account)
    except TWILIO_FAILURES as failure:
        logger.info("The templates of %s were not synced: %s", account.account_sid, failure)
        return _record_failure(account, failure, now)
    with transaction.atomic():
        removed_count = _save_templates(account, listed, now)
        WhatsAppAccount.objects.filter(pk=account.pk).update(templates_synced_at=now, template_sync_error="")
    account.templates_synced_at, account.template_sync_error = now, ""
    approved_count = sum(_get_approval(template) == ApprovalStatus.APPROVED for template in listed)
    return SyncResult(len(listed), approved_count, removed_count)


def sync_templates_manually(account: WhatsAppAccount) -> SyncResult:
    """Sync while a person waits; one at a time, so that a slow Twilio blocks only one page."""
    if not manual_sync_lock.acquire(blocking=False):
        return SyncResult(error=_("Templates are already being synced. Check again in a moment."))
    try:
        return sync_templates(account)
    finally:
        manual_sync_lock.release()


def sync_all_accounts() -> None:
    """Sync every active account; a failure in one does not stop the others."""
    for account in WhatsAppAccount.objects.filter(is_active=True).order_by("pk"):
        try:
            sync_templates(account)
        except Exception:  # a bug that one account's templates trigger must not stop the others
            logger.exception("The templates of account %s could not be synced.", account.pk)


def enqueue_sync(account: WhatsAppAccount) -> None:
    """Let a worker sync this account once the transaction is committed."""
    enqueue(SYNC_LANE, account.pk)


def run_sync_lane(lease: Lease) -> datetime | None:
    """Sync the account of the lease; a failure is left to the next regular sync."""
    account = WhatsAppAccount.objects.filter(pk=lease.key).first()
    if account is not None:
        sync_templates(account)
    return None


def _record_failure(account: WhatsAppAccount, failure: TwilioFailure, now: datetime) -> SyncResult:
    if isinstance(failure, TwilioRejectedError) and failure.code == CREDENTIALS_REJECTED:
        unmarked = Q(pk=account.pk, credentials_rejected_at=None)
        WhatsAppAccount.objects.filter(unmarked).update(credentials_rejected_at=now)
    with translation.override("en"):  # the admin is in English, whatever the user's language
        account.template_sync_error = _describe_failure(failure)[:300]
    WhatsAppAccount.objects.filter(pk=account.pk).update(template_sync_error=account.template_sync_error)
    return SyncResult(error=_("Templates could not be synced. %(reason)s") % {"reason": _describe_failure(failure)})


def _describe_failure(failure: TwilioFailure) -> str:
    """Return the reason of the failure as a sentence for the user."""
    match failure:
        case TwilioRejectedError(code=code) if code == CREDENTIALS_REJECTED:
            return _("Twilio rejected the Account SID or Auth Token.")
        case TwilioRejectedError():
            values = {"message": failure.message[:200], "code": failure.code}
            return _("Twilio returned “%(message)s” (%(code)s).") % values
        case TwilioRateLimitError():
            return _("Twilio is receiving too many requests. Try again in a minute.")
        case TwilioServerError():
            return _("Twilio had a problem of its own (HTTP %(status)s). Try again later.") % {"status": failure.status}
        case InvalidResponseError():
            return _("The response did not come from Twilio or was incomplete. Try again later.")
        case UnknownOutcomeError():
            return _("Twilio could not be reached. Try again later.")


def _save_templates(account: WhatsAppAccount, listed: Iterable[TwilioTemplate], now: datetime) -> int:
    rows = {template.sid: _build_template(account, template, now) for template in listed if len(template.sid) <= 34}
    MessageTemplate.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["account", "content_sid"],
        update_fields=SYNCED_FIELDS,
        batch_size=200,
    )
    # Templates missing from this list have an older time; a sync that began later has set a later one.
    return account.templates.filter(synced_at__lt=now, removed_at=None).update(removed_at=now)


def _build_template(account: WhatsAppAccount, template: TwilioTemplate, now: datetime) -> MessageTemplate:
    content_type = _choose_content_type(template)
    content = remove_nul_from_json(template.types.get(content_type))
    content = content if isinstance(content, dict) else {}
    return MessageTemplate(
        account=account,
        content_sid=template.sid,
        name=_clean_text(template.name, 500) or template.sid,
        language=_clean_text(template.language, 20),
        content_type=_clean_text(content_type, 60),
        content=content,
        text=get_search_text(parse_parts(content_type, content)),
        variables={
            str(name): _clean_text(value, 1000) for name, value in remove_nul_from_json(template.variables).items()
        },
        category=_clean_text(template.approval.get("category"), 30),
        approval=_get_approval(template),
        rejection_reason=_clean_text(template.approval.get("rejection_reason"), 2000),
        synced_at=now,
        removed_at=None,
    )


def _get_approval(template: TwilioTemplate) -> str:
    """Return WhatsApp's approval status, even if it is one it has never used before."""
    return _clean_text(template.approval.get("status"), 30).lower() or ApprovalStatus.UNSUBMITTED


def _choose_content_type(template: TwilioTemplate) -> str:
    """Return the content type sent to WhatsApp: the approved one, else WhatsApp's own, else the richest."""
    approved = _clean_text(template.approval.get("content_type"), 60)
    if approved in template.types:
        return approved
    by_richness = sorted(template.types, key=lambda name: (not name.startswith("whatsapp/"), name == "twilio/text"))
    return by_richness[0] if by_richness else ""


def _clean_text(value: Any, max_length: int) -> str:
    return "" if value is None else remove_nul(str(value))[:max_length]
