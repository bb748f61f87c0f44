"""What is in use is not deleted but deactivated."""

import pytest

from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

ACCOUNT, NUMBER = "channels_whatsapp_whatsappaccount", "channels_whatsapp_whatsappnumber"


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


def test_deleting_a_channel_with_numbers_is_refused_and_says_why(ada):
    account = builders.account(name="Shop")
    builders.number(account)
    response = ada.get(page(ACCOUNT, "delete", account.pk))
    assert "“Shop” can’t be deleted because it is in use: 1 WhatsApp Number." in words(response)


def test_deleting_a_channel_with_numbers_is_refused_even_when_confirmed(ada):
    account = builders.account()
    builders.number(account)
    ada.post(page(ACCOUNT, "delete", account.pk), {"post": "yes"})
    assert WhatsAppAccount.objects.filter(pk=account.pk).exists()


def test_deleting_a_number_with_conversations_counts_them(ada):
    number = builders.number()
    builders.conversation(on=number)
    builders.conversation(on=number)
    assert "2 conversations" in words(ada.get(page(NUMBER, "delete", number.pk)))


def test_a_refused_deletion_offers_to_deactivate(ada):
    number = builders.number()
    builders.conversation(on=number)
    offered = page(NUMBER, "deactivate", number.pk)
    assert f'action="{offered}"' in ada.get(page(NUMBER, "delete", number.pk)).content.decode()
    response = ada.post(offered, follow=True)
    number.refresh_from_db()
    assert not number.is_active
    assert "is deactivated" in toasts(response)[0]


def test_a_look_at_the_deactivation_changes_nothing(ada):
    number = builders.number()
    assert ada.get(page(NUMBER, "deactivate", number.pk)).status_code == 405
    number.refresh_from_db()
    assert number.is_active


def test_an_inactive_number_is_not_offered_deactivation_again(ada):
    number = builders.number(is_active=False)
    builders.conversation(on=number)
    assert "It is inactive already." in words(ada.get(page(NUMBER, "delete", number.pk)))


def test_a_supervisor_can_not_deactivate_a_channel():
    account = builders.account()
    response = signed_in("Supervisor").post(page(ACCOUNT, "deactivate", account.pk))
    account.refresh_from_db()
    assert response.status_code == 403
    assert account.is_active


def test_a_number_that_was_never_used_can_be_deleted(ada):
    number = builders.number()
    ada.post(page(NUMBER, "delete", number.pk), {"post": "yes"})
    assert not WhatsAppNumber.objects.filter(pk=number.pk).exists()


def test_inactive_numbers_are_shown_as_inactive_in_the_list(ada):
    builders.number(is_active=False)
    assert "Inactive" in words(ada.get(page(NUMBER, "changelist")))


def test_there_is_no_deleting_many_at_once(ada):
    builders.account()
    assert "delete_selected" not in ada.get(page(ACCOUNT, "changelist")).content.decode()
