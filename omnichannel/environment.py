"""Read settings from the environment; a missing or malformed one stops the start."""

import contextlib
import os
import re
import secrets
import warnings
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from psycopg import Error
from psycopg.conninfo import make_conninfo

LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
# As Django's check security.W009 asks for.
MIN_SECRET_KEY_LENGTH = 50
MIN_SECRET_KEY_CHARACTERS = 5
INSECURE_KEY_PREFIX = "django-insecure-"
MAX_SETTING_FILE_BYTES = 64 * 1024


class SettingFileMapping(environ.FileAwareMapping):  # type: ignore[misc]
    """The environment, where a variable such as SECRET_KEY_FILE names a file that holds SECRET_KEY."""

    def __getitem__(self, key: str) -> str:
        """Return the value of a variable, or the text of its file without the newline at its end.

        Raises:
            KeyError: neither is set.
            ImproperlyConfigured: the file cannot be read.
        """
        path: str = self.env.get(f"{key}_FILE", "")
        return _read_setting_file(f"{key}_FILE", path) if path else str(self.env[key])


def _read_setting_file(name: str, path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_SETTING_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImproperlyConfigured(f"{name} names a file that cannot be read: {path} ({reason}).") from error
    try:
        if len(content) > MAX_SETTING_FILE_BYTES:
            raise ValueError
        return content.decode("utf-8-sig").rstrip("\r\n")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} names a file that is not a short text in UTF-8: {path}.") from error


class Environment(environ.FileAwareEnv):  # type: ignore[misc]
    """Settings from environment variables and from files, for secrets that are mounted as files."""

    ENVIRON = SettingFileMapping()


env = Environment()


def read_bool(name: str, *, default: bool) -> bool:
    """Return a boolean setting.

    Raises:
        ImproperlyConfigured: the value is none of the usual spellings of true and false.
    """
    value = env.str(name, default="").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def read_choice(name: str, choices: tuple[str, ...], *, default: str) -> str:
    """Return a setting that is one of `choices`.

    Raises:
        ImproperlyConfigured: the value is none of them.
    """
    value: str = env.str(name, default="") or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def read_required(name: str, *, reason: str) -> str:
    """Return the value of a required setting.

    Raises:
        ImproperlyConfigured: the value is missing or empty; the message includes `reason`.
    """
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {reason}")
    return value


def validate_secret_key(value: str) -> str:
    """Return the secret key unchanged.

    Raises:
        ImproperlyConfigured: it could be guessed, by the criteria of Django's check security.W009.
    """
    is_long = len(value) >= MIN_SECRET_KEY_LENGTH and len(set(value)) >= MIN_SECRET_KEY_CHARACTERS
    if not is_long or value.startswith(INSECURE_KEY_PREFIX):
        raise ImproperlyConfigured(
            f"SECRET_KEY is too weak. It must have at least {MIN_SECRET_KEY_LENGTH} characters, "
            f"{MIN_SECRET_KEY_CHARACTERS} of them different, and must not start with {INSECURE_KEY_PREFIX!r}. "
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    return value


def read_integer(name: str, *, default: int, minimum: int, maximum: int) -> int:
    """Return a setting that is a whole number within the limits.

    Raises:
        ImproperlyConfigured: the value is none.
    """
    text: str = env.str(name, default="").strip() or str(default)
    # Compare the length first: int() of a long text is slow, and refuses more than 4300 digits.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and minimum <= int(text) <= maximum):
        raise ImproperlyConfigured(f"{name} must be a whole number from {minimum} to {maximum}, not {text[:40]!r}.")
    return int(text)


def read_networks(name: str, *, default: str) -> list[str]:
    """Return the IP addresses and networks of a comma-separated setting.

    Raises:
        ImproperlyConfigured: an entry is none, or is every address: then anybody could pretend to be the proxy.
    """
    entries = [entry.strip() for entry in (env.str(name, default="").strip() or default).split(",")]
    try:
        networks = [ip_network(entry) for entry in entries]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be IP addresses or networks, separated by commas, such as 10.0.0.7,172.16.0.0/12: {error}."
        ) from error
    if any(network.prefixlen == 0 for network in networks):
        raise ImproperlyConfigured(f"{name} must not contain every address. Name the addresses of your proxies.")
    return [str(network) for network in networks]


def validate_folder(name: str, path: Path) -> Path:
    """Return the path of a folder, which need not exist yet, unchanged.

    Raises:
        ImproperlyConfigured: it is a file or lies in one.
    """
    try:
        existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} is not a path that can be used: {str(path)!r} ({error}).") from error
    if not existing.is_dir():
        raise ImproperlyConfigured(f"{name}: {existing} is a file, not a folder.")
    return path


