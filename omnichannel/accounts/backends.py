"""Who somebody is and what they may do, asked once.

Django asks for the person, for their own permissions and for their roles' one after the other, on every request.
"""

from typing import Any, ClassVar

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import OuterRef, Q, Subquery, TextField, Value
from django.db.models.functions import Concat

from omnichannel.accounts.models import User
from omnichannel.core.db import SEPARATOR, StringAgg


class PermissionCachingBackend(ModelBackend):
    """Django's sign-in; the person comes with all permissions, and with what is known `along` with them."""

    select_related_fields: ClassVar[tuple[str, ...]] = ()

    def get_user(self, user_id: int) -> User | None:
        """Who is signed in; None for somebody who is no longer there, or switched off."""
        people = User.objects.select_related(*self.select_related_fields).annotate(
            permission_names=Subquery(_permission_names_subquery())
        )
        user = people.filter(pk=user_id, is_active=True).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:
            user._perm_cache = set(filter(None, (user.permission_names or "").split(SEPARATOR)))  # type: ignore[attr-defined]
        return user

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Their own permissions and those of their roles; none for who is switched off or not signed in."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            theirs = Q() if user_obj.is_superuser else _granted_to_filter(user_obj)
            found = Permission.objects.filter(theirs).order_by().values_list("content_type__app_label", "codename")
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in found}
        permissions: set[str] = user_obj._perm_cache
        return permissions


def _granted_to_filter(person: Any) -> Q:
    """The permissions a person has by themselves or by their roles."""
    return Q(user=person) | Q(group__user=person)


def _permission_names_subquery() -> Any:
    """The names of a person's permissions, in one value."""
    theirs = Permission.objects.filter(_granted_to_filter(OuterRef("pk"))).order_by()
    name = Concat("content_type__app_label", Value("."), "codename", output_field=TextField())
    # One group for all that is found: nothing else may stand beside an aggregate.
    return theirs.annotate(one=Value(1)).values("one").annotate(names=StringAgg(name)).values("names")
