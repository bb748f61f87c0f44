"""The demo data."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from channels_whatsapp.models import WebhookDelivery, WhatsAppAccount
from channels_whatsapp.simulator.models import ScheduledTask
from omnichannel.accounts.demo_accounts import DEMO_PASSWORD
from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, Message
from omnichannel.conversations.search.query import search
from routing.models import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _allow_demo_accounts(settings: Any) -> None:
    settings.DEMO_ALLOWED = True


def test_an_empty_database_is_filled_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo", if_empty=True)
    messages = Message.objects.count()
    assert "dana" in capsys.readouterr().out
    call_command("seed_demo", if_empty=True)
    assert (WhatsAppAccount.objects.count(), Message.objects.count()) == (1, messages)
    with pytest.raises(CommandError, match="set up here already"):
        call_command("seed_demo")


def test_the_demonstration_shows_every_part_of_the_desk() -> None:
    call_command("seed_demo")
    assert set(Conversation.objects.values_list("state", flat=True)) == {State.OPEN, State.ACTIVE, State.CLOSED}
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}
    assert ScheduledTask.objects.filter(state="due").exists()  # customers who write when the server starts
    assert Conversation.objects.filter(labels__name="Damaged").exists()
    assert {user.groups.get().name for user in User.objects.all()} == {"Administrator", "Supervisor", "Agent"}


def test_some_customers_have_a_username_that_search_finds() -> None:
    call_command("seed_demo")
    agent = User.objects.get(username="dana")
    names = [
        [result.contact.display_name for result in search(agent, text).customers] for text in ("@mei.tanaka", "amara.d")
    ]
    assert names == [["Mei Tanaka"], ["Amara Diallo"]]


def test_only_those_who_still_have_the_printed_password_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    omar = User.objects.get(username="omar")
    omar.set_password("another one")
    omar.save()
    capsys.readouterr()
    call_command("seed_demo", if_empty=True)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if DEMO_PASSWORD in line]
    assert [line[0] for line in lines] == ["admin", "sofia", "dana"]


def test_a_public_server_gets_no_demonstration(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.DEMO_ALLOWED = False
    call_command("seed_demo", if_empty=True)
    assert not User.objects.exists()
    assert DEMO_PASSWORD not in capsys.readouterr().out
    with pytest.raises(CommandError, match="needs the simulator"):
        call_command("seed_demo")
