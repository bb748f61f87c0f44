"""The forms of the customer's phone."""

import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from channels_whatsapp.simulator.addresses import (
    CUSTOMER_ADDRESS_PATTERN,
    WHATSAPP_PREFIX,
    add_whatsapp_prefix,
    strip_punctuation,
)
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Customer, FaultKind
from channels_whatsapp.simulator.statuses import ButtonKind

if TYPE_CHECKING:  # Django's forms take no type parameters at run time
    CustomerModelForm: TypeAlias = forms.ModelForm[Customer]
    Upload: TypeAlias = UploadedFile[Any]
else:
    CustomerModelForm = forms.ModelForm
    Upload = UploadedFile

MAX_FILE_SIZE = 16 * 1024 * 1024
CONTENT_TYPE_PATTERN = re.compile(r"\A[\w.+-]+/[\w.+-]+\Z")


class FilesInput(forms.ClearableFileInput):
    """A file input for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; an empty list if none was chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=FilesInput, required=False, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        return [super(FilesField, self).clean(file, initial) for file in data or []]


class CustomerMessageForm(forms.Form):
    """A form for something the customer can send.

    Attributes:
        form_name: End of its URL and beginning of the ids of its fields.
        title: Heading of its section under the text field; empty for the text itself.
        icon: Icon of the section, of `simulator/_icon.html`.
        submit_label: Label of its button.
    """

    form_name: ClassVar[str]
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    submit_label: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.form_name}_%s", **kwargs})

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`."""
        raise NotImplementedError