def create_private_folder(name: str, path: Path) -> None:
    """Create the folder, for its owner only, unless it exists.

    Raises:
        ImproperlyConfigured: it cannot be created; the message names the setting.
    """
    try:
        validate_folder(name, path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: the folder {path} cannot be created ({error.strerror}).") from error


def read_database_config(default: str) -> dict[str, Any]:
    """Return Django's settings of the database that DATABASE_URL names.

    Raises:
        ImproperlyConfigured: the URL is malformed, or names a database that cannot be used.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning would show the password
            config: dict[str, Any] = env.db_url_config(env.str("DATABASE_URL", default="") or default)
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host/name.") from error
    _validate_database_config(config)
    return config


def _validate_database_config(config: dict[str, Any]) -> None:
    match config.get("ENGINE"):
        case "django.db.backends.sqlite3":
            _validate_sqlite_file(config["NAME"])
        case "django.db.backends.postgresql":
            if not config["NAME"]:
                raise ImproperlyConfigured("DATABASE_URL has no database name: postgres://user:password@host/name.")
            _validate_postgresql_options(config.get("OPTIONS", {}))
        case _:
            raise ImproperlyConfigured("DATABASE_URL must start with sqlite:/// or postgres://.")


def _validate_sqlite_file(name: str) -> None:
    if not name or name == ":memory:" or "\0" in name:
        raise ImproperlyConfigured("DATABASE_URL must name a file: sqlite:///path.")
    create_private_folder("DATABASE_URL", Path(name).parent)
    if Path(name).is_dir():
        raise ImproperlyConfigured(f"DATABASE_URL must name a file, but {name} is a folder.")


def _validate_postgresql_options(options: dict[str, Any]) -> None:
    try:
        make_conninfo(**options)
    except Error as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL has an option that PostgreSQL does not know: {str(error).strip()}."
        ) from error


def validate_direct_database_url(value: str) -> str:
    """Return the PostgreSQL URL; empty if there is none.

    Raises:
        ImproperlyConfigured: it is not a URL that PostgreSQL's client library reads.
    """
    try:
        is_valid = not value or (value.startswith(("postgres://", "postgresql://")) and bool(make_conninfo(value)))
    except Error:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured("DATABASE_DIRECT_URL must look like postgres://user:password@host/name.")
    return value


def validate_public_url(value: str) -> str:
    """Return the public URL without a trailing slash: scheme, host and optional port.

    Plain http is accepted for this machine only. Twilio refuses host names with an underscore.

    Raises:
        ImproperlyConfigured: the value is not such a URL.
    """
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 (reading it is the check)
    except ValueError as error:
        raise ImproperlyConfigured(f"PUBLIC_URL is not a URL: {error} in {value!r}.") from error
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", value):
        raise ImproperlyConfigured(f"PUBLIC_URL must look like https://desk.example.com, not {value!r}.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(f"PUBLIC_URL must be scheme, host and port only, not {value!r}.")
    if "_" in host:
        raise ImproperlyConfigured(f"PUBLIC_URL has an underscore in its host name, which Twilio rejects: {value!r}.")
    if parts.scheme != "https" and host not in LOOPBACK_HOSTS:
        raise ImproperlyConfigured(
            f"PUBLIC_URL must start with https:// unless it is this machine itself, not {value!r}."
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback_url(address: str) -> bool:
    """Return whether only this machine can reach the URL."""
    return (urlsplit(address).hostname or "") in LOOPBACK_HOSTS


def read_whatsapp_backend(public_address: str, *, default: str) -> str:
    """Return `twilio` or `simulator`.

    Raises:
        ImproperlyConfigured: the simulator would be reachable by others. It has no sign-in: anyone who opens its page
            can write to the desk as any customer.
    """
    backend = read_choice("WHATSAPP_BACKEND", ("twilio", "simulator"), default=default)
    if backend == "simulator" and not is_loopback_url(public_address):
        raise ImproperlyConfigured(
            f"WHATSAPP_BACKEND is simulator, but others can reach PUBLIC_URL ({public_address}), and the simulator "
            "lets anyone write as any customer. Set WHATSAPP_BACKEND=twilio, or use the simulator on this machine: "
            "PUBLIC_URL=http://127.0.0.1:8000."
        )
    return backend


def validate_fernet_keys(values: list[str]) -> list[str]:
    """Return the encryption keys unchanged. The first one encrypts; all of them decrypt.

    Raises:
        ImproperlyConfigured: a key is not a Fernet key (32 bytes in URL-safe base64), or there is none.
    """
    for value in values or [""]:
        try:
            Fernet(value)
        except ValueError as error:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS must be Fernet keys (32 bytes in URL-safe base64), separated by commas. "
                "`python -m omnichannel.generate_key` prints one."
            ) from error
    return values


def get_or_create_local_secret(path: Path, generate: Callable[[], str]) -> str:
    """Return a secret for local development, generated once and stored in a file only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(generate())
        with contextlib.suppress(FileExistsError):  # another process was faster: its secret is used
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
