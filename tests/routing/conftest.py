"""The work stream of the tests of routing."""

import pytest

from routing.models import WorkStream
from tests import builders


@pytest.fixture
def stream(db: None) -> WorkStream:
    return builders.update_work_stream()
