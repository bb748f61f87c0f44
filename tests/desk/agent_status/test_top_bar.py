"""The bar of the desk and the administration: presence and links for those who may use them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.presence.sessions import update_presences
from routing.models import Agent, BasePresence
from routing.presence import ABSENCE_TIMEOUT
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

DESK_LINK, ADMIN_LINK, PRESENCE = 'href="/desk/"', 'href="/admin/"', 'id="presence"'


def page_of(user: Agent | User, url_name: str) -> str:
    return client_for(user).get(reverse(url_name)).content.decode()


@pytest.fixture
def administrator(desk: DeskScenario) -> Agent:
    User.objects.filter(pk=desk.administrator.user_id).update(is_staff=True)
    return desk.administrator


@pytest.mark.parametrize("url_name", ["admin:index", "admin:routing_queue_changelist", "desk:inbox"])
def test_an_administrator_has_the_same_bar_at_the_desk_and_in_the_administration(
    administrator: Agent, url_name: str
) -> None:
    page = page_of(administrator, url_name)
    assert all(part in page for part in (DESK_LINK, ADMIN_LINK, PRESENCE, 'id="offers"', 'id="connection-status"'))


def test_an_agent_without_staff_rights_has_no_link_to_the_administration(desk: DeskScenario) -> None:
    page = page_of(desk.dana, "desk:inbox")
    assert PRESENCE in page
    assert ADMIN_LINK not in page


def test_staff_who_do_not_work_at_the_desk_have_no_presence_and_no_link_to_it(desk: DeskScenario) -> None:
    page = page_of(builders.create_user("", "Cleo", is_staff=True), "admin:index")
    assert ADMIN_LINK in page
    assert reverse("admin:password_change") in page
    assert not any(part in page for part in (DESK_LINK, PRESENCE, 'id="offers"'))


@pytest.mark.parametrize(
    ("url", "label"),
    [("http://h/admin/", "Offered to you"), ("http://h/desk/", "Ihnen angeboten"), ("http://[", "Ihnen")],
)
def test_a_fragment_has_the_language_of_its_page(desk: DeskScenario, url: str, label: str) -> None:
    User.objects.filter(pk=desk.administrator.user_id).update(language="de")
    headers = {**HTMX_HEADERS["headers"], "HX-Current-URL": url}
    assert label in client_for(desk.administrator).get(reverse("desk:offers"), headers=headers).content.decode()


def test_an_agent_in_the_administration_stays_present(desk: DeskScenario, administrator: Agent) -> None:
    client = client_for(administrator)
    long_ago = timezone.now() - ABSENCE_TIMEOUT - timedelta(minutes=1)
    Agent.objects.filter(pk__in=[administrator.pk, desk.dana.pk]).update(last_seen_at=long_ago)
    assert client.get(reverse("admin:index")).status_code == 200
    update_presences()
    present = [Agent.objects.get(pk=agent.pk).presence.base_status for agent in (administrator, desk.dana)]
    assert present == [BasePresence.AVAILABLE, BasePresence.OFFLINE]