class TextMessageForm(CustomerMessageForm):
    """A text, files, or both; optionally a reply to a message, from an ad, or forwarded."""

    form_name = "text"

    text = forms.CharField(
        label="Message",
        max_length=4096,
        required=False,
        widget=forms.Textarea(attrs={"rows": 1, "placeholder": "Message", "autocomplete": "off"}),
    )
    attachments = FilesField(label="Attach files")
    reply_to = forms.IntegerField(required=False, widget=forms.HiddenInput)
    forwarded = forms.BooleanField(
        label="Forwarded", required=False, widget=forms.CheckboxInput(attrs={"form": "message-form"})
    )
    frequently_forwarded = forms.BooleanField(
        label="Forwarded many times", required=False, widget=forms.CheckboxInput(attrs={"form": "message-form"})
    )
    ad = forms.CharField(
        label="From an ad",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Ad headline", "form": "message-form"}),
    )
    ad_picture = forms.FileField(
        label="Picture of the ad",
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*", "form": "message-form"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("text", "").strip() and not cleaned.get("attachments"):
            raise ValidationError("Enter a message or choose a file.")
        picture = cleaned.get("ad_picture")
        if picture and not cleaned.get("ad"):
            raise ValidationError("Enter the headline of the ad.")
        if any(
            file.size > MAX_FILE_SIZE for file in [*cleaned.get("attachments", []), *([picture] if picture else [])]
        ):
            raise ValidationError("Files can be up to 16 MB.")
        return cleaned

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`, without the quoted message."""
        cleaned = self.cleaned_data
        return {
            "text": cleaned["text"],
            "attachments": [_build_attachment(file) for file in cleaned["attachments"]],
            "is_forwarded": cleaned["forwarded"],
            "is_frequently_forwarded": cleaned["frequently_forwarded"],
            "ad": self._build_ad(),
        }

    def _build_ad(self) -> inbound.Ad | None:
        headline, picture = self.cleaned_data["ad"], self.cleaned_data["ad_picture"]
        if not headline:
            return None
        return inbound.Ad(headline, body="Tap to chat with us", picture=_build_attachment(picture) if picture else None)


def _build_attachment(file: Upload) -> inbound.Attachment:
    declared_type = (file.content_type or "").lower()
    content_type = declared_type if CONTENT_TYPE_PATTERN.match(declared_type) else "application/octet-stream"
    return inbound.Attachment(file.name or "file", content_type, file.read())


class LocationForm(CustomerMessageForm):
    """A location to share."""

    form_name, title, icon, submit_label = "location", "Location", "location", "Share location"

    latitude = forms.DecimalField(min_value=-90, max_value=90, decimal_places=7, initial="52.5200066")
    longitude = forms.DecimalField(min_value=-180, max_value=180, decimal_places=7, initial="13.404954")
    label = forms.CharField(max_length=200, required=False)
    address = forms.CharField(max_length=300, required=False)

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`."""
        cleaned = self.cleaned_data
        latitude, longitude = str(cleaned["latitude"]), str(cleaned["longitude"])
        return {"location": inbound.SharedLocation(latitude, longitude, cleaned["label"], cleaned["address"])}


class ContactForm(CustomerMessageForm):
    """A contact to share."""

    form_name, title, icon, submit_label = "contact", "Contact", "person", "Share contact"

    name = forms.CharField(max_length=100)
    number = forms.CharField(max_length=40, label="Phone number")

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`."""
        return {"contact": inbound.ContactCard(self.cleaned_data["name"], (self.cleaned_data["number"],))}


class ButtonPressForm(CustomerMessageForm):
    """A button press, whether the desk offered the button or not."""

    form_name, title, icon, submit_label = "button_press", "Button", "button", "Press button"

    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            (ButtonKind.TEMPLATE.value, "Template button"),
            (ButtonKind.SESSION.value, "Reply button"),
            (ButtonKind.LIST_ITEM.value, "List item"),
        ],
    )
    text = forms.CharField(label="Button text", max_length=100)
    payload = forms.CharField(label="Payload or ID", max_length=256, required=False)

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`."""
        cleaned = self.cleaned_data
        return {"button_press": inbound.ButtonPress(cleaned["text"], cleaned["payload"], ButtonKind(cleaned["kind"]))}


class FlowForm(CustomerMessageForm):
    """The answers of a WhatsApp form ("flow"), whether the desk sent one or not."""

    form_name, title, icon, submit_label = "flow", "Form", "form", "Submit form"

    answers = forms.CharField(
        max_length=4096,
        help_text="One answer a line, as name: value.",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "size: Large"}),
    )

    def clean_answers(self) -> dict[str, str]:
        """Return the answers by their names."""
        lines = [line.partition(":") for line in str(self.cleaned_data["answers"]).splitlines() if line.strip()]
        if not all(name.strip() and colon for name, colon, _ in lines):
            raise ValidationError("Write each answer as name: value.")
        return {name.strip(): value.strip() for name, _, value in lines}

    def get_message_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for `inbound.receive_customer_message`."""
        return {"flow_answers": inbound.FlowAnswers(self.cleaned_data["answers"])}


MESSAGE_FORMS: dict[str, type[CustomerMessageForm]] = {
    form.form_name: form for form in (TextMessageForm, LocationForm, ContactForm, ButtonPressForm, FlowForm)
}


class CustomerForm(forms.Form):
    """A customer with WhatsApp: new, or found by the address."""

    name = forms.CharField(label="Name", max_length=100, required=False)
    address = forms.CharField(
        label="Number or business-scoped ID",
        max_length=160,
        widget=forms.TextInput(attrs={"placeholder": "+49 151 1234567 or US.1349…"}),
    )

    def clean_address(self) -> str:
        """Return the address of a typed number, or of an id such as US.13491208655302741918."""
        bare = str(self.cleaned_data["address"]).strip().removeprefix(WHATSAPP_PREFIX)
        address = WHATSAPP_PREFIX + (bare if bare[:1].isalpha() else strip_punctuation(bare))
        if not CUSTOMER_ADDRESS_PATTERN.match(address):
            raise ValidationError("Enter a number with + and country code, or an ID such as US.1349120865530274.")
        return address


class CustomerSettingsForm(CustomerModelForm):
    """The customer's name, username and business-scoped id, and how they read messages."""

    class Meta:
        model = Customer
        fields = ["name", "username", "external_user_id", "reads_immediately", "sends_read_receipts"]
        labels = {
            "name": "Profile name",
            "username": "Username",
            "external_user_id": "Business-scoped ID",
            "reads_immediately": "Reads messages after two seconds",
            "sends_read_receipts": "Sends read receipts",
        }
        help_texts = {
            "external_user_id": "Leave empty for the ID above. Another ID on the same number is another person.",
            "reads_immediately": "Otherwise messages are read when you open this chat.",
        }

    def clean_external_user_id(self) -> str:
        """Return the typed id with its channel; any text is sent as it is, also a malformed one."""
        return add_whatsapp_prefix(self.cleaned_data["external_user_id"])


class FaultsForm(forms.Form):
    """The faults switched on for one customer or for all."""

    kinds = forms.MultipleChoiceField(
        label="Faults", choices=FaultKind.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
