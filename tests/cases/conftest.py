"""The runner of cases, with a stopped clock and a server of files in Twilio's place."""

from collections.abc import Iterator
from typing import Any

import pytest

from channels_whatsapp.backends.memory import MemoryBackend
from tests.cases.cases import CaseRunner
from tests.media_server import run_file_server


@pytest.fixture
def case_runner(db: None, clock: Any, settings: Any, memory_backend: MemoryBackend) -> Iterator[CaseRunner]:
    with run_file_server() as media_server:
        settings.PUBLIC_URL = media_server.url
        yield CaseRunner(clock, media_server)
