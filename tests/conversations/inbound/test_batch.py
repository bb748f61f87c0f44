"""A batch of deliveries leaves the same database as the same deliveries applied one by one."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from channels_whatsapp.models import DeliveryProgress, DeliveryState, WebhookDelivery, WebhookKind
from channels_whatsapp.webhooks.deliveries import store_delivery
from omnichannel.conversations.contacts import opt_out
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.inbound.batch import apply_batch
from omnichannel.conversations.models import Message, OptOutMeaning, OptOutWord
from omnichannel.conversations.outbound.delivery_status import STATUS_BY_TWILIO_STATUS
from routing.models import State
from tests import builders
from tests.conftest import NOON
from tests.conversations.inbound.desk_state import State as DeskState
from tests.conversations.inbound.desk_state import describe_desk_state
from tests.webhook_client import apply_deliveries

SENDERS = [f"whatsapp:+49151000000{n:02d}" for n in range(9)]
HIDDEN_SENDER = "whatsapp:US.100"
BODIES = ["Hello", "Where is it?", "STOP", "START", ""]
IDS = ["", "", "", "US.100", "US.101", "US.102"]
PARENT_IDS = ["", "", "US.ENT.9"]
CODES = ["", "", "", "63016", "63024", "21610", "30008", "20003"]


@dataclass(frozen=True)
class Inbound:
    """A customer's message."""

    sender: str
    body: str
    number: int
    business_scoped_id: str
    parent_id: str
    files: int
    quotes: int | None
    profile_name: str
    is_opt_out: bool
    age: int


@dataclass(frozen=True)
class Status:
    """A status callback."""

    message: int
    word: str
    code: str
    by_id: bool
    age: int


AGES = st.sampled_from([0, 0, 0, 1, 2, 60])
COMMON_INBOUND = st.builds(
    Inbound,
    sender=st.sampled_from([*SENDERS, HIDDEN_SENDER]),
    body=st.sampled_from(BODIES[:2]),
    number=st.integers(0, 1),
    business_scoped_id=st.just(""),
    parent_id=st.just(""),
    files=st.integers(0, 2),
    quotes=st.sampled_from([None, None, 0, 1]),
    profile_name=st.sampled_from(["Amara", "Amara D.", ""]),
    is_opt_out=st.just(False),
    age=AGES,
)
ANY_INBOUND = st.builds(
    Inbound,
    sender=st.sampled_from([*SENDERS, HIDDEN_SENDER, "whatsapp:", "sms:+491"]),
    body=st.sampled_from(BODIES),
    number=st.integers(0, 3),
    business_scoped_id=st.sampled_from(IDS),
    parent_id=st.sampled_from(PARENT_IDS),
    files=st.integers(0, 2),
    quotes=st.sampled_from([None, 0, 5]),
    profile_name=st.sampled_from(["Amara", "Amara D.", ""]),
    is_opt_out=st.booleans(),
    age=AGES,
)
COMMON_STATUS = st.builds(
    Status,
    message=st.integers(0, 5),
    word=st.sampled_from(["queued", "sent", "delivered", "read"]),
    code=st.just(""),
    by_id=st.booleans(),
    age=AGES,
)
ANY_STATUS = st.builds(
    Status,
    message=st.integers(0, 6),
    word=st.sampled_from([*sorted(STATUS_BY_TWILIO_STATUS), "unheard-of"]),
    code=st.sampled_from(CODES),
    by_id=st.booleans(),
    age=AGES,
)
DELIVERIES = st.lists(st.one_of(COMMON_INBOUND, COMMON_INBOUND, COMMON_STATUS, ANY_INBOUND, ANY_STATUS), max_size=12)


