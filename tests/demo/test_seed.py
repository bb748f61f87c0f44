"""The demonstration: a newcomer's first sight of the desk."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from channels_whatsapp.models import WebhookDelivery, WhatsAppAccount
from channels_whatsapp.simulator.models import Errand
from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, Message
from omnichannel.demo.people import PASSWORD
from routing.models import State

pytestmark = pytest.mark.django_db


def test_an_empty_database_is_filled_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo", when_new=True)
    messages = Message.objects.count()
    assert "dana" in capsys.readouterr().out
    call_command("seed_demo", when_new=True)
    assert (WhatsAppAccount.objects.count(), Message.objects.count()) == (1, messages)
    with pytest.raises(CommandError, match="set up here already"):
        call_command("seed_demo")


def test_the_demonstration_shows_every_part_of_the_desk() -> None:
    call_command("seed_demo")
    assert set(Conversation.objects.values_list("state", flat=True)) == {State.OPEN, State.ACTIVE, State.CLOSED}
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}
    assert Errand.objects.filter(state="due").exists()  # customers who write as soon as the server runs
    assert Conversation.objects.filter(labels__name="Damaged").exists()
    assert {user.groups.get().name for user in User.objects.all()} == {"Administrator", "Supervisor", "Agent"}


def test_with_a_real_account_nobody_comes_in_with_the_printed_password(settings: Any) -> None:
    call_command("seed_demo")
    omar = User.objects.get(username="omar")
    omar.set_password("another one")
    omar.save()
    settings.WHATSAPP_BACKEND = "twilio"
    call_command("seed_demo", when_new=True)
    active = User.objects.filter(is_active=True)
    assert [user.username for user in active] == ["omar"]
    assert not any(user.check_password(PASSWORD) for user in active)
