"""The admin of work streams: settings, locked fields and validation."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from channels_whatsapp.models import WhatsAppNumber
from routing.admin.form_fields import split_into_unit
from routing.models import WorkStream
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, form_errors, visible_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def supervisor_client() -> UserClient:
    return create_signed_in_client("Supervisor", "Sam")


def work_stream_form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Orders",
        "channel": "whatsapp",
        "capacity": "30",
        "auto_close_after_0": "8",
        "auto_close_after_1": "hours",
        "distribution_mode": "push",
        "allowed_presences": ["available", "away"],
        "offer_seconds": "120",
        "wrap_up_seconds": "",
        "skill_matching": "none",
        "fallback_queue": "",
        **changed,
    }


def save_work_stream(client: Client, stream: WorkStream, **changed: Any) -> Any:
    response = client.post(admin_url("routing_workstream", "change", stream.pk), work_stream_form(**changed))
    stream.refresh_from_db()
    return response


def test_every_setting_is_kept(admin_client: UserClient) -> None:
    orders, stream = builders.create_queue("Orders"), builders.update_work_stream()
    settings = {"offer_seconds": "60", "wrap_up_seconds": "300", "skill_matching": "closest", "capacity": "50"}
    save_work_stream(
        admin_client,
        stream,
        fallback_queue=orders.pk,
        inactive_after_missed_offer="on",
        allowed_presences=["busy"],
        **settings,
    )
    assert (stream.offer_seconds, stream.wrap_up_seconds, stream.skill_matching) == (60, 300, "closest")
    assert (stream.capacity, stream.fallback_queue, stream.allowed_presences) == (50, orders, ["busy"])
    assert stream.inactive_after_missed_offer
    assert not stream.allow_selecting
    assert not stream.keep_same_agent


def test_a_new_work_stream_begins_with_what_is_usual(admin_client: UserClient) -> None:
    shown = admin_client.get(admin_url("routing_workstream", "add")).context["adminform"].form
    usual = WorkStream()
    for name in (
        "auto_close_after",
        "return_after_disconnect",
        "allowed_presences",
        "skill_matching",
        "wrap_up_seconds",
    ):
        assert shown[name].value() == getattr(usual, name)
    page_shown = admin_client.get(admin_url("routing_workstream", "add")).content.decode()
    assert 'name="return_after_disconnect_0" value="15"' in page_shown
    assert 'value="available" id="id_allowed_presences_0" checked' in page_shown


@pytest.mark.parametrize(("typed", "stored"), [("", None), ("0", 0), ("30", 30), ("3600", 3600)])
def test_wrap_up_blocks_capacity_always_not_at_all_or_for_a_time(
    admin_client: UserClient, typed: str, stored: Any
) -> None:
    stream = builders.update_work_stream()
    save_work_stream(admin_client, stream, wrap_up_seconds=typed)
    assert stream.wrap_up_seconds == stored


def test_a_time_for_wrap_up_set_elsewhere_can_be_kept(admin_client: UserClient) -> None:
    stream = builders.update_work_stream(wrap_up_seconds=75)
    assert "75 seconds" in visible_text(admin_client.get(admin_url("routing_workstream", "change", stream.pk)))
    save_work_stream(admin_client, stream, wrap_up_seconds="75")
    assert stream.wrap_up_seconds == 75


@pytest.mark.parametrize(
    ("number", "unit", "stored"),
    [("5", "minutes", timedelta(minutes=5)), ("1", "hours", timedelta(hours=1)), ("", "minutes", None)],
)
def test_how_long_a_disconnected_agent_keeps_their_work_is_set_or_left_open(
    admin_client: UserClient, number: WhatsAppNumber, unit: str, stored: Any
) -> None:
    stream = builders.update_work_stream()
    save_work_stream(admin_client, stream, return_after_disconnect_0=number, return_after_disconnect_1=unit)
    assert stream.return_after_disconnect == stored
    assert "Return to queue after the agent disconnects" in visible_text(
        admin_client.get(admin_url("routing_workstream", "change", stream.pk))
    )


def test_a_disposition_code_is_required_where_the_work_stream_says_so(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    save_work_stream(admin_client, stream, disposition_required="on")
    assert stream.disposition_required
    save_work_stream(admin_client, stream)
    assert not stream.disposition_required


@pytest.mark.parametrize("value", [None, "available", [], ["gone"], ["inactive"], [["available"]], 5, {"available": 1}])
def test_presences_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkStream(name="Odd", allowed_presences=value).full_clean()
    assert list(refused.value.error_dict) == ["allowed_presences"]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"capacity": 0}, "work_streams_take_some_of_an_agents_capacity"),
        ({"offer_seconds": 0}, "agents_have_time_to_accept"),
        ({"auto_close_after": timedelta()}, "waiting_customers_have_time_to_answer"),
        ({"return_after_disconnect": timedelta()}, "disconnected_agents_have_time_to_come_back"),
        ({"distribution_mode": "throw"}, "work_is_pushed_or_picked"),
        ({"skill_matching": "best"}, "skills_match_in_known_ways"),
    ],
)
def test_a_setting_that_can_not_work_is_not_stored(changed: Any, name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        WorkStream.objects.update(**changed)


def test_the_mode_is_locked_after_the_first_save(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    save_work_stream(admin_client, stream, distribution_mode="pick")
    assert stream.distribution_mode == "push"


def test_where_agents_pick_the_settings_of_push_are_left_out(admin_client: UserClient) -> None:
    admin_client.post(admin_url("routing_workstream", "add"), work_stream_form(distribution_mode="pick"))
    picked = WorkStream.objects.get(name="Orders")
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "change", picked.pk)))
    assert picked.distribution_mode == "pick"
    assert "Time to accept" not in shown
    assert "Fallback queue" in shown
    assert save_work_stream(admin_client, picked, name="Renamed").status_code == 302


def test_away_cannot_be_an_allowed_presence_with_inactive_after_missed_offer(admin_client: UserClient) -> None:
    response = save_work_stream(admin_client, builders.update_work_stream(), inactive_after_missed_offer="on")
    assert "Remove Away" in form_errors(response)["allowed_presences"][0]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"capacity": "0"}, "capacity"),
        ({"offer_seconds": "5"}, "offer_seconds"),
        ({"allowed_presences": []}, "allowed_presences"),
        ({"allowed_presences": ["inactive"]}, "allowed_presences"),
        ({"wrap_up_seconds": "31"}, "wrap_up_seconds"),
        ({"skill_matching": "best"}, "skill_matching"),
    ],
)
def test_invalid_values_are_refused_at_their_field(admin_client: UserClient, changed: Any, field: str) -> None:
    assert list(form_errors(save_work_stream(admin_client, builders.update_work_stream(), **changed))) == [field]


@pytest.mark.parametrize(("role", "answer"), [("Supervisor", 403), ("Agent", 302), ("", 302)])
def test_only_administrators_change_work_streams(role: str, answer: int) -> None:
    stream = builders.update_work_stream()
    assert save_work_stream(create_signed_in_client(role), stream, capacity="99").status_code == answer
    assert stream.capacity != 99


def test_a_work_stream_is_set_up_with_ticks_and_a_plain_time(admin_client: UserClient) -> None:
    admin_client.post(admin_url("routing_workstream", "add"), work_stream_form())
    stream = WorkStream.objects.get(name="Orders")
    assert stream.allowed_presences == ["available", "away"]
    assert stream.auto_close_after == timedelta(hours=8)


@pytest.mark.parametrize(
    ("time", "parts"),
    [
        (timedelta(minutes=5), (5, "minutes")),
        (timedelta(minutes=90), (90, "minutes")),
        (timedelta(hours=24), (24, "hours")),
        (timedelta(days=30), (30, "days")),
    ],
)
def test_a_time_is_shown_in_its_largest_whole_unit(time: timedelta, parts: tuple[int, str]) -> None:
    assert split_into_unit(time) == parts


def test_no_time_at_all_is_refused(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url("routing_workstream", "add"), work_stream_form(auto_close_after_0="0"))
    assert "auto_close_after" in response.context["adminform"].form.errors


def test_the_channel_is_locked_after_the_first_save(admin_client: UserClient) -> None:
    stream = builders.update_work_stream()
    admin_client.post(
        admin_url("routing_workstream", "change", stream.pk), work_stream_form(name="Renamed", channel="sms")
    )
    stream.refresh_from_db()
    assert (stream.name, stream.channel) == ("Renamed", "whatsapp")


def test_work_stream_with_numbers_cannot_be_deleted(admin_client: UserClient) -> None:
    stream = builders.create_number().work_stream
    shown = visible_text(admin_client.get(admin_url("routing_workstream", "delete", stream.pk)))
    assert "because it is in use: 1 WhatsApp Number." in shown
    assert "Assign its numbers to another work stream first" in shown
    assert "Deactivate" not in shown


def test_supervisor_views_work_streams_but_cannot_change_them(supervisor_client: UserClient) -> None:
    stream = builders.update_work_stream()
    assert supervisor_client.get(admin_url("routing_workstream", "change", stream.pk)).status_code == 200
    assert (
        supervisor_client.post(admin_url("routing_workstream", "change", stream.pk), work_stream_form()).status_code
        == 403
    )
