"""Session engine: sessions that name their user and browser, and end after a time without activity.

Loading a session takes one query, as with Django's own engine.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from omnichannel.accounts.models import UserSession
from omnichannel.accounts.session_events import end_sessions


class EndReason(StrEnum):
    """Why the session of a browser is not valid any more."""

    IDLE = "idle"
    ENDED = "ended"  # by its user, by an administrator, by a new password, or because it is too old


def get_idle_limit() -> timedelta:
    """Return the time without activity after which a session ends."""
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


class SessionStore(DatabaseSessionStore):
    """Sessions in the table UserSession."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: UserSession | None = None  # as it was loaded
        self.end_reason: EndReason | None = None
        self.client: dict[str, Any] = {}  # address and user agent of the browser that signs in

    @classmethod
    def get_model_class(cls) -> Any:
        return UserSession

    def _get_session_from_db(self) -> Any:
        now = timezone.now()
        self.row = UserSession.objects.filter(session_key=self.session_key, expire_date__gt=now).first()
        if self.row is not None and self.row.last_seen_at > now - get_idle_limit():
            return self.row
        self.end_reason = EndReason.ENDED if self.row is None else EndReason.IDLE
        if self.row is not None:
            self.row.delete()
        self.row, self._session_key = None, None
        return None

    def save(self, must_create: bool = False) -> None:
        """Store the session; a new one takes over browser and sign-in time from the one it replaces."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        user_id = data.get(SESSION_KEY)
        values = {
            "session_data": self.encode(data),
            "expire_date": self.get_expiry_date(),
            "user_id": int(user_id) if user_id else None,
            **self.client,
        }
        if must_create:
            self._insert({"session_key": self.session_key, **values})
        elif not UserSession.objects.filter(session_key=self.session_key).update(**values):
            raise UpdateError

    def _insert(self, values: dict[str, Any]) -> None:
        if self.row is not None:
            copied = ("address", "user_agent", "signed_in_at")
            values = {name: getattr(self.row, name) for name in copied} | values
        try:
            with transaction.atomic():
                UserSession.objects.create(**values)
        except IntegrityError as error:
            raise CreateError from error

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session, and end the event streams of its browser."""
        key = session_key or self.session_key
        if key:
            end_sessions(UserSession.objects.filter(session_key=key))

    @classmethod
    def clear_expired(cls) -> None:
        """Delete sessions that are too old or idle."""
        UserSession.objects.filter(_is_over(timezone.now())).delete()


def _is_over(now: datetime) -> Q:
    return Q(expire_date__lte=now) | Q(last_seen_at__lte=now - get_idle_limit())
