"""A text field that is encrypted in the database."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.db import models

ENCRYPTED_PREFIX = "enc1:"


@lru_cache(maxsize=4)
def _build_cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def get_cipher() -> MultiFernet:
    """Return the cipher of `ENCRYPTION_KEYS`: the first key encrypts, all keys decrypt."""
    return _build_cipher(tuple(settings.ENCRYPTION_KEYS))


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text field encrypted with `ENCRYPTION_KEYS` before it reaches the database.

    An empty string stays empty. A value that no key decrypts raises ImproperlyConfigured rather than passing for text.
    The field can't be searched.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return ENCRYPTED_PREFIX + get_cipher().encrypt(value.encode()).decode("ascii") if value else value

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        if not value:
            return value
        try:
            return get_cipher().decrypt(value.removeprefix(ENCRYPTED_PREFIX)).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured(
                "A value in the database was encrypted with a key that is not in ENCRYPTION_KEYS."
            ) from error

    def value_to_string(self, obj: models.Model) -> str:
        """Return the encrypted value: exports stay encrypted, and importing them needs the same keys."""
        return str(self.get_prep_value(self.value_from_object(obj)) or "")

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(ENCRYPTED_PREFIX):
            return value
        try:
            return get_cipher().decrypt(value.removeprefix(ENCRYPTED_PREFIX)).decode()
        except InvalidToken as error:
            raise ValidationError("This was encrypted with a key that is not in ENCRYPTION_KEYS.") from error

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name in {"isnull"}:
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted: it can't be searched for.")
