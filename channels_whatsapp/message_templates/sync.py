"""Bring an account's Content templates over from Twilio, each with what WhatsApp says about it."""

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
    TwilioFailure,
    TwilioRateLimitError,
    TwilioRejectedError,
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
manual_sync_lock = threading.Lock()  # a sync that somebody waits for
SYNCED_FIELDS = (
    "name", "language", "content_type", "content", "text", "variables", "category", "approval", "rejection_reason",
    "synced_at", "removed_at",
)  # fmt: skip


@dataclass(frozen=True)
class SyncResult:
    """What came of a sync: how many templates Twilio has, how many are approved and how many are gone; or why none."""

    template_count: int = 0
    approved_count: int = 0
    removed_count: int = 0
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return self.error
        if not self.template_count:
            return _("Twilio has no message templates for this account.")
        synced = ngettext(
            "%(found)s message template synced: %(approved)s approved.",
            "%(found)s message templates synced: %(approved)s approved.",
            self.template_count,
        ) % {"found": self.template_count, "approved": self.approved_count}
        removed = _("%(gone)s no longer at Twilio.") % {"gone": self.removed_count} if self.removed_count else ""
        return f"{synced} {removed}".strip()


def sync_templates(account: WhatsAppAccount) -> SyncResult:
    """Fetch all of the account's templates and keep them; what Twilio does not list any more is marked as gone.

    Never raises for what Twilio answers: the reason is in the result and on the channel's page, and nothing is changed.
    """
    now = timezone.now()
    try:
        found = get_backend().list_templates(account)
    except TWILIO_FAILURES as failure:
        logger.info("The templates of %s were not synced: %s", account.account_sid, failure)
        return _record_failure(account, failure, now)
    with transaction.atomic():
        gone = _save_templates(account, found, now)
        WhatsAppAccount.objects.filter(pk=account.pk).update(templates_synced_at=now, template_sync_error="")
    account.templates_synced_at, account.template_sync_error = now, ""
    approved = sum(_get_approval(one) == ApprovalStatus.APPROVED for one in found)
    return SyncResult(len(found), approved, gone)


def sync_templates_manually(account: WhatsAppAccount) -> SyncResult:
    """The same for somebody who waits for it; one at a time: a Twilio that hangs holds up one page, no more."""
    if not manual_sync_lock.acquire(blocking=False):
        return SyncResult(error=_("Templates are being synced already. Look again in a moment."))
    try:
        return sync_templates(account)
    finally:
        manual_sync_lock.release()


def sync_all_accounts() -> None:
    """Sync every active account; one that fails keeps no other from it."""
    for account in WhatsAppAccount.objects.filter(is_active=True).order_by("pk"):
        try:
            sync_templates(account)
        except Exception:  # a fault of ours in one account's templates must not stop the others
            logger.exception("The templates of account %s could not be kept.", account.pk)


def enqueue_sync(account: WhatsAppAccount) -> None:
    """Let a worker sync this account as soon as the transaction is done."""
    enqueue(SYNC_LANE, account.pk)


def run_sync_lane(lease: Lease) -> datetime | None:
    """What a worker does with `sync_later`; a failure is left to the next regular sync."""
    account = WhatsAppAccount.objects.filter(pk=lease.key).first()
    if account is not None:
        sync_templates(account)
    return None


def _record_failure(account: WhatsAppAccount, failure: TwilioFailure, now: datetime) -> SyncResult:
    if isinstance(failure, TwilioRejectedError) and failure.code == CREDENTIALS_REJECTED:
        missing = Q(pk=account.pk, credentials_rejected_at=None)
        WhatsAppAccount.objects.filter(missing).update(credentials_rejected_at=now)
    with translation.override("en"):  # the administration is in English, whoever asked
        account.template_sync_error = _describe_failure(failure)[:300]
    WhatsAppAccount.objects.filter(pk=account.pk).update(template_sync_error=account.template_sync_error)
    return SyncResult(error=_("The templates were not synced. %(reason)s") % {"reason": _describe_failure(failure)})


def _describe_failure(failure: TwilioFailure) -> str:
    """Why, in a sentence for whoever asked."""
    match failure:
        case TwilioRejectedError(code=code) if code == CREDENTIALS_REJECTED:
            return _("Twilio rejected the Account SID or the Auth Token.")
        case TwilioRejectedError():
            said = {"message": failure.message[:200], "code": failure.code}
            return _("Twilio answered “%(message)s” (%(code)s).") % said
        case TwilioRateLimitError():
            return _("Twilio has too many requests just now. Sync again in a minute.")
        case UnknownOutcomeError():
            return _("Twilio could not be reached, or its answer could not be read. Sync again later.")


def _save_templates(account: WhatsAppAccount, found: Iterable[TwilioTemplate], now: datetime) -> int:
    rows = {one.sid: _build_template(account, one, now) for one in found if len(one.sid) <= 34}
    MessageTemplate.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["account", "content_sid"],
        update_fields=SYNCED_FIELDS,
        batch_size=200,
    )
    # Those that were not in this list; a sync that began later has a later time on what it found.
    return account.templates.filter(synced_at__lt=now, removed_at=None).update(removed_at=now)


def _build_template(account: WhatsAppAccount, found: TwilioTemplate, now: datetime) -> MessageTemplate:
    content_type = _choose_content_type(found)
    content = remove_nul_from_json(found.types.get(content_type))
    content = content if isinstance(content, dict) else {}
    return MessageTemplate(
        account=account,
        content_sid=found.sid,
        name=_clean_text(found.name, 500) or found.sid,
        language=_clean_text(found.language, 20),
        content_type=_clean_text(content_type, 60),
        content=content,
        text=get_search_text(parse_parts(content_type, content)),
        variables={
            str(name): _clean_text(value, 1000) for name, value in remove_nul_from_json(found.variables).items()
        },
        category=_clean_text(found.approval.get("category"), 30),
        approval=_get_approval(found),
        rejection_reason=_clean_text(found.approval.get("rejection_reason"), 2000),
        synced_at=now,
        removed_at=None,
    )


def _get_approval(found: TwilioTemplate) -> str:
    """WhatsApp's word, also one it has never said before."""
    return _clean_text(found.approval.get("status"), 30).lower() or ApprovalStatus.UNSUBMITTED


def _choose_content_type(found: TwilioTemplate) -> str:
    """The kind that goes to WhatsApp: the one that was approved, else WhatsApp's own, else the richest."""
    approved = _clean_text(found.approval.get("content_type"), 60)
    if approved in found.types:
        return approved
    by_richness = sorted(found.types, key=lambda name: (not name.startswith("whatsapp/"), name == "twilio/text"))
    return by_richness[0] if by_richness else ""


def _clean_text(value: Any, longest: int) -> str:
    return "" if value is None else remove_nul(str(value))[:longest]
