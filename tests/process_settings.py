"""The product's settings, with shorter waits, for servers and workers that tests start and kill."""

from datetime import timedelta

from omnichannel.settings import *  # noqa: F403

TWILIO_TIMEOUT = (1, 1)
WORKER_LEASE = timedelta(seconds=2)
OUTBOUND_ABSENT_AFTER = timedelta(seconds=4)
SIMULATOR_HANG_SECONDS = 2.5  # longer than the desk waits for an answer
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
