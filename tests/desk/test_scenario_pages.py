"""Every page of the scenario for axe and screenshots opens."""

from typing import Any

import pytest
from django.urls import reverse

from routing.models import Agent
from tests.desk.scenario import client_for
from tests.scenario import create_scenario


@pytest.mark.django_db
def test_every_scenario_conversation_opens(settings: Any) -> None:
    settings.DEMO_ALLOWED = True  # The scenario creates its own users.
    opened = create_scenario()
    dana = client_for(Agent.objects.get(user__username="dana"))
    answers = {name: dana.get(reverse("desk:conversation", args=[pk])).status_code for name, pk in opened.items()}
    assert answers == dict.fromkeys(opened, 200)
