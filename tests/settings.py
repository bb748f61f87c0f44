"""The product's settings, with what tests must not share with anybody: keys, addresses, a quick password hash."""

import os
import tempfile
from pathlib import Path

os.environ["DEBUG"] = "true"
os.environ.setdefault("PUBLIC_URL", "https://desk.example.com")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("ENCRYPTION_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
os.environ["WHATSAPP_BACKEND"] = "twilio"  # the settings keep the simulator from a public address
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")

from omnichannel.settings import *  # noqa: E402, F403

DEBUG = False
WHATSAPP_BACKEND = "simulator"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "desk.example.com"]
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):  # noqa: F405
    # The machine may be busy with other things; tests of the limits set their own.
    DATABASES["default"] |= {"STATEMENT_TIMEOUT": 120.0}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["connect_timeout"] = 30  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A real file, as in production: an in-memory database shares one connection between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.mkdtemp(prefix="omnichannel-")) / "test.sqlite3")}  # noqa: F405
    # As PostgreSQL here, it does not wait for the disk: while that stalls, a crowd outwaits the time-out of a lock.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
