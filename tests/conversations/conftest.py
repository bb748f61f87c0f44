"""Twilio is played in memory: what was sent can be looked at, and what it answers can be chosen."""

from collections.abc import Iterator
from typing import Any

import pytest

from channels_whatsapp.backends.memory import MemoryBackend, backend


@pytest.fixture
def twilio(settings: Any) -> Iterator[MemoryBackend]:
    settings.WHATSAPP_BACKEND = "memory"
    backend.reset()
    yield backend
    backend.reset()
