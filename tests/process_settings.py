"""Settings with shorter time limits, for servers and workers that tests start and kill."""

import os
from datetime import timedelta
from pathlib import Path

from omnichannel.settings import *  # noqa: F403

TWILIO_TIMEOUT = (1, 1)
WORKER_LEASE_DURATION = timedelta(seconds=2)
if seconds := os.environ.get("TEST_WORKER_HANG_TIMEOUT"):
    WORKER_HANG_TIMEOUT = timedelta(seconds=float(seconds))
# A busy machine must not fail a test; tests of the limits set their own.
DATABASES["default"]["STATEMENT_TIMEOUT"] = float(os.environ.get("TEST_STATEMENT_TIMEOUT", "60"))  # noqa: F405
if folder := os.environ.get("TEST_STATIC_ROOT"):
    STATIC_ROOT = Path(folder)
HEADER_TIMEOUT = float(os.environ.get("TEST_HEADER_TIMEOUT", "10"))
UNKNOWN_OUTCOME_TIMEOUT = timedelta(seconds=4)
SIMULATOR_HANG_SECONDS = 2.5  # longer than the desk waits for a response
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
