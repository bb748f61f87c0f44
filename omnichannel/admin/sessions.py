"""Admin page of sessions: who is signed in where, and a way to end it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from omnichannel.accounts.models import UserSession
from omnichannel.accounts.session_events import end_sessions
from omnichannel.core.admin.pages import ReadOnlyModelAdmin, format_timestamp

SECRET_FIELDS = ("session_key", "session_data")


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyModelAdmin):
    """Sessions of users; their keys are never shown, because whoever has a key is signed in."""

    empty_hint = "A session appears when somebody signs in."
    list_display = ("user", "browser", "address", "last_active", "signed_in")
    list_select_related = ("user",)
    fields = ("user", "browser", "address", "user_agent", "last_active", "signed_in")
    readonly_fields = ("browser", "last_active", "signed_in")
    search_fields = ("user__username", "user__first_name", "user__last_name", "address")
    search_help_text = "User or address"
    ordering = ("-last_seen_at",)
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserSession]:
        sessions: QuerySet[UserSession] = super().get_queryset(request).filter(user__isnull=False)
        return sessions.defer(*SECRET_FIELDS)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse filters in the URL by which a session key could be guessed character by character."""
        return not lookup.startswith(SECRET_FIELDS) and super().lookup_allowed(lookup, value, request)

    @admin.display(description="Last active", ordering="last_seen_at")
    def last_active(self, session: UserSession) -> str:
        return format_timestamp(session.last_seen_at)

    @admin.display(description="Signed in", ordering="signed_in_at")
    def signed_in(self, session: UserSession) -> str:
        return format_timestamp(session.signed_in_at)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_usersession")

    @admin.action(description="End sessions", permissions=["end"])
    def end(self, request: HttpRequest, sessions: QuerySet[UserSession]) -> None:
        self.log_deletions(request, sessions)
        count = end_sessions(UserSession.objects.filter(pk__in=list(sessions.values_list("pk", flat=True))))
        self.message_user(
            request, f"{count} {'session was' if count == 1 else 'sessions were'} ended.", messages.SUCCESS
        )
