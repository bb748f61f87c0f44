"""Admin pages of users and roles."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from omnichannel.accounts.models import User
from omnichannel.auth import apply_roles
from omnichannel.core.admin.pages import ProductModelAdmin, ReadOnlyModelAdmin, format_timestamp
from omnichannel.roles import ADMINISTRATOR, AGENT, PERMISSIONS_BY_ROLE, SUPERVISOR

if TYPE_CHECKING:
    RolesFieldBase: TypeAlias = forms.ModelMultipleChoiceField[Group]
    UserCreationBase: TypeAlias = BaseUserCreationForm[User]
    UserModelForm: TypeAlias = forms.ModelForm[User]
    PasswordFormBase: TypeAlias = AdminPasswordChangeForm[User]
    UserAdminBase: TypeAlias = UserAdmin[User]
else:
    RolesFieldBase = forms.ModelMultipleChoiceField
    UserCreationBase, UserModelForm = BaseUserCreationForm, forms.ModelForm
    PasswordFormBase, UserAdminBase = AdminPasswordChangeForm, UserAdmin

ROLE_DESCRIPTIONS = {
    ADMINISTRATOR: "Sets up channels, work distribution and people.",
    SUPERVISOR: "Sees every conversation; sets agents' capacity, presence and queues.",
    AGENT: "Replies to customers at the desk.",
}


ROLE_HINT = "Roles and their permissions come with the product and can't be changed here."


class RolesField(RolesFieldBase):
    """Check boxes for the roles, each with its description."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Group.objects.filter(name__in=PERMISSIONS_BY_ROLE),
            label="Roles",
            widget=forms.CheckboxSelectMultiple,
            **kwargs,
        )

    def label_from_instance(self, obj: Group) -> str:
        return format_html("<strong>{}</strong> {}", obj.name, ROLE_DESCRIPTIONS.get(obj.name, ""))


class NewUserForm(UserCreationBase):
    """Form for a new user."""

    groups = RolesField()

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "groups")
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # An error in another field must not clear what was typed twice. Pages of the admin are never cached.
        for name in ("password1", "password2"):
            self.fields[name].widget.render_value = True


class UserForm(UserModelForm):
    """Form for an existing user."""

    groups = RolesField(required=False)

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "groups", "is_active", "is_superuser")
        help_texts = {
            "username": "Letters, digits and @ . + - _",
            "is_active": "Clear this to prevent the user from signing in. Their conversations return to the queue.",
            "is_superuser": "Has all permissions. Only superusers can create superusers.",
        }


class RequiredPasswordForm(PasswordFormBase):
    """Form for a new password, without Django's option to disable password sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        for field in self.fields.values():
            field.required = True


@admin.register(User)
class UserAccountAdmin(ProductModelAdmin, UserAdminBase):
    """Admin of users. Only superusers can create or change superusers."""

    empty_hint = "Add a user for each person who signs in."
    form = UserForm
    add_form_template = None
    add_form = NewUserForm
    change_password_form = RequiredPasswordForm
    change_user_password_template = "admin/accounts/password_change.html"  # noqa: S105 (a template)
    list_display = ("username", "display_name", "roles", "state", "last_sign_in")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = "Name or email address"
    readonly_fields = ("set_password", "last_sign_in", "member_since", "session_link")
    PERSONAL_FIELDS = ("first_name", "last_name", "email")
    add_fieldsets = (
        ("Sign-in", {"fields": ("username", "password1", "password2")}),
        ("Personal details", {"fields": PERSONAL_FIELDS}),
        ("Roles", {"fields": ("groups",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        superuser = ("is_superuser",) if request.user.is_superuser else ()
        sign_in = ("username", "set_password", "is_active", "last_sign_in", "member_since", "session_link")
        return (
            ("Sign-in", {"fields": sign_in}),
            ("Personal details", {"fields": self.PERSONAL_FIELDS}),
            ("Roles", {"fields": ("groups", *superuser)}),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Make a user's own roles and access read-only, so that nobody locks themselves out."""
        own_access = ("groups", "is_active", "is_superuser") if obj is not None and obj == request.user else ()
        return (*self.readonly_fields, *own_access)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._can_edit_user(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._can_edit_user(request, obj) and obj != request.user

    def _can_edit_user(self, request: HttpRequest, user: Any) -> bool:
        return user is None or bool(request.user.is_superuser) or not user.is_superuser

    def _deactivate_url(self, request: HttpRequest, instance: Any) -> str:
        return "" if instance == request.user else super()._deactivate_url(request, instance)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        apply_roles(form.instance)

    def get_page_title(self, instance: User | None) -> str:
        return instance.display_name if instance else ""

    @admin.display(description="Password")
    def set_password(self, user: User) -> SafeString:
        return format_html('<a href="{}">Change password</a>', "../password/")

    @admin.display(description="Sessions")
    def session_link(self, user: User) -> SafeString:
        address = reverse("admin:accounts_usersession_changelist")
        return format_html('<a href="{}?user__id__exact={}">View or end sessions</a>', address, user.pk)

    @admin.display(description="Last sign-in", ordering="last_login")
    def last_sign_in(self, user: User) -> str:
        return format_timestamp(user.last_login)

    @admin.display(description="Created", ordering="date_joined")
    def member_since(self, user: User) -> str:
        return format_timestamp(user.date_joined)

    @admin.display(description="Name", ordering="first_name")
    def display_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        names = [group.name for group in user.groups.all()]
        return ", ".join(["Superuser", *names] if user.is_superuser else names)


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(ReadOnlyModelAdmin):
    """Read-only admin of roles and their permissions, which every `migrate` sets again."""

    empty_hint = "Roles are set up by “manage.py migrate”."
    list_display = ("name", "description", "member_count")
    ordering = ("name",)
    fields = ("name", "description", "permission_list")
    readonly_fields = ("description", "permission_list")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request).annotate(user_count=Count("user"))
        return groups

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": "Roles", **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, {**context, "hint": ROLE_HINT}, *args, **kwargs)

    @admin.display(description="Description")
    def description(self, group: Group) -> str:
        return ROLE_DESCRIPTIONS.get(group.name, "")

    @admin.display(description="Users", ordering="user_count")
    def member_count(self, group: Any) -> int:
        return int(group.user_count)

    @admin.display(description="Permissions")
    def permission_list(self, group: Group) -> SafeString:
        names = group.permissions.order_by("content_type__app_label", "codename").values_list("name")
        return format_html('<ul class="plain">{}</ul>', format_html_join("", "<li>{}</li>", names))
