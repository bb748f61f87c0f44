"""Lists of the administration: time zone, filters above the table, and what to do when there are no rows."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin

from omnichannel.conversations.models import Contact
from omnichannel.core.admin.pages import ProductModelAdmin
from routing.models import OperatingHours, Skill
from tests.admin_client import UserClient, admin_url, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db


def create_contact() -> None:
    contact = Contact.objects.create(address="whatsapp:+15550001111", name="Nora")
    Contact.objects.filter(pk=contact.pk).update(created_at=datetime(2026, 11, 28, 22, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("cookie", "zone", "time"),
    [
        ("Asia%2FKolkata", "Asia/Kolkata", "29 Nov 2026, 04:00:00"),
        ("America/New_York", "America/New_York", "28 Nov 2026, 17:30:00"),
        ("Mars/Olympus", "UTC", "28 Nov 2026, 22:30:00"),
        ("", "UTC", "28 Nov 2026, 22:30:00"),
    ],
)
def test_times_are_in_the_time_zone_of_the_browser(admin_client: UserClient, cookie: str, zone: str, time: str) -> None:
    create_contact()
    admin_client.cookies["timezone"] = cookie
    text = visible_text(admin_client.get(admin_url("conversations_contact", "changelist")))
    assert time in text
    assert f"Times are in {zone}." in text


@pytest.mark.parametrize(("cookie", "selected"), [("Europe/Berlin", "Europe/Berlin"), ("GMT", "UTC"), ("", "UTC")])
def test_new_operating_hours_are_in_the_time_zone_of_the_browser(
    admin_client: UserClient, cookie: str, selected: str
) -> None:
    admin_client.cookies["timezone"] = cookie
    page = admin_client.get(admin_url("routing_operatinghours", "add"))
    assert f'<option value="{selected}" selected>' in page.content.decode()


def test_stored_operating_hours_stay_in_their_own_time_zone(admin_client: UserClient) -> None:
    office = OperatingHours.objects.create(name="Office", always_open=True, time_zone="Asia/Tokyo")
    admin_client.cookies["timezone"] = "Europe/Berlin"
    page = admin_client.get(admin_url("routing_operatinghours", "change", office.pk))
    assert '<option value="Asia/Tokyo" selected>' in page.content.decode()


def test_filters_are_above_the_table(admin_client: UserClient) -> None:
    page = admin_client.get(admin_url("accounts_user", "changelist") + "?is_active__exact=1").content.decode()
    assert page.count('id="changelist-filter"') == 1
    assert page.index('id="changelist-filter"') < page.index('id="result_list"')
    assert "Clear filters" in page


def test_each_list_says_what_to_do_when_it_is_empty() -> None:
    lists = [each for each in admin.site._registry.values() if isinstance(each, ProductModelAdmin)]
    hidden = {"RoutingRule", "SkillRule", "OverflowRule", "ContextVariable"}  # edited on their parent's page
    assert not [each for each in lists if not each.empty_hint and each.opts.object_name not in hidden]


@pytest.mark.parametrize(
    ("model", "link"),
    [
        ("conversations_contact", '<a href="/admin/channels_whatsapp/whatsappaccount/">Open WhatsApp</a>'),
        ("conversations_conversation", '<a href="/admin/channels_whatsapp/whatsappaccount/">Open WhatsApp</a>'),
        ("channels_whatsapp_messagetemplate", '<a href="/admin/channels_whatsapp/whatsappaccount/">Open WhatsApp</a>'),
    ],
)
def test_an_empty_list_leads_to_the_page_where_its_rows_come_from(
    admin_client: UserClient, model: str, link: str
) -> None:
    url = admin_url(model, "changelist")
    assert link in admin_client.get(url).content.decode()
    assert link not in create_signed_in_client("Supervisor").get(url).content.decode()


def test_the_link_to_add_is_only_for_those_who_may(admin_client: UserClient) -> None:
    url = admin_url("routing_skill", "changelist")
    assert not Skill.objects.exists()
    hint = "Add what agents know, such as a language or a product"
    page = admin_client.get(url)
    assert hint in visible_text(page)
    assert '<a href="add/">' in page.content.decode()
    page = create_signed_in_client("Supervisor").get(url)
    assert hint in visible_text(page)
    assert '<a href="add/">' not in page.content.decode()
