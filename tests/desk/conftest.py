"""The desk of these tests."""

import pytest

from tests.desk.people import Desk, make_desk


@pytest.fixture
def desk(db: None) -> Desk:
    return make_desk()
