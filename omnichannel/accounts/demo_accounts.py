"""Demonstration accounts. Their password is public, so a public server refuses it."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.hashers import check_password, make_password
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import Error
from django.utils.translation import gettext as _

if TYPE_CHECKING:  # the app configuration imports this module before models are loaded
    from django.contrib.auth.base_user import AbstractBaseUser

DEMO_PASSWORD = "omnichannel-demo"  # noqa: S105 (public: printed at every start)
DEMO_USERNAMES = frozenset({"admin", "sofia", "dana", "omar"})


@lru_cache(maxsize=1024)
def is_demo_password_hash(encoded: str) -> bool:
    """Return whether a password hash is that of the demonstration password; cached, for hashing is slow."""
    return check_password(DEMO_PASSWORD, encoded)


def is_disabled_demo_account(user: "AbstractBaseUser") -> bool:
    """Return whether this is a demonstration account that must not be used on this server."""
    # Compare the name first: this runs on every request, and hashing is slow.
    return not settings.DEMO_ALLOWED and user.get_username() in DEMO_USERNAMES and is_demo_password_hash(user.password)


def is_disabled_demo_password(password: str | None) -> bool:
    """Return whether this is the demonstration password on a server that refuses it for every account."""
    return password == DEMO_PASSWORD and not settings.DEMO_ALLOWED


def is_disabled_demo_sign_in(username: str, password: str) -> bool:
    """Return whether the credentials are valid but refused because they are a demonstration account's."""
    if not is_disabled_demo_password(password):
        return False
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        # Hash here too, and without the cache below: response time must not reveal which names exist.
        make_password(DEMO_PASSWORD)
        return False
    return check_password(DEMO_PASSWORD, user.password)


def get_active_demo_usernames() -> list[str]:
    """Return the names of active demonstration accounts that still have the demonstration password."""
    users = get_user_model().objects.filter(username__in=DEMO_USERNAMES, is_active=True).order_by("pk")
    return [user.username for user in users if is_demo_password_hash(user.password)]


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Refuse common passwords and, on a public server, the demonstration password."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a common or public password."""
        if is_disabled_demo_password(password.strip().lower()):
            raise ValidationError(
                _("This is the public demo password. Choose another one."),
                code="password_too_common",
            )
        super().validate(password, user)


def check_demo_accounts(**kwargs: Any) -> list[checks.CheckMessage]:
    """Report active demonstration accounts in `manage.py check --deploy`."""
    try:
        names = ", ".join(get_active_demo_usernames())
    except Error:  # the database does not exist yet
        return []
    if not names:
        return []
    return [
        checks.Error(
            f"These accounts still use the public demo password: {names}.",
            hint="Public servers reject this password. Deactivate them under People > Users, or set another password: "
            "manage.py changepassword NAME.",
            id="omnichannel.E001",
        )
    ]
