"""The scenario of the desk's tests."""

import pytest

from tests.desk.scenario import DeskScenario, create_desk_scenario


@pytest.fixture
def desk(db: None) -> DeskScenario:
    return create_desk_scenario()
