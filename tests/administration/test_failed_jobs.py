"""Background jobs that were given up, as an administrator looks at them and tries them again."""

import pytest
from django.utils import timezone

from omnichannel.jobs.lanes import claim_lanes, enqueue
from omnichannel.jobs.models import Lane
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

JOB = "jobs_lane"


def failed_job() -> Lane:
    enqueue("automate", 12)
    claim_lanes(["automate"], 1)[0].give_up("ValueError: <b>broken</b>")
    return Lane.objects.get(given_up_at__isnull=False)


def test_the_list_names_the_job_its_conversation_and_the_error() -> None:
    failed_job()
    enqueue("route", 13)
    response = signed_in("Administrator").get(page(JOB, "changelist"))
    assert "Automated messages" in words(response)
    assert "ValueError: <b>broken</b>" in words(response)
    assert 'href="/desk/conversations/12/"' in response.content.decode()
    assert "Route a conversation" not in words(response)


def test_a_failed_job_is_tried_again_from_the_list() -> None:
    job = failed_job()
    chosen = {"action": "retry", "_selected_action": [job.pk]}
    response = signed_in("Administrator").post(page(JOB, "changelist"), chosen, follow=True)
    assert toasts(response) == ["1 job is tried again within seconds."]
    job.refresh_from_db()
    assert (job.given_up_at, job.attempts) == (None, 0)
    assert job.due_at <= timezone.now()


def test_a_job_that_has_not_failed_has_no_page() -> None:
    enqueue("route", 13)
    assert signed_in("Administrator").get(page(JOB, "change", Lane.objects.get().pk)).status_code == 302


def test_a_failed_job_has_a_page() -> None:
    shown = words(signed_in("Administrator").get(page(JOB, "change", failed_job().pk)))
    assert "ValueError: <b>broken</b>" in shown


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_nobody_but_administrators_sees_or_retries_failed_jobs(role: str) -> None:
    job = failed_job()
    person = signed_in(role)
    assert person.get(page(JOB, "changelist")).status_code in {302, 403}
    chosen = {"action": "retry", "_selected_action": [job.pk]}
    assert person.post(page(JOB, "changelist"), chosen).status_code in {302, 403}
    job.refresh_from_db()
    assert job.given_up_at is not None
