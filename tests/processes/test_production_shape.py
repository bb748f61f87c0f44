"""The desk as `deploy/` runs it: nginx, several processes of each kind, and PgBouncer in transaction mode.

The module has a cluster of its own, so `make test` runs it once.
"""

import pytest

from tests.processes.support.journey import Journey
from tests.processes.support.production_stack import ProductionStack

pytestmark = pytest.mark.process


def test_the_main_journey_goes_through_nginx_and_survives_a_killed_process_of_each_kind(stack: ProductionStack) -> None:
    journey = Journey(stack)
    journey.assert_works("at first")
    for name in ("omnichannel-web@8001", "omnichannel-web@8011", "omnichannel-live@8021"):
        stack.services[name].kill()
    for name in ("omnichannel-deliveries@1", "omnichannel-worker@1"):
        stack.services[name].kill()
    journey.assert_works("with half of the processes")
