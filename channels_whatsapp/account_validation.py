"""Validate a WhatsApp account: does Twilio accept its credentials and post its numbers' messages here?"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from channels_whatsapp.backends import get_backend
from channels_whatsapp.backends.base import (
    TWILIO_FAILURES,
    InvalidResponseError,
    TwilioAccount,
    TwilioFailure,
    TwilioRateLimitError,
    TwilioRejectedError,
    TwilioSender,
    TwilioServerError,
    UnknownOutcomeError,
)
from channels_whatsapp.identity import get_identity
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber

# The page promises an answer within 10 seconds.
VALIDATION_TIMEOUT = timedelta(seconds=9)
# Each account needs two connections to Twilio at the same time.
MAX_ACCOUNTS = 20
ONLINE_STATUSES = {"ONLINE", "ONLINE:UPDATING"}
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}

SENDERS_HINT = "In the Twilio Console, open Messaging > Senders > WhatsApp senders"
ResultT = TypeVar("ResultT")
# Twilio's data of an account and of its senders, each possibly a failure.
TwilioAnswers = tuple[TwilioAccount | TwilioFailure, list[TwilioSender] | TwilioFailure]


class CredentialsStatus(StrEnum):
    """Whether Twilio accepts the Account SID and the Auth Token; UNKNOWN if it did not answer."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """The result of one check: whether it passed, a sentence about it, and what to do if it failed."""

    ok: bool
    result: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.result} {self.advice}".strip()


@dataclass(frozen=True)
class ValidationReport:
    """All findings, and whether Twilio accepts the credentials."""

    findings: tuple[Finding, ...]
    credentials: CredentialsStatus = CredentialsStatus.UNKNOWN

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
    [(twilio_account, senders)] = _query_twilio([account], timeout)
    return _build_report(account, twilio_account, senders)


def _build_report(
    account: WhatsAppAccount,
    twilio_account: TwilioAccount | TwilioFailure,
    senders: list[TwilioSender] | TwilioFailure,
) -> ValidationReport:
    if not isinstance(twilio_account, TwilioAccount):
        is_rejection = _is_credential_rejection(twilio_account)
        credentials = CredentialsStatus.REJECTED if is_rejection else CredentialsStatus.UNKNOWN
        return ValidationReport((_build_account_failure(twilio_account),), credentials)
    numbers = list(account.numbers.filter(is_active=True))
    findings = [*_check_account(twilio_account), *_check_senders(senders, numbers, account), *_check_setup(account)]
    return ValidationReport(tuple(findings), CredentialsStatus.ACCEPTED)


def validate_and_save(accounts: Sequence[WhatsAppAccount]) -> list[ValidationReport]:
    """Validate the accounts together, in the time of one, and save each report and its time with its account."""
    answers = _query_twilio(accounts, VALIDATION_TIMEOUT)
    reports = [_build_report(account, *answer) for account, answer in zip(accounts, answers, strict=True)]
    for account, report in zip(accounts, reports, strict=True):
        _save_report(account, report)
    return reports


def _save_report(account: WhatsAppAccount, report: ValidationReport) -> None:
    now = timezone.now()
    account.validated_at, account.validation_report = now, report.as_json()
    if report.credentials == CredentialsStatus.ACCEPTED:
        account.credentials_rejected_at = None
    elif report.credentials == CredentialsStatus.REJECTED:
        account.credentials_rejected_at = account.credentials_rejected_at or now
    account.save(update_fields=["validated_at", "validation_report", "credentials_rejected_at"])


def _query_twilio(accounts: Sequence[WhatsAppAccount], timeout: timedelta) -> list[TwilioAnswers]:
    """Fetch all accounts and their senders in parallel, so that only the slowest call counts."""
    backend = get_backend()
    pool = ThreadPoolExecutor(max_workers=2 * len(accounts))
    account_futures = [pool.submit(backend.fetch_account, account) for account in accounts]
    sender_futures = [pool.submit(backend.list_senders, account) for account in accounts]
    futures: list[Future[Any]] = [*account_futures, *sender_futures]
    wait(futures, timeout=timeout.total_seconds())
    pool.shutdown(wait=False, cancel_futures=True)
    return [
        _get_answers(*futures_of_account) for futures_of_account in zip(account_futures, sender_futures, strict=True)
    ]


def _get_answers(account: Future[TwilioAccount], senders: Future[list[TwilioSender]]) -> TwilioAnswers:
    return _get_result(account), _get_result(senders)


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
        case TwilioServerError():
            return Finding(
                False,
                f"{subject}: Twilio had a problem of its own (HTTP {failure.status}).",
                "Your entries were not checked. Validate again in a few minutes, and check status.twilio.com.",
            )
        case InvalidResponseError():
            return Finding(
                False,
                f"{subject}: The response did not come from Twilio or was incomplete.",
                "Your entries were not checked. Check whether a proxy or firewall answers instead of Twilio.",
            )
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
