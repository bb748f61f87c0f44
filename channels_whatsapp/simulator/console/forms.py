"""The forms of the Twilio console: accounts, numbers and their webhook URLs."""

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError

from channels_whatsapp.simulator.addresses import NUMBER_PATTERN, strip_punctuation
from channels_whatsapp.simulator.callback_urls import MAX_LENGTH, is_callback_url
from channels_whatsapp.simulator.models import Account, Sender, new_account_sid, new_secret

if TYPE_CHECKING:  # Django's forms take no type parameters at run time
    SenderModelForm: TypeAlias = forms.ModelForm[Sender]
    AccountModelForm: TypeAlias = forms.ModelForm[Account]
else:
    SenderModelForm = AccountModelForm = forms.ModelForm

ACCOUNT_SID_PATTERN = re.compile(r"\AAC[0-9a-fA-F]{32}\Z")
AUTH_TOKEN_PATTERN = re.compile(r"\A[0-9a-fA-F]{32}\Z")
MESSAGING_SERVICE_SID_PATTERN = re.compile(r"\A(MG[0-9a-fA-F]{32})?\Z")
SENDER_STATUSES = ("ONLINE", "ONLINE:UPDATING", "OFFLINE")


class CallbackUrlField(forms.CharField):
    """A URL that Twilio calls, also one on this machine; may be empty."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.URLInput(attrs={"spellcheck": "false"})
        super().__init__(required=False, max_length=MAX_LENGTH, widget=widget, **kwargs)

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not is_callback_url(value):
            raise ValidationError("Enter a URL with http:// or https:// and a host name without underscores.")


class WebhooksForm(SenderModelForm):
    """The webhook URLs, the Messaging Service and the status of a number."""

    callback_url = CallbackUrlField(label="Webhook URL for incoming messages")
    status_callback_url = CallbackUrlField(label="Status callback URL")
    messaging_service_sid = forms.RegexField(
        MESSAGING_SERVICE_SID_PATTERN,
        label="Messaging Service SID",
        required=False,
        error_messages={"invalid": "Enter MG and 32 digits or letters from a to f, or nothing."},
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    status = forms.ChoiceField(label="Sender status", choices=[(name, name) for name in SENDER_STATUSES])

    class Meta:
        model = Sender
        fields = ["callback_url", "status_callback_url", "messaging_service_sid", "status"]


class AccountForm(AccountModelForm):
    """A new Twilio account; without SID and token it gets random ones."""

    sid = forms.RegexField(
        ACCOUNT_SID_PATTERN,
        label="Account SID",
        required=False,
        help_text="Leave SID and token empty for random ones.",
        error_messages={"invalid": "Enter AC and 32 digits or letters from a to f."},
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    auth_token = forms.RegexField(
        AUTH_TOKEN_PATTERN,
        label="Auth Token",
        required=False,
        error_messages={"invalid": "Enter 32 digits or letters from a to f."},
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )

    class Meta:
        model = Account
        fields = ["friendly_name", "sid", "auth_token", "linked_portfolios"]
        labels = {"friendly_name": "Account name", "linked_portfolios": "Linked portfolios"}
        help_texts = {"linked_portfolios": "Accounts with the same name here see the same parent ID of a customer."}

    def clean_sid(self) -> str:
        """Return the SID, a random one if none was typed."""
        sid = str(self.cleaned_data["sid"]) or new_account_sid()
        if Account.objects.filter(sid__iexact=sid).exists():
            raise ValidationError("There is an account with this SID.")
        return sid

    def clean_auth_token(self) -> str:
        """Return the token, a random one if none was typed."""
        return str(self.cleaned_data["auth_token"]) or new_secret()


class SenderForm(SenderModelForm):
    """A new number on WhatsApp."""

    class Meta:
        model = Sender
        fields = ["account", "number", "name"]
        labels = {"name": "Display name", "number": "Number"}

    def clean_number(self) -> str:
        """Return the number as + and digits, however it was typed."""
        number = "+" + strip_punctuation(self.cleaned_data["number"].strip()).removeprefix("+")
        if not NUMBER_PATTERN.match(number):
            raise ValidationError("Enter a number with country code.")
        return number

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        account, number = cleaned.get("account"), cleaned.get("number")
        if account and number and account.senders.filter(number=number).exists():
            self.add_error("number", "This account has this number already.")
        return cleaned
