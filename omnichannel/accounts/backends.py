"""Authentication backend that loads a user and all their permissions in one query.

Django's own backend queries the user, their own permissions and their groups' permissions separately per request.
"""

from typing import Any, ClassVar

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Concat

from omnichannel.accounts.models import User
from omnichannel.core.db import SEPARATOR, StringAgg


class PermissionCachingBackend(ModelBackend):
    """Load the signed-in user together with their permissions and the objects in `select_related_fields`."""

    select_related_fields: ClassVar[tuple[str, ...]] = ()

    def get_user(self, user_id: int) -> User | None:
        """Return the active user with this key, or None when the account is gone or inactive."""
        users = User.objects.select_related(*self.select_related_fields).annotate(
            permission_names=Subquery(_permission_names_subquery())
        )
        user = users.filter(pk=user_id, is_active=True).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:
            user._perm_cache = set(filter(None, (user.permission_names or "").split(SEPARATOR)))  # type: ignore[attr-defined]
        return user

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the user's permissions, direct and through groups; none for inactive or anonymous users."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            granted = Q() if user_obj.is_superuser else _granted_to_filter(user_obj)
            names = Permission.objects.filter(granted).order_by().values_list("content_type__app_label", "codename")
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in names}
        permissions: set[str] = user_obj._perm_cache
        return permissions


def _granted_to_filter(user: Any) -> Q:
    """Return the filter for permissions a user has directly or through a group."""
    return Q(user=user) | Q(group__user=user)


def _permission_names_subquery() -> Any:
    """Return a subquery with the names of a user's permissions, joined into one value."""
    permissions = Permission.objects.filter(_granted_to_filter(OuterRef("pk"))).order_by()
    name = Concat("content_type__app_label", Value("."), "codename", output_field=TextField())
    # Group all rows by a constant: the subquery must return one row.
    return permissions.annotate(group_key=Value(1)).values("group_key").annotate(names=StringAgg(name)).values("names")
