"""Templates are synced from Twilio with WhatsApp's approvals; a failed sync changes nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from channels_whatsapp.backends.base import (
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioTemplate,
    UnknownOutcomeError,
)
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.message_templates import sync
from channels_whatsapp.message_templates.sync import (
    enqueue_sync,
    manual_sync_lock,
    run_sync_lane,
    sync_all_accounts,
    sync_templates,
    sync_templates_manually,
)
from channels_whatsapp.models import MessageTemplate, WhatsAppAccount
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.worker_jobs import create_worker
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> WhatsAppAccount:
    return builders.create_account()


def build_template(name: str = "greeting", approval: str = "approved", **fields: Any) -> TwilioTemplate:
    approval_fields = {"status": approval, "category": "UTILITY", "content_type": "twilio/text", "rejection_reason": ""}
    values = {"types": {"twilio/text": {"body": f"{name} {{{{1}}}}"}}, "variables": {"1": "Amara"}, **fields}
    return TwilioTemplate(builders.new_sid("HX"), name, "en", approval=approval_fields, **values)


def synced_template_names() -> list[str]:
    return list(MessageTemplate.objects.filter(removed_at=None).values_list("name", flat=True))


def test_every_template_is_kept_with_what_whatsapp_says(
    account: WhatsAppAccount, memory_backend: MemoryBackend
) -> None:
    memory_backend.templates = [build_template("one"), build_template("two", "rejected")]
    assert str(sync_templates(account)) == "2 message templates synced, 1 approved."
    template = MessageTemplate.objects.get(name="one")
    assert (template.approval, template.category, template.language, template.content_type) == (
        "approved",
        "UTILITY",
        "en",
        "twilio/text",
    )
    assert (template.content, template.variables, template.text) == ({"body": "one {{1}}"}, {"1": "Amara"}, "one {{1}}")
    account.refresh_from_db()
    assert (account.templates_synced_at, account.template_sync_error) == (template.synced_at, "")


def test_sync_updates_changed_templates_without_duplicates(
    account: WhatsAppAccount, memory_backend: MemoryBackend
) -> None:
    first = build_template("one", "pending")
    memory_backend.templates = [first]
    sync_templates(account)
    memory_backend.templates = [replace(first, name="renamed", approval={"status": "approved"})]
    sync_templates(account)
    [row] = MessageTemplate.objects.all()
    assert (row.name, row.approval) == ("renamed", "approved")


def test_unlisted_template_is_marked_gone_and_can_return(
    account: WhatsAppAccount, memory_backend: MemoryBackend
) -> None:
    first, two = build_template("one"), build_template("two")
    memory_backend.templates = [first, two]
    sync_templates(account)
    memory_backend.templates = [two]
    assert str(sync_templates(account)) == "1 message template synced, 1 approved. 1 removed from Twilio."
    assert synced_template_names() == ["two"]
    memory_backend.templates = [first, two]
    sync_templates(account)
    assert synced_template_names() == ["one", "two"]


def test_another_accounts_templates_are_left_alone(account: WhatsAppAccount, memory_backend: MemoryBackend) -> None:
    memory_backend.templates = [build_template("theirs")]
    sync_templates(builders.create_account())
    memory_backend.templates = []
    assert str(sync_templates(account)) == "This Twilio account has no message templates."
    assert synced_template_names() == ["theirs"]


def test_unknown_kinds_and_states_are_stored(account: WhatsAppAccount, memory_backend: MemoryBackend) -> None:
    odd = build_template("odd", "in_appeal", types={"twilio/holograms": {"body": "x"}})
    bare = replace(build_template("bare"), approval={}, types={}, variables={})
    strange = replace(
        build_template("strange"),
        types={"twilio/text": None},
        variables={"1": None, "2": 7},
        approval={"status": None},
    )
    nul = build_template("nul\x00", types={"twilio/text": {"body": "a\x00b", "more": [{"c\x00": "d\x00"}]}})
    memory_backend.templates = [odd, bare, strange, nul]
    sync_templates(account)
    kinds = dict(MessageTemplate.objects.values_list("name", "content_type"))
    assert kinds == {"odd": "twilio/holograms", "bare": "", "strange": "twilio/text", "nul": "twilio/text"}
    assert MessageTemplate.objects.get(name="odd").approval == "in_appeal"
    assert MessageTemplate.objects.get(name="strange").approval == "unsubmitted"


def test_of_several_kinds_the_approved_one_is_kept(account: WhatsAppAccount, memory_backend: MemoryBackend) -> None:
    types = {"twilio/text": {"body": "plain"}, "twilio/quick-reply": {"body": "with buttons"}}
    unapproved = replace(build_template("richest", types=types), approval={"status": "unsubmitted"})
    memory_backend.templates = [build_template("approved", types=types), unapproved]
    sync_templates(account)
    kinds = dict(MessageTemplate.objects.values_list("name", "content_type"))
    assert kinds == {"approved": "twilio/text", "richest": "twilio/quick-reply"}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TwilioRejectedError(20003, "Authenticate", 401), "Twilio rejected the Account SID or Auth Token."),
        (TwilioRejectedError(20404, "Not found", 404), "Twilio returned “Not found” (20404)."),
        (TwilioRateLimitError(), "Twilio is receiving too many requests. Try again in a minute."),
        (
            UnknownOutcomeError("HTTP 500"),
            "Twilio could not be reached. Try again later.",
        ),
    ],
)
def test_failed_sync_reports_the_reason_and_changes_no_template(
    account: WhatsAppAccount, memory_backend: MemoryBackend, failure: Exception, reason: str
) -> None:
    memory_backend.templates = [build_template("one")]
    sync_templates(account)
    before = account.templates_synced_at
    memory_backend.errors_to_raise = [failure]
    assert str(sync_templates(account)) == f"Templates could not be synced. {reason}"
    account.refresh_from_db()
    assert (account.template_sync_error, account.templates_synced_at) == (reason, before)
    assert synced_template_names() == ["one"]
    sync_templates(account)
    account.refresh_from_db()
    assert account.template_sync_error == ""


def test_sync_error_is_shown_in_the_readers_language_and_stored_in_english(
    account: WhatsAppAccount, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRateLimitError()]
    with translation.override("de"):
        assert str(sync_templates(account)).startswith("Die Vorlagen konnten nicht synchronisiert werden.")
    account.refresh_from_db()
    assert account.template_sync_error == "Twilio is receiving too many requests. Try again in a minute."


def test_concurrent_sync_of_an_account_is_refused(account: WhatsAppAccount, memory_backend: MemoryBackend) -> None:
    memory_backend.templates = [build_template("one")]
    with manual_sync_lock:
        assert str(sync_templates_manually(account)) == "Templates are already being synced. Check again in a moment."
    assert synced_template_names() == []
    assert str(sync_templates_manually(account)) == "1 message template synced, 1 approved."


def test_a_worker_syncs_every_six_hours() -> None:
    [job] = [periodic_job for periodic_job in create_worker().periodic if periodic_job.run is sync_all_accounts]
    assert job.interval == timedelta(hours=6)


def test_rejected_credentials_are_marked_on_the_channel(
    account: WhatsAppAccount, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)]
    sync_templates(account)
    account.refresh_from_db()
    assert account.credentials_rejected_at is not None


def test_failing_account_does_not_stop_other_syncs(
    account: WhatsAppAccount, memory_backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, inactive = builders.create_account(), builders.create_account(is_active=False)
    memory_backend.templates = [build_template("one")]
    keep = sync._save_templates

    def stumbles(of: WhatsAppAccount, *rest: Any) -> int:
        if of.pk == account.pk:
            raise LookupError("a fault of ours")
        return keep(of, *rest)

    monkeypatch.setattr(sync, "_save_templates", stumbles)
    sync_all_accounts()
    assert [row.account for row in MessageTemplate.objects.all()] == [second]
    inactive.refresh_from_db()
    assert inactive.templates_synced_at is None


def test_worker_syncs_an_account_on_request(account: WhatsAppAccount, memory_backend: MemoryBackend) -> None:
    memory_backend.templates = [build_template("one")]
    enqueue_sync(account)
    [lease] = claim_lanes(["templates"], 1)
    assert run_sync_lane(lease) is None
    assert synced_template_names() == ["one"]
