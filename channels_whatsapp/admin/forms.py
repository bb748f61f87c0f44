"""The admin forms of WhatsApp accounts and their numbers."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.utils import formats, timezone

from channels_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppNumber,
    validate_account_sid,
    validate_auth_token,
    validate_messaging_service_sid,
)

if TYPE_CHECKING:
    AccountModelForm: TypeAlias = forms.ModelForm[WhatsAppAccount]
    NumberModelForm: TypeAlias = forms.ModelForm[WhatsAppNumber]
else:
    AccountModelForm = NumberModelForm = forms.ModelForm

TOKEN_FIELDS = ("auth_token", "secondary_auth_token")


class SecretInput(forms.PasswordInput):
    """An input that takes a secret, never shows it, and asks browsers not to fill it in or save it."""

    def __init__(self) -> None:
        super().__init__(
            attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}, render_value=False
        )


def _build_secret_field(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=SecretInput(), validators=[validate_auth_token])


class WhatsAppAccountForm(AccountModelForm):
    """An account whose tokens can be written but not read: an empty token keeps the stored one."""

    # No maxlength: the browser would truncate a pasted value that starts with a space.
    account_sid = forms.CharField(
        label="Account SID",
        widget=forms.TextInput(attrs={"class": "vTextField mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Starts with AC. Find it in the Twilio Console under Account info.",
    )
    auth_token = _build_secret_field("Auth Token")
    secondary_auth_token = _build_secret_field("Secondary Auth Token")
    remove_secondary_auth_token = forms.BooleanField(label="Remove the secondary token", required=False)
    messaging_service_sid = forms.CharField(
        label="Messaging Service SID",
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Only if your senders belong to a Messaging Service. Starts with MG.",
    )

    class Meta:
        model = WhatsAppAccount
        fields = ("name", "account_sid", *TOKEN_FIELDS, "messaging_service_sid", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for token in TOKEN_FIELDS:
            self.initial.pop(token, None)
        if "auth_token" in self.fields:  # users with view permission only get no fields
            self._set_token_help_texts()

    def _set_token_help_texts(self) -> None:
        token, secondary = self.fields["auth_token"], self.fields["secondary_auth_token"]
        token.required = not self.instance.auth_token
        if token.required:
            token.help_text = (
                "Find it in the Twilio Console under Account info. Stored encrypted and never shown again."
            )
        else:
            token.help_text = f"{self._describe_token_age()} Leave empty to keep it."
        secondary.help_text = (
            "A secondary token is set. Leave empty to keep it."
            if self.instance.secondary_auth_token
            else "For rotating the Auth Token. Webhooks signed with either token are accepted."
        )

    def _describe_token_age(self) -> str:
        set_at = self.instance.auth_token_set_at
        if set_at is None:
            return "A token is set."
        time_text = formats.date_format(timezone.localtime(set_at), "j F Y, H:i")
        return f"Set on {time_text} {timezone.get_current_timezone_name()}."

    def clean_account_sid(self) -> str:
        sid: str = self.cleaned_data["account_sid"]
        validate_account_sid(sid)
        other_accounts = WhatsAppAccount.objects.exclude(pk=self.instance.pk).filter(account_sid__iexact=sid)
        if account := other_accounts.first():
            raise forms.ValidationError(
                "Another WhatsApp channel already uses this Account SID: %(name)s.", params={"name": account.name}
            )
        return sid

    def clean_messaging_service_sid(self) -> str:
        sid: str = self.cleaned_data["messaging_service_sid"]
        if sid:
            validate_messaging_service_sid(sid)
        return sid

    def clean_auth_token(self) -> str:
        return str(self.cleaned_data["auth_token"] or self.instance.auth_token)

    def clean_secondary_auth_token(self) -> str:
        return str(self.cleaned_data["secondary_auth_token"] or self.instance.secondary_auth_token)

    def save(self, commit: bool = True) -> WhatsAppAccount:
        if "auth_token" in self.changed_data:
            self.instance.auth_token_set_at = timezone.now()
            self.instance.credentials_rejected_at = None
        if self.cleaned_data.get("remove_secondary_auth_token") and "secondary_auth_token" not in self.changed_data:
            self.instance.secondary_auth_token = ""
        return super().save(commit)


class WhatsAppNumberForm(NumberModelForm):
    """A number as people write it, with or without `+`, spaces or `whatsapp:`."""

    class Meta:
        model = WhatsAppNumber
        fields = (
            "name",
            "account",
            "number",
            "work_stream",
            "operating_hours",
            "customers_may_attach",
            "agents_may_attach",
            "shows_typing_indicator",
            "is_active",
        )
        widgets = {"number": forms.TextInput(attrs={"class": "vTextField", "inputmode": "tel", "autocomplete": "off"})}
