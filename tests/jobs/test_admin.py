"""The admin of failed background jobs: list, details and retry."""

import pytest
from django.utils import timezone

from omnichannel.admin.failed_jobs import JOB_LABELS
from omnichannel.jobs.lanes import claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from omnichannel.worker_jobs import create_worker
from tests.admin_client import admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = pytest.mark.django_db

LANE_MODEL = "jobs_lane"


def create_failed_job() -> Lane:
    enqueue("automate", 12)
    claim_lanes(["automate"], 1)[0].give_up("ValueError: <b>broken</b>")
    return Lane.objects.get(given_up_at__isnull=False)


def test_the_list_names_the_job_its_conversation_and_the_error() -> None:
    create_failed_job()
    enqueue("route", 13)
    response = create_signed_in_client("Administrator").get(admin_url(LANE_MODEL, "changelist"))
    assert "Automated messages" in visible_text(response)
    assert "ValueError: <b>broken</b>" in visible_text(response)
    assert 'href="/desk/conversations/12/"' in response.content.decode()
    assert "Route a conversation" not in visible_text(response)


def test_a_failed_job_is_tried_again_from_the_list() -> None:
    job = create_failed_job()
    chosen = {"action": "retry", "_selected_action": [job.pk]}
    response = create_signed_in_client("Administrator").post(admin_url(LANE_MODEL, "changelist"), chosen, follow=True)
    assert message_texts(response) == ["1 job will be retried in a few seconds."]
    job.refresh_from_db()
    assert (job.given_up_at, job.attempts) == (None, 0)
    assert job.due_at <= timezone.now()


def test_a_job_that_has_not_failed_has_no_page() -> None:
    enqueue("route", 13)
    assert (
        create_signed_in_client("Administrator").get(admin_url(LANE_MODEL, "change", Lane.objects.get().pk)).status_code
        == 302
    )


def test_a_failed_job_has_a_page() -> None:
    shown = visible_text(
        create_signed_in_client("Administrator").get(admin_url(LANE_MODEL, "change", create_failed_job().pk))
    )
    assert "ValueError: <b>broken</b>" in shown


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_see_and_retry_failed_jobs(role: str) -> None:
    job = create_failed_job()
    person = create_signed_in_client(role)
    assert person.get(admin_url(LANE_MODEL, "changelist")).status_code in {302, 403}
    chosen = {"action": "retry", "_selected_action": [job.pk]}
    assert person.post(admin_url(LANE_MODEL, "changelist"), chosen).status_code in {302, 403}
    job.refresh_from_db()
    assert job.given_up_at is not None


def test_every_job_that_can_be_given_up_has_a_label() -> None:
    handlers = create_worker().handlers.items()
    listed = {kind for kind, handler in handlers if handler.limits_attempts and handler.on_give_up is None}
    assert listed == set(JOB_LABELS)
