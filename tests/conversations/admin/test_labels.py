"""The admin of labels and disposition codes: permissions and protected deletion."""

import pytest
from django.urls import reverse

from omnichannel.conversations.models import DispositionCode, Label
from tests import builders
from tests.admin_client import create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db

ADD_LABEL_URL_NAME, ADD_CODE_URL_NAME = "admin:conversations_label_add", "admin:conversations_dispositioncode_add"


@pytest.mark.parametrize(("role", "may"), [("Administrator", True), ("Supervisor", True), ("Agent", False)])
def test_administrators_and_supervisors_make_labels_and_agents_do_not(role: str, may: bool) -> None:
    create_signed_in_client(role).post(reverse(ADD_LABEL_URL_NAME), {"name": "VIP", "color": "purple"})
    assert Label.objects.exists() == may


@pytest.mark.parametrize(("role", "may"), [("Administrator", True), ("Supervisor", False), ("Agent", False)])
def test_only_administrators_change_disposition_codes(role: str, may: bool) -> None:
    create_signed_in_client(role).post(
        reverse(ADD_CODE_URL_NAME), {"name": "Solved", "description": "", "is_active": "on"}
    )
    assert DispositionCode.objects.exists() == may


def test_used_disposition_code_is_deactivated_instead_of_deleted() -> None:
    code = DispositionCode.objects.create(name="Solved")
    builders.create_conversation().dispositions.add(code)
    client, delete = (
        create_signed_in_client("Administrator"),
        reverse("admin:conversations_dispositioncode_delete", args=[code.pk]),
    )
    assert "1 conversation" in visible_text(client.get(delete))
    client.post(delete, {"post": "yes"})
    assert DispositionCode.objects.get() == code


def test_lists_show_usage_counts() -> None:
    label = Label.objects.create(name="VIP")
    builders.create_conversation().labels.add(label)
    page = create_signed_in_client("Administrator").get(reverse("admin:conversations_label_changelist"))
    assert "VIP Gray 1" in visible_text(page)