class Shop:
    """A desk with customers in every situation, most of them with an open conversation."""

    def __init__(self) -> None:
        self.account = builders.create_account(account_sid="AC" + "1" * 32)
        # Otherwise deliveries that arrived a minute ago would be applied one by one.
        DeliveryProgress.objects.create(account=self.account, progress_at=NOON)
        OptOutWord.objects.get_or_create(word="STOP", defaults={"meaning": OptOutMeaning.STOP})
        OptOutWord.objects.get_or_create(word="START", defaults={"meaning": OptOutMeaning.START})
        self.numbers = [
            builders.create_number(self.account, number="+14150000001"),
            builders.create_number(self.account, number="+14150000002", customers_may_attach=False),
            builders.create_number(self.account, number="+14150000003", is_active=False),
        ]
        self.dana = builders.create_agent("Dana")
        self.messages: list[Message] = []
        self._create_customers()

    def _create_customers(self) -> None:
        """Create the first six senders and one with a hidden number; the others are new."""
        contacts = [builders.create_contact("Amara", address=address) for address in SENDERS[:6]]
        hidden = builders.create_contact(address=HIDDEN_SENDER, account=self.account, business_scoped_id="US.100")
        contacts[1].business_scoped_ids.create(
            account=self.account, business_scoped_id="US.101", parent_business_scoped_id="US.ENT.9"
        )
        contacts[1].addresses.create(address=SENDERS[6], identity=SENDERS[6])
        states: list[dict[str, Any]] = [
            {},
            {"agent": self.dana},
            {"agent": self.dana, "state": State.WAITING},
            {"state": State.CLOSED, "closed_at": NOON - dt.timedelta(hours=1)},
            {"agent": self.dana},
        ]
        earlier = NOON - dt.timedelta(hours=2)
        for contact, fields in zip([*contacts[:4], hidden], states, strict=True):
            conversation = builders.create_conversation(
                number=self.numbers[0], contact=contact, last_inbound_at=earlier, **fields
            )
            status = ["sent", "sending", "delivered", "failed", "sent"][len(self.messages)]
            self.messages.append(
                builders.create_outbound_message(conversation, status=status, created_at=earlier, author=self.dana.user)
            )
        self.messages.append(builders.create_inbound_message(self.messages[0].conversation, created_at=earlier))
        type(contacts[4]).objects.filter(pk=contacts[4].pk).update(blocked_at=NOON)
        type(contacts[1]).objects.filter(pk=contacts[1].pk).update(opted_out_at=NOON)
        type(contacts[5]).objects.filter(pk=contacts[5].pk).update(opted_out_at=NOON, opted_out_by_word=True)

    def store(self, place: int, step: Inbound | Status) -> None:
        """Store a delivery that arrived so many seconds before NOON."""
        with time_machine.travel(NOON - dt.timedelta(seconds=step.age), tick=False):
            if isinstance(step, Inbound):
                store_delivery(self.account, self._build_form(place, step), None)
            else:
                self._store_status(place, step)

    def _build_form(self, place: int, step: Inbound) -> dict[str, list[str]]:
        addresses = [number.address for number in self.numbers] + ["whatsapp:+14159999999"]
        form = {
            "MessageSid": f"SM{place:032d}",
            "AccountSid": self.account.account_sid,
            "SmsStatus": "received",
            "From": step.sender,
            "To": addresses[step.number],
            "Body": step.body,
            "ProfileName": step.profile_name,
            "ExternalUserId": step.business_scoped_id,
            "ParentExternalUserId": step.parent_id,
            "OptOutType": "STOP" if step.is_opt_out else "",
        }
        for file in range(step.files):
            form |= {f"MediaUrl{file}": f"https://api.twilio.com/{file}", f"MediaContentType{file}": "image/png"}
        if step.quotes is not None:
            quoted = self.messages[step.quotes].twilio_sid if step.quotes < 5 else f"SM{place - 1:032d}"
            form["OriginalRepliedMessageSid"] = quoted
        return {name: [value] for name, value in form.items() if value}

    def _store_status(self, place: int, step: Status) -> None:
        is_known = step.message < len(self.messages)
        message = self.messages[step.message] if is_known else self.messages[0]
        sid = (message.twilio_sid or f"SM{'7' * 32}") if is_known else f"SM{'8' * 32}"
        # The fingerprint has no place: equal callbacks are one delivery.
        form = {"MessageSid": [sid], "MessageStatus": [step.word], "ErrorCode": [step.code]}
        public_id = message.public_id if step.by_id and is_known else None
        store_delivery(self.account, form, public_id, kind=WebhookKind.STATUS)


def apply_and_undo(is_batch: bool) -> DeskState:
    """Apply what is stored and describe the desk, then undo it."""
    begin = transaction.savepoint()
    apply_deliveries(None if is_batch else apply_delivery)
    state = describe_desk_state()
    transaction.savepoint_rollback(begin)
    return state


