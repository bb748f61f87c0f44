"""Labels and disposition codes in the administration: who keeps them, and what can't be deleted."""

import pytest
from django.urls import reverse

from omnichannel.conversations.models import DispositionCode, Label
from tests import builders
from tests.administration.people import signed_in, words

pytestmark = pytest.mark.django_db

ADD_LABEL, ADD_CODE = "admin:conversations_label_add", "admin:conversations_dispositioncode_add"


@pytest.mark.parametrize(("role", "may"), [("Administrator", True), ("Supervisor", True), ("Agent", False)])
def test_administrators_and_supervisors_make_labels_and_agents_do_not(role: str, may: bool) -> None:
    signed_in(role).post(reverse(ADD_LABEL), {"name": "VIP", "colour": "purple"})
    assert Label.objects.exists() == may


@pytest.mark.parametrize(("role", "may"), [("Administrator", True), ("Supervisor", False), ("Agent", False)])
def test_administrators_alone_say_what_a_conversation_can_come_to(role: str, may: bool) -> None:
    signed_in(role).post(reverse(ADD_CODE), {"name": "Solved", "description": "", "is_active": "on"})
    assert DispositionCode.objects.exists() == may


def test_a_code_that_was_chosen_once_is_deactivated_not_deleted() -> None:
    code = DispositionCode.objects.create(name="Solved")
    builders.conversation().dispositions.add(code)
    client, delete = signed_in("Administrator"), reverse("admin:conversations_dispositioncode_delete", args=[code.pk])
    assert "1 conversation" in words(client.get(delete))
    client.post(delete, {"post": "yes"})
    assert DispositionCode.objects.get() == code


def test_the_lists_say_how_much_they_are_used() -> None:
    label = Label.objects.create(name="VIP")
    builders.conversation().labels.add(label)
    page = signed_in("Administrator").get(reverse("admin:conversations_label_changelist"))
    assert "VIP Grey 1" in words(page)
