"""Administration says that Twilio is simulated, and links to the simulator."""

from typing import Any

import pytest

from channels_whatsapp.models import WhatsAppAccount
from tests import builders
from tests.admin_client import UserClient, create_signed_in_client

pytestmark = pytest.mark.django_db

NOTICE = "Twilio is simulated"


@pytest.fixture
def administrator() -> UserClient:
    return create_signed_in_client("Administrator")


@pytest.fixture
def account() -> WhatsAppAccount:
    return builders.create_number().account


def get_pages(administrator: UserClient, account: WhatsAppAccount) -> list[str]:
    """Return the start page, the page of a channel and the page of a new one."""
    channels = "/admin/channels_whatsapp/whatsappaccount/"
    paths = ("/admin/", f"{channels}{account.pk}/change/", f"{channels}add/")
    return [administrator.get(path).content.decode() for path in paths]


def test_start_page_and_channel_pages_say_that_twilio_is_simulated(
    administrator: UserClient, account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP_BACKEND = "simulator"
    for page in get_pages(administrator, account):
        assert NOTICE in page
        assert 'href="/simulator/"' in page


def test_nothing_is_said_of_the_simulator_when_twilio_is_real(
    administrator: UserClient, account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP_BACKEND = "twilio"
    for page in get_pages(administrator, account):
        assert NOTICE not in page
        assert "/simulator/" not in page
