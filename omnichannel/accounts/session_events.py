"""End sessions, and with them the event streams of their browsers."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_save
from django.dispatch import receiver

from omnichannel.accounts.models import User, UserSession
from omnichannel.events.publish import publish_many
from omnichannel.live.topics import SESSION_KIND, user_topic


def end_sessions(sessions: QuerySet[UserSession]) -> int:
    """Delete these sessions; their open pages are sent to the sign-in page. Return the number of sessions."""
    with transaction.atomic():
        user_ids = {user_id for user_id in sessions.order_by().values_list("user_id", flat=True) if user_id}
        count, _ = sessions.delete()
        # Every stream of these users checks its own session at once.
        publish_many(SESSION_KIND, [(user_id, [user_topic(user_id)]) for user_id in sorted(user_ids)])
    return count


@receiver(post_save, sender=User)
def end_sessions_after_change(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    """End the sessions of a user who has a new password or was deactivated, whoever changed it."""
    # Django clears _password after this signal; it is not set when a password is only hashed anew.
    has_new_password = getattr(instance, "_password", None) is not None
    if not created and not raw and (has_new_password or not instance.is_active):
        end_sessions(UserSession.objects.filter(user=instance))