class BatchEqualsOneByOne(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(DELIVERIES)
    def test_a_batch_leaves_the_same_database_as_its_deliveries_one_by_one(
        self, steps: Sequence[Inbound | Status]
    ) -> None:
        with time_machine.travel(NOON, tick=False):
            shop = Shop()
            for place, step in enumerate(steps):
                shop.store(place, step)
            one_by_one, together = apply_and_undo(is_batch=False), apply_and_undo(is_batch=True)
        for name, state in one_by_one.items():
            assert together[name] == state, name
        event(f"{len(steps)} deliveries")


@pytest.fixture
def shop(db: None, clock: Any) -> Shop:
    return Shop()


def apply_stored_batch(shop: Shop) -> tuple[int, int]:
    """Apply what is stored as one batch; return the numbers of applied deliveries and of statements."""
    deliveries = list(WebhookDelivery.objects.filter(state=DeliveryState.STORED).order_by("pk"))
    with CaptureQueriesContext(connection) as queries:
        applied_ids = apply_batch(shop.account, deliveries)
    WebhookDelivery.objects.update(state=DeliveryState.APPLIED)
    return len(applied_ids), len(queries)


def build_message(sender: str, **changed: Any) -> Inbound:
    values: dict[str, Any] = {
        "body": "Hello",
        "number": 0,
        "business_scoped_id": "",
        "parent_id": "",
        "files": 0,
        "quotes": None,
        "profile_name": "Amara",
        "is_opt_out": False,
        "age": 0,
    }
    return Inbound(sender, **{**values, **changed})


NEW_SENDERS = [f"whatsapp:+4916{n:08d}" for n in range(20)]
CASES: dict[str, Sequence[Inbound]] = {
    "known customers": [build_message(sender) for sender in SENDERS[:2] * 10],
    "files": [build_message(sender, files=2) for sender in SENDERS[:2] * 10],
    "quotes": [build_message(sender, quotes=0) for sender in SENDERS[:2] * 10],
    "names": [build_message(sender, profile_name=f"Name {n}") for n, sender in enumerate(SENDERS[:2] * 10)],
    "returning customers": [build_message(SENDERS[3])] * 20,
    "new customers": [build_message(sender) for sender in NEW_SENDERS],
    "new customers with ids": [
        build_message(sender, business_scoped_id=f"US.{500 + n}") for n, sender in enumerate(NEW_SENDERS)
    ],
}


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_the_number_of_statements_does_not_depend_on_the_number_of_messages(
    shop: Shop, steps: Sequence[Inbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opt_out, "WORD_CACHE_SECONDS", 3600.0)  # on a slow machine the words would be read once more
    opt_out.get_meanings_by_word()
    statement_counts = []
    for count in (2, 20):
        begin = transaction.savepoint()
        for place, step in enumerate(steps[:count]):
            shop.store(place, step)
        applied, statements = apply_stored_batch(shop)
        transaction.savepoint_rollback(begin)
        assert applied == count
        statement_counts.append(statements)
    assert statement_counts[0] == statement_counts[1] <= 25


def test_the_number_of_statements_does_not_depend_on_the_number_of_callbacks(shop: Shop) -> None:
    conversation = shop.messages[0].conversation
    statement_counts = []
    for count in (2, 20):
        for _ in range(count):
            message = builders.create_outbound_message(conversation)
            form = {"MessageSid": [message.twilio_sid], "MessageStatus": ["delivered"]}
            store_delivery(shop.account, form, message.public_id, kind=WebhookKind.STATUS)
        applied, statements = apply_stored_batch(shop)
        assert applied == count
        statement_counts.append(statements)
    assert statement_counts[0] == statement_counts[1] <= 8


def test_the_strongest_status_of_a_batch_remains(shop: Shop) -> None:
    for word in ("read", "delivered", "sent"):
        shop.store(0, Status(message=0, word=word, code="", by_id=True, age=0))
    apply_deliveries()
    shop.messages[0].refresh_from_db()
    assert shop.messages[0].status == "read"


def test_stop_that_is_stored_after_a_later_start_changes_nothing(shop: Shop) -> None:
    """Two web processes may store them in the opposite order."""
    contact = shop.messages[0].conversation.contact
    shop.store(1, build_message(SENDERS[0], body="START", age=0))
    apply_deliveries()
    shop.store(2, build_message(SENDERS[0], body="STOP", age=1))
    apply_deliveries()
    contact.refresh_from_db()
    assert contact.opted_out_at is None


def test_a_message_that_is_stored_late_is_not_shown_in_lists_as_the_last_one(shop: Shop) -> None:
    conversation = shop.messages[0].conversation
    for place, age in enumerate((3, 1, 2)):
        shop.store(place, build_message(SENDERS[0], body=f"{age} seconds ago", age=age))
        apply_deliveries()
    conversation.refresh_from_db()
    assert conversation.last_message is not None
    assert conversation.last_message.body == "1 seconds ago"
    assert conversation.unread_count == 3


def test_a_delivery_is_left_when_an_earlier_one_of_the_same_customer_is_left(shop: Shop) -> None:
    """Opt-out words are applied alone; so is what the customer wrote next, but nothing of other customers."""
    steps = [
        build_message(SENDERS[0], body="STOP"),
        build_message(SENDERS[0], number=1),
        build_message(SENDERS[1]),
        build_message(SENDERS[7], business_scoped_id="US.900", body="STOP"),
        build_message(SENDERS[8], business_scoped_id="US.900"),
    ]
    for place, step in enumerate(steps):
        shop.store(place, step)
    deliveries = list(WebhookDelivery.objects.order_by("pk"))
    assert list(apply_batch(shop.account, deliveries)) == [deliveries[2].pk]
