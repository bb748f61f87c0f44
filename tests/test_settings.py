"""Settings are read from the environment; a missing or malformed one stops the start with a clear message."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from omnichannel import environment

ROOT = Path(__file__).parent.parent
ENCRYPTION_KEY = Fernet.generate_key().decode()
REQUIRED_ENVIRONMENT = {
    "SECRET_KEY": "a-long-random-text-" + "0123456789abcdef" * 4,
    "ENCRYPTION_KEYS": ENCRYPTION_KEY,
    "PUBLIC_URL": "https://desk.example.com",
    "LOG_LEVEL": "WARNING",
}
PROJECT_VARIABLES = {
    *REQUIRED_ENVIRONMENT,
    "DEBUG",
    "DATABASE_URL",
    "DATABASE_DIRECT_URL",
    "WHATSAPP_BACKEND",
    "MEDIA_ROOT",
    "TRUSTED_PROXIES",
    "SESSION_IDLE_MINUTES",
    "EVENT_RETENTION_DAYS",
    "DJANGO_SETTINGS_MODULE",
}


def run_manage_py(*command: str, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """Run manage.py in a process with only these settings."""
    inherited = {name: value for name, value in os.environ.items() if name not in PROJECT_VARIABLES}
    environment = {name: value for name, value in {**REQUIRED_ENVIRONMENT, **changed}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "manage.py", *(command or ("check",))],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_check_deploy_is_clean_without_debug(tmp_path: Path) -> None:
    outcome = run_manage_py(
        "check", "--deploy", "--fail-level", "DEBUG", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3"
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL"])
@pytest.mark.parametrize("value", [None, ""])
def test_without_debug_a_missing_setting_stops_the_start_and_is_named(name: str, value: str | None) -> None:
    outcome = run_manage_py(**{name: value})
    assert outcome.returncode != 0
    assert f"{name} is not set" in outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "error_text"),
    [
        ("DEBUG", "perhaps", "DEBUG must be true or false, not 'perhaps'"),
        ("ENCRYPTION_KEYS", "secret", "ENCRYPTION_KEYS must be Fernet keys"),
        ("PUBLIC_URL", "desk.example.com", "PUBLIC_URL must look like https://desk.example.com"),
        ("PUBLIC_URL", "http://desk.example.com", "PUBLIC_URL must start with https://"),
        ("WHATSAPP_BACKEND", "carrier-pigeon", "WHATSAPP_BACKEND must be one of"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be one of"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must start with"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL must"),
        ("DATABASE_URL", "postgres://x:notaport/y", "DATABASE_URL must"),
        ("DATABASE_URL", "postgres://user:hidden@host", "DATABASE_URL has no database name"),
        ("DATABASE_URL", "postgres://host/name?color=red", "DATABASE_URL has an option that PostgreSQL does not know"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL must name a file"),
        ("DATABASE_URL", "sqlite:////", "DATABASE_URL must name a file"),
        ("DATABASE_URL", "sqlite:////etc/passwd/desk", "DATABASE_URL: /etc/passwd is a file, not a folder"),
        ("DATABASE_URL", "sqlite:////proc/none/desk", "DATABASE_URL: the folder /proc/none cannot be created"),
        ("DATABASE_DIRECT_URL", "sqlite:///x", "DATABASE_DIRECT_URL must look like postgres://"),
        ("MEDIA_ROOT", "/etc/passwd", "MEDIA_ROOT: /etc/passwd is a file, not a folder"),
        ("ENCRYPTION_KEYS", ",", "ENCRYPTION_KEYS must be Fernet keys"),
        ("TRUSTED_PROXIES", "proxy", "TRUSTED_PROXIES must be IP addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "TRUSTED_PROXIES must be IP addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1,", "TRUSTED_PROXIES must be IP addresses or networks"),
        ("TRUSTED_PROXIES", "*", "TRUSTED_PROXIES must be IP addresses or networks"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES must not contain every address"),
        ("SESSION_IDLE_MINUTES", "soon", "SESSION_IDLE_MINUTES must be a whole number from 5 to 20160"),
        ("SESSION_IDLE_MINUTES", "0", "SESSION_IDLE_MINUTES must be a whole number from 5 to 20160"),
        ("SESSION_IDLE_MINUTES", "1e3", "SESSION_IDLE_MINUTES must be a whole number from 5 to 20160"),
        ("SESSION_IDLE_MINUTES", "9" * 5000, "SESSION_IDLE_MINUTES must be a whole number from 5 to 20160"),
        ("SECRET_KEY", "abc", "SECRET_KEY is too weak. It must have at least 50 characters"),
        ("SECRET_KEY", "abcd" * 20, "SECRET_KEY is too weak"),
        ("SECRET_KEY", "django-insecure-" + "0123456789abcdef" * 4, "SECRET_KEY is too weak"),
        ("SECRET_KEY_FILE", "/nope", "SECRET_KEY_FILE names a file that cannot be read: /nope"),
        ("DEBUG_FILE", "/etc", "DEBUG_FILE names a file that cannot be read: /etc (Is a directory)"),
        ("PUBLIC_URL_FILE", sys.executable, "PUBLIC_URL_FILE names a file that is not a short text"),
    ],
)
def test_a_malformed_setting_stops_the_start_with_a_clear_message(name: str, value: str, error_text: str) -> None:
    outcome = run_manage_py(**{name: value})
    assert outcome.returncode != 0
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(f"Omnichannel can't start: {error_text}")


@pytest.mark.slow
def test_a_weak_secret_key_is_accepted_on_this_machine_only() -> None:
    local = run_manage_py(DEBUG="true", SECRET_KEY="abc", PUBLIC_URL="http://127.0.0.1:8000")
    public = run_manage_py(DEBUG="true", SECRET_KEY="abc")
    assert (local.returncode, "secrets.token_urlsafe(50)" in public.stderr) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "database", "error_text"),
    [
        (("--port", "99999"), "sqlite:///{folder}/none.sqlite3", "--port must be a number from 1 to 65535"),
        ((), "sqlite:///{folder}/notes.txt", "The database cannot be used. Check DATABASE_URL."),
        ((), "postgres://127.0.0.1:1/none", "The database cannot be used. Check DATABASE_URL."),
    ],
)
def test_a_server_that_cannot_start_says_why_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], database: str, error_text: str
) -> None:
    (tmp_path / "notes.txt").write_text("No database, and not ours: it stays as it is. " * 20)
    (tmp_path / "notes.txt").chmod(0o644)
    outcome = run_manage_py("serve", "--no-worker", *arguments, DATABASE_URL=database.format(folder=tmp_path))
    assert outcome.returncode != 0
    assert error_text in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (tmp_path / "notes.txt").stat().st_mode & 0o777 == 0o644


def test_every_setting_has_a_row_in_the_readme() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == PROJECT_VARIABLES - {"DJANGO_SETTINGS_MODULE"}


@pytest.mark.slow
def test_the_simulator_is_off_without_debug_unless_switched_on_by_name() -> None:
    show = "from django.conf import settings as s; print(s.WHATSAPP_BACKEND, s.DEMO_ALLOWED)"
    local_settings = {"PUBLIC_URL": "http://127.0.0.1:8000"}
    assert run_manage_py("shell", "-c", show, "--no-imports").stdout.strip() == "twilio False"
    assert run_manage_py("shell", "-c", show, "--no-imports", **local_settings).stdout.strip() == "twilio False"
    by_name = run_manage_py("shell", "-c", show, "--no-imports", **local_settings, WHATSAPP_BACKEND="simulator")
    assert by_name.stdout.strip() == "simulator True"


@pytest.mark.slow
@pytest.mark.parametrize("debug", ["true", "false"])
def test_the_simulator_does_not_start_where_others_can_reach_it(debug: str) -> None:
    outcome = run_manage_py(WHATSAPP_BACKEND="simulator", DEBUG=debug)
    assert outcome.returncode != 0
    assert "Omnichannel can't start: WHATSAPP_BACKEND is simulator, but others can reach PUBLIC_URL" in outcome.stderr
    assert "Set WHATSAPP_BACKEND=twilio" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.slow
def test_public_url_decides_hosts_cookies_and_transport() -> None:
    show = (
        "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS,"
        " s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0)"
    )
    outcome = run_manage_py("shell", "-c", show, "--no-imports")
    assert outcome.stdout.strip() == "['desk.example.com'] ['https://desk.example.com'] True True True True"


@pytest.mark.slow
def test_with_debug_nothing_needs_to_be_set(tmp_path: Path) -> None:
    nothing = dict.fromkeys(REQUIRED_ENVIRONMENT)
    outcome = run_manage_py(**nothing, DEBUG="true", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3")
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.slow
def test_a_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{ENCRYPTION_KEY}\n")
    outcome = run_manage_py(ENCRYPTION_KEYS=None, ENCRYPTION_KEYS_FILE=str(tmp_path / "keys"))
    assert outcome.returncode == 0, outcome.stderr


# -- The rules of PUBLIC_URL -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://desk.example.com", "https://desk.example.com"),
        ("https://desk.example.com/", "https://desk.example.com"),
        ("https://desk.example.com:8443", "https://desk.example.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_public_url_is_kept_without_its_slash(url: str, expected: str) -> None:
    assert environment.validate_public_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "desk.example.com",
        "ftp://desk.example.com",
        "https://",
        "https:///path",
        "https://desk.example.com/path",
        "https://desk.example.com?x=1",
        "https://desk.example.com#x",
        "https://user:secret@desk.example.com",
        "https://desk.example.com:port",
        "https://desk.example.com:99999",
        "https://my_desk.example.com",
        "https://[::1",
        "https://desk example.com",
        "http://desk.example.com",
    ],
)
def test_invalid_public_url_is_refused_with_a_message(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        environment.validate_public_url(url)


@pytest.mark.parametrize(("value", "means"), [("true", True), ("1", True), ("Off", False), ("no", False), ("", True)])
def test_flags_are_read_in_their_usual_spellings(monkeypatch: pytest.MonkeyPatch, value: str, means: bool) -> None:
    monkeypatch.setenv("A_FLAG", value)
    assert environment.read_bool("A_FLAG", default=True) is means


def test_a_local_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret"
    secret = environment.get_or_create_local_secret(path, lambda: "first")
    second_secret = environment.get_or_create_local_secret(path, lambda: "second")
    assert (secret, second_secret, path.stat().st_mode & 0o777) == ("first", "first", 0o600)
    assert [file.name for file in path.parent.iterdir()] == ["secret"]
