"""The forms of the Twilio console: accounts, numbers and their webhook URLs."""

from typing import TYPE_CHECKING, TypeAlias

from django import forms
from django.core.exceptions import ValidationError

from channels_whatsapp.simulator.addresses import NUMBER_PATTERN, strip_punctuation
from channels_whatsapp.simulator.models import Account, Sender

if TYPE_CHECKING:  # Django's forms take no type parameters at run time
    SenderModelForm: TypeAlias = forms.ModelForm[Sender]
    AccountModelForm: TypeAlias = forms.ModelForm[Account]
else:
    SenderModelForm = AccountModelForm = forms.ModelForm


class WebhooksForm(SenderModelForm):
    """The webhook URLs and the status of a number."""

    class Meta:
        model = Sender
        fields = ["callback_url", "status_callback_url", "status"]
        labels = {
            "callback_url": "Webhook URL for incoming messages",
            "status_callback_url": "Status callback URL",
            "status": "Sender status",
        }
        widgets = {
            "callback_url": forms.URLInput(attrs={"spellcheck": "false"}),
            "status_callback_url": forms.URLInput(attrs={"spellcheck": "false"}),
            "status": forms.Select(choices=[(name, name) for name in ("ONLINE", "ONLINE:UPDATING", "OFFLINE")]),
        }


class AccountForm(AccountModelForm):
    """A new Twilio account."""

    class Meta:
        model = Account
        fields = ["friendly_name"]
        labels = {"friendly_name": "Account name"}


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
