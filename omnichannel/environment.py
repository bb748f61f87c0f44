"""Read settings from the environment; a missing or malformed one stops the start."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# FileAwareEnv also reads variables such as SECRET_KEY_FILE, for secrets mounted as files.
env = environ.FileAwareEnv()

LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}


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
        ImproperlyConfigured: a key is not a Fernet key (32 bytes in URL-safe base64).
    """
    for value in values:
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
