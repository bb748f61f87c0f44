"""The desk that axe and the pictures look at opens, in every state."""

from typing import Any

import pytest
from django.urls import reverse

from routing.models import Agent
from tests.desk.people import browser
from tests.scenario import set_the_stage


@pytest.mark.django_db
def test_every_conversation_opens_also_one_from_an_advertisement_without_an_address(settings: Any) -> None:
    settings.DEMONSTRATION_ALLOWED = True  # its people are on the stage
    opened = set_the_stage()
    dana = browser(Agent.objects.get(user__username="dana"))
    answers = {name: dana.get(reverse("desk:conversation", args=[pk])).status_code for name, pk in opened.items()}
    assert answers == dict.fromkeys(opened, 200)
