"""Admin forms of automated messages, opt-out words and quick replies."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms

from omnichannel.conversations.automated_messages.triggers import SLUG_PATTERN
from omnichannel.conversations.contacts.opt_out import normalize_word
from omnichannel.conversations.models import AutomatedMessage, MessageTrigger, OptOutWord, QuickReply, QuickReplyTag
from omnichannel.conversations.outbound.quick_replies import PLACEHOLDERS as QUICK_REPLY_PLACEHOLDERS
from omnichannel.conversations.outbound.quick_replies import QuickReplyError, parse_tag_names, validate_quick_reply
from omnichannel.core.languages import is_language_code
from omnichannel.core.text.placeholders import Placeholder, placeholder_table_lazy
from routing.models import ContextVariable

if TYPE_CHECKING:
    AutomatedMessageModelForm: TypeAlias = forms.ModelForm[AutomatedMessage]
    OptOutWordModelForm: TypeAlias = forms.ModelForm[OptOutWord]
    QuickReplyModelForm: TypeAlias = forms.ModelForm[QuickReply]
else:
    AutomatedMessageModelForm = OptOutWordModelForm = QuickReplyModelForm = forms.ModelForm

AUTOMATED_MESSAGE_PLACEHOLDERS = (
    Placeholder("{AgentName}", "Agent assigned to the conversation", "Dana Kim"),
    Placeholder("{QueueName}", "Queue of the conversation", "Orders"),
    Placeholder("{CustomerName}", "Customer’s name", "Amara Diallo"),
    Placeholder("{Position}", "Customer’s position; only for the trigger Customer's position in queue", "3"),
    Placeholder("{OpensAt}", "When the number opens again", "Monday, 09:00"),
)
CONTEXT_VARIABLE_PLACEHOLDER = Placeholder(
    "{$order_number$}", "Value of the context variable with this name, here order_number", "2231"
)


class AutomatedMessageForm(AutomatedMessageModelForm):
    """Form for an automated message; refuses unknown slugs, which would be left out when it is sent."""

    class Meta:
        model = AutomatedMessage
        fields = ("trigger", "work_stream", "language", "text", "is_active")
        widgets = {"text": forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"})}
        help_texts = {"text": placeholder_table_lazy((*AUTOMATED_MESSAGE_PLACEHOLDERS, CONTEXT_VARIABLE_PLACEHOLDER))}

    def clean_language(self) -> str:
        code: str = self.cleaned_data["language"].strip().replace("_", "-")
        if code and not is_language_code(code):
            raise forms.ValidationError("Enter a language code, for example de or pt-BR, or leave empty.")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned_data = super().clean() or self.cleaned_data
        slugs = set(SLUG_PATTERN.findall(cleaned_data.get("text", "")))
        available = [placeholder.name for placeholder in AUTOMATED_MESSAGE_PLACEHOLDERS]
        variables = self._get_context_variable_names(cleaned_data)
        if unknown := sorted(slugs - {name.strip("{}") for name in available} - variables):
            available += [f"{{${name}$}}" for name in sorted(variables)]
            self.add_error("text", f"Unknown placeholder {{{unknown[0]}}}. Available: {', '.join(available)}.")
        elif "Position" in slugs and cleaned_data.get("trigger") != MessageTrigger.QUEUE_POSITION:
            self.add_error("text", "{Position} is only available for the trigger Customer's position in queue.")
        if "language" in cleaned_data and "trigger" in cleaned_data and self._is_duplicate(cleaned_data):
            self.add_error("language", "There is already a message for this trigger, work stream and language.")
        return cleaned_data

    def _get_context_variable_names(self, cleaned_data: dict[str, Any]) -> set[str]:
        """Return the names of the work stream's context variables; of all, when no work stream is chosen."""
        variables = ContextVariable.objects.all()
        if cleaned_data.get("work_stream"):
            variables = variables.filter(work_stream=cleaned_data["work_stream"])
        return set(variables.values_list("name", flat=True))

    def _is_duplicate(self, cleaned_data: dict[str, Any]) -> bool:
        duplicates = AutomatedMessage.objects.filter(
            trigger=cleaned_data["trigger"],
            work_stream=cleaned_data.get("work_stream"),
            language__iexact=cleaned_data["language"],
        )
        return duplicates.exclude(pk=self.instance.pk).exists()


class OptOutWordForm(OptOutWordModelForm):
    """Form for an opt-out word; refuses a word that equals another but for case and punctuation."""

    class Meta:
        model = OptOutWord
        fields = ("word", "meaning")
        help_texts = {"word": "Matches only if it is the whole message. Case and punctuation are ignored."}

    def clean_word(self) -> str:
        word: str = self.cleaned_data["word"].strip()
        if not normalize_word(word):
            raise forms.ValidationError("Enter a word with letters or digits.")
        others = OptOutWord.objects.exclude(pk=self.instance.pk).values_list("word", flat=True)
        if normalize_word(word) in {normalize_word(other) for other in others}:
            raise forms.ValidationError("This word is already in the list.")
        return word


class QuickReplyForm(QuickReplyModelForm):
    """Form for a shared quick reply; refuses unknown slugs, which would reach a customer."""

    new_tags = forms.CharField(
        label="Add new tag",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField", "placeholder": "#returns, #warranty"}),
        help_text="Separate with commas. Agents find the reply with /q #tag.",
    )

    class Meta:
        model = QuickReply
        fields = ("title", "locale", "message", "tags", "work_streams")
        labels = {"tags": "Edit Tags", "work_streams": "Work streams"}
        widgets = {
            "message": forms.Textarea(attrs={"rows": 6, "class": "vLargeTextField", "maxlength": 1600}),
            "tags": forms.CheckboxSelectMultiple,
            "work_streams": forms.CheckboxSelectMultiple,
        }
        help_texts = {
            "message": placeholder_table_lazy(QUICK_REPLY_PLACEHOLDERS),
            "work_streams": "Work streams where agents can use it. Leave empty for all.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned_data = super().clean() or self.cleaned_data
        if {"title", "message", "locale"} <= set(cleaned_data):
            try:
                title, message, locale = validate_quick_reply(
                    cleaned_data["title"], cleaned_data["message"], cleaned_data["locale"]
                )
            except QuickReplyError as error:
                self.add_error(error.field, error.message)
            else:
                cleaned_data |= {"title": title, "message": message, "locale": locale}
                self._validate_unique_title(title, locale)
        return cleaned_data

    def _validate_unique_title(self, title: str, locale: str) -> None:
        duplicates = QuickReply.objects.filter(owner=None, title=title, locale=locale).exclude(pk=self.instance.pk)
        if duplicates.exists():
            self.add_error("title", "A quick reply with this title in this language already exists.")

    def clean_new_tags(self) -> list[str]:
        return parse_tag_names(self.cleaned_data["new_tags"])


class QuickReplyTagForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form for a tag; replaces spaces, so that agents can type `/q #tag`."""

    class Meta:
        model = QuickReplyTag
        fields = ("name",)

    def clean_name(self) -> str:
        names = parse_tag_names(self.cleaned_data["name"])
        if len(names) != 1:
            raise forms.ValidationError("Enter one tag.")
        if QuickReplyTag.objects.exclude(pk=self.instance.pk).filter(name__iexact=names[0]).exists():
            raise forms.ValidationError("This tag already exists.")
        return names[0]
