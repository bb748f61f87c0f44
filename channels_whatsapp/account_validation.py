"""Validate a WhatsApp account: does Twilio accept its credentials and post its numbers' messages here?"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from channels_whatsapp.backends import get_backend
from channels_whatsapp.backends.base import (
    TWILIO_FAILURES,
    TwilioAccount,
    TwilioFailure,
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioSender,
    UnknownOutcomeError,
)
from channels_whatsapp.identity import get_identity
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber

# The page promises an answer within 10 seconds.
VALIDATION_TIMEOUT = timedelta(seconds=9)
ONLINE_STATUSES = {"ONLINE", "ONLINE:UPDATING"}
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}

SENDERS_HINT = "In the Twilio Console, open Messaging > Senders > WhatsApp senders"
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Finding:
    """The result of one check: whether it passed, what it found, and what to do about it."""

    ok: bool
    what: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.todo}".strip()


@dataclass(frozen=True)
class ValidationReport:
    """All findings; `credentials` tells whether Twilio accepts the Account SID and the Auth Token."""

    findings: tuple[Finding, ...]
    credentials: Literal["accepted", "rejected", "unknown"] = "unknown"

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)

    @property
    def failed_findings(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.ok]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the findings as they are stored with the account."""
        return [asdict(finding) for finding in self.findings]


def validate_account(account: WhatsAppAccount, *, timeout: timedelta = VALIDATION_TIMEOUT) -> ValidationReport:
    """Check the account and its active numbers at Twilio; return within `timeout`, whatever Twilio does."""
    twilio_account, senders = _query_twilio(account, timeout)
    if not isinstance(twilio_account, TwilioAccount):
        rejected = _is_credential_rejection(twilio_account)
        return ValidationReport((_build_account_failure(twilio_account),), "rejected" if rejected else "unknown")
    numbers = list(account.numbers.filter(is_active=True))
    findings = [*_check_account(twilio_account), *_check_senders(senders, numbers, account), *_check_setup(account)]
    return ValidationReport(tuple(findings), "accepted")


def validate_and_save(account: WhatsAppAccount) -> ValidationReport:
    """Validate the account, and save the report and its time for the account's page."""
    report = validate_account(account)
    now = timezone.now()
    account.validated_at, account.validation_report = now, report.as_json()
    if report.credentials == "accepted":
        account.credentials_rejected_at = None
    elif report.credentials == "rejected":
        account.credentials_rejected_at = account.credentials_rejected_at or now
    account.save(update_fields=["validated_at", "validation_report", "credentials_rejected_at"])
    return report


def _query_twilio(
    account: WhatsAppAccount, timeout: timedelta
) -> tuple[TwilioAccount | TwilioFailure, list[TwilioSender] | TwilioFailure]:
    """Fetch account and senders in parallel, so that only the slower call counts."""
    backend = get_backend()
    pool = ThreadPoolExecutor(max_workers=2)
    account_future = pool.submit(backend.fetch_account, account)
    senders_future = pool.submit(backend.list_senders, account)
    futures: list[Future[Any]] = [account_future, senders_future]
    wait(futures, timeout=timeout.total_seconds())
    pool.shutdown(wait=False, cancel_futures=True)
    return _get_result(account_future), _get_result(senders_future)


def _get_result(future: "Future[ResultT]") -> "ResultT | TwilioFailure":
    try:
        return future.result(timeout=0)
    except TWILIO_FAILURES as failure:
        return failure
    except TimeoutError:
        return UnknownOutcomeError("Twilio did not respond in time.")


# -- Account --------------------------------------------------------------------------------------------------------


def _is_credential_rejection(failure: TwilioFailure) -> bool:
    return isinstance(failure, TwilioRejectedError) and (failure.status in {401, 404} or failure.code in {20003, 20404})


def _build_account_failure(failure: TwilioFailure) -> Finding:
    if isinstance(failure, TwilioRejectedError) and (failure.status == 404 or failure.code == 20404):
        return Finding(
            False,
            "Twilio has no account with this Account SID.",
            "Copy the Account SID and Auth Token from the Twilio Console again, enter them above and save.",
        )
    if _is_credential_rejection(failure):
        return Finding(
            False,
            "Twilio rejected the Account SID or Auth Token.",
            "Copy both from the Twilio Console again, enter them above and save. "
            "After a rotation, the old Auth Token no longer works.",
        )
    return _build_failure("The Account SID and Auth Token could not be checked", failure)


