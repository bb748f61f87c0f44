"""Queue and agents of the tests of conversations."""

import pytest

from routing.models import Agent, Queue
from tests import builders


@pytest.fixture
def orders(db: None) -> Queue:
    return builders.create_queue("Orders")


@pytest.fixture
def dana(db: None) -> Agent:
    return builders.create_agent("Dana")


@pytest.fixture
def sue(db: None) -> Agent:
    return builders.create_agent("Sue", role="Supervisor")


@pytest.fixture
def eve(db: None) -> Agent:
    return builders.create_agent("Eve", queue=builders.create_queue("Returns"))
