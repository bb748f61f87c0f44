"""Settings for tests: own keys and addresses, a fast password hasher."""

import os
import tempfile
from pathlib import Path

os.environ["DEBUG"] = "true"
os.environ.setdefault("PUBLIC_URL", "https://desk.example.com")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("ENCRYPTION_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
os.environ["WHATSAPP_BACKEND"] = "twilio"  # The settings refuse the simulator on a public address.
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
    # The machine may be busy with other work; tests of the limits set their own.
    DATABASES["default"] |= {"STATEMENT_TIMEOUT": 120.0}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["connect_timeout"] = 30  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in production: an in-memory database shares one connection between threads.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.mkdtemp(prefix="omnichannel-")) / "test.sqlite3")}  # noqa: F405
    # Do not wait for the disk, as in the PostgreSQL tests: a slow disk would cause lock timeouts.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