def _build_failure(subject: str, failure: TwilioFailure) -> Finding:
    match failure:
        case TwilioRejectedError():
            return Finding(False, f"{subject}: Twilio returned “{failure.message}” ({failure.code}).", "")
        case TwilioRateLimitError():
            return Finding(False, f"{subject}: Twilio is receiving too many requests.", "Validate again in a minute.")
        case UnknownOutcomeError():
            return Finding(
                False,
                f"{subject}: Twilio could not be reached.",
                "Your entries could not be checked. Check this server's connection to "
                "the internet and status.twilio.com, then validate again.",
            )


def _check_account(account: TwilioAccount) -> Iterator[Finding]:
    yield Finding(True, "Twilio accepted the Account SID and Auth Token.")
    if account.status != "active":
        yield Finding(
            False,
            f"The Twilio account is {account.status}. It can't send or receive messages.",
            "Sign in to the Twilio Console to see why and how to reactivate it.",
        )


# -- Numbers --------------------------------------------------------------------------------------------------------


def _check_senders(
    senders: list[TwilioSender] | TwilioFailure, numbers: list[WhatsAppNumber], account: WhatsAppAccount
) -> Iterator[Finding]:
    if not numbers:
        yield Finding(False, "No active phone numbers.", "Select + Add New WhatsApp Number to add one.")
    elif isinstance(senders, list):
        senders_by_identity = {get_identity(sender.address): sender for sender in senders}
        for number in numbers:
            yield _check_number(number, senders_by_identity.get(get_identity(number.address)), account.inbound_url)
    elif all(number.is_sandbox for number in numbers):
        yield from (_check_number(number, None, account.inbound_url) for number in numbers)
    else:
        yield _build_failure("The phone numbers could not be checked", senders)


def _check_number(number: WhatsAppNumber, sender: TwilioSender | None, inbound_url: str) -> Finding:
    if sender is None:
        return (
            _build_sandbox_finding(number, inbound_url) if number.is_sandbox else _build_unknown_sender_finding(number)
        )
    if sender.status not in ONLINE_STATUSES:
        reasons = f" ({'; '.join(sender.offline_reasons)})" if sender.offline_reasons else ""
        status = sender.status.lower().replace("_", " ")
        return Finding(
            False,
            f"{number} is not online in Twilio. Status: {status}{reasons}.",
            f"{SENDERS_HINT} and follow the instructions for this sender.",
        )
    callback = sender.callback_url.partition("#")[0]  # Twilio's connection overrides are in the fragment
    if callback.removesuffix("/") != inbound_url.removesuffix("/"):
        destination = f"are sent to {callback}" if callback else "are not sent to any webhook"
        return Finding(
            False,
            f"Messages to {number} {destination}.",
            f"{SENDERS_HINT}, select this sender and set its webhook URL for incoming messages to {inbound_url}",
        )
    return Finding(True, f"{number} is online and its messages arrive here.")


def _build_sandbox_finding(number: WhatsAppNumber, inbound_url: str) -> Finding:
    return Finding(
        True,
        f"{number} is Twilio's WhatsApp sandbox. Its settings can't be checked automatically.",
        f"In the Twilio Console, check that “When a message comes in” in the sandbox settings is {inbound_url}",
    )


def _build_unknown_sender_finding(number: WhatsAppNumber) -> Finding:
    return Finding(
        False,
        f"{number} is not a WhatsApp sender of this Twilio account.",
        f"{SENDERS_HINT} and register it, or correct the number or Account SID here.",
    )


# -- Server settings ------------------------------------------------------------------------------------------------


def _check_setup(account: WhatsAppAccount) -> Iterator[Finding]:
    if account.messaging_service_sid:
        yield Finding(
            True,
            f"Messages are sent through Messaging Service {account.messaging_service_sid}.",
            "The service's inbound URL may override the sender's. In the Twilio Console, check under "
            f"Messaging > Services > Integration that it is empty or {account.inbound_url}",
        )
    if settings.WHATSAPP_BACKEND == "twilio" and urlsplit(settings.PUBLIC_URL).hostname in LOOPBACK_HOSTS:
        yield Finding(
            False,
            f"Twilio can't reach {settings.PUBLIC_URL} because it is a local address.",
            "Set PUBLIC_URL to the public https address of this server and restart it.",
        )
