"""Who may do what, asked once: Django asks for a person's own permissions and for their roles' one after the other."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q


class RolesBackend(ModelBackend):
    """Django's sign-in, with all permissions of a person in one query."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Their own permissions and those of their roles; none for who is switched off or not signed in."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            theirs = Q() if user_obj.is_superuser else Q(user=user_obj) | Q(group__user=user_obj)
            found = Permission.objects.filter(theirs).order_by().values_list("content_type__app_label", "codename")
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in found}
        permissions: set[str] = user_obj._perm_cache
        return permissions
