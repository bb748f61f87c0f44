"""The forms behind automated messages, opt-out words and quick replies."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms

from omnichannel.conversations.automated_messages.triggers import SLUG_PATTERN
from omnichannel.conversations.contacts.opt_out import normalize_word
from omnichannel.conversations.models import AutomatedMessage, MessageTrigger, OptOutWord, QuickReply, QuickReplyTag
from omnichannel.conversations.outbound.quick_replies import SLUG_DESCRIPTIONS as QUICK_REPLY_SLUGS
from omnichannel.conversations.outbound.quick_replies import QuickReplyError, parse_tag_names, validate_quick_reply
from omnichannel.core.languages import is_language_code
from routing.models import ContextVariable

if TYPE_CHECKING:
    AutomatedMessageModelForm: TypeAlias = forms.ModelForm[AutomatedMessage]
    OptOutWordModelForm: TypeAlias = forms.ModelForm[OptOutWord]
    QuickReplyModelForm: TypeAlias = forms.ModelForm[QuickReply]
else:
    AutomatedMessageModelForm = OptOutWordModelForm = QuickReplyModelForm = forms.ModelForm

SLUG_DESCRIPTIONS = {
    "AgentName": "the agent who has the conversation",
    "QueueName": "the queue it is in",
    "CustomerName": "the customer’s name",
    "Position": "how many are before them, and they: only for the position in the queue",
    "OpensAt": "when the number is open again",
}


class AutomatedMessageForm(AutomatedMessageModelForm):
    """A text for a trigger; slugs that do not exist are refused, instead of being left out when it is sent."""

    class Meta:
        model = AutomatedMessage
        fields = ("trigger", "work_stream", "language", "text", "is_active")
        widgets = {"text": forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"})}
        help_texts = {
            "text": "Slugs: "
            + "; ".join(f"{{{slug}}} {meaning}" for slug, meaning in SLUG_DESCRIPTIONS.items())
            + "; {$name$} the context variable of that name, for example {$order_number$}."
        }

    def clean_language(self) -> str:
        code: str = self.cleaned_data["language"].strip().replace("_", "-")
        if code and not is_language_code(code):
            raise forms.ValidationError("Enter a language code, as de or pt-BR, or leave this empty.")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        slugs = set(SLUG_PATTERN.findall(cleaned.get("text", "")))
        if unknown := sorted(slugs - set(SLUG_DESCRIPTIONS) - self._get_context_variable_names(cleaned)):
            self.add_error("text", f"There is no slug {{{unknown[0]}}}. {self.fields['text'].help_text}")
        elif "Position" in slugs and cleaned.get("trigger") != MessageTrigger.QUEUE_POSITION:
            self.add_error("text", "{Position} is known only for the customer's position in queue.")
        if "language" in cleaned and "trigger" in cleaned and self._is_duplicate(cleaned):
            self.add_error("language", "There is a text for this trigger, work stream and language already.")
        return cleaned

    def _get_context_variable_names(self, cleaned: dict[str, Any]) -> set[str]:
        """The context variables of the work stream; of any, for a text that is sent in all."""
        found = ContextVariable.objects.all()
        if cleaned.get("work_stream"):
            found = found.filter(work_stream=cleaned["work_stream"])
        return set(found.values_list("name", flat=True))

    def _is_duplicate(self, cleaned: dict[str, Any]) -> bool:
        same = AutomatedMessage.objects.filter(
            trigger=cleaned["trigger"], work_stream=cleaned.get("work_stream"), language__iexact=cleaned["language"]
        )
        return same.exclude(pk=self.instance.pk).exists()


class OptOutWordForm(OptOutWordModelForm):
    """A word as customers send it; upper case and punctuation do not matter."""

    class Meta:
        model = OptOutWord
        fields = ("word", "meaning")
        help_texts = {"word": "Counts only where it is the whole message. Upper case and punctuation do not matter."}

    def clean_word(self) -> str:
        word: str = self.cleaned_data["word"].strip()
        if not normalize_word(word):
            raise forms.ValidationError("Enter a word with letters or digits.")
        others = OptOutWord.objects.exclude(pk=self.instance.pk).values_list("word", flat=True)
        if normalize_word(word) in {normalize_word(other) for other in others}:
            raise forms.ValidationError("This word is in the list already.")
        return word


class QuickReplyForm(QuickReplyModelForm):
    """A text for everybody; slugs that do not exist are refused, instead of reaching a customer."""

    new_tags = forms.CharField(
        label="Add new tag",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField", "placeholder": "#returns, #warranty"}),
        help_text="Several with a comma between them. Agents find the reply by /q #tag.",
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
            "message": "Slugs: " + "; ".join(f"{slug} {meaning}" for slug, meaning in QUICK_REPLY_SLUGS.items()) + ".",
            "work_streams": "Where agents are offered it. None: in every work stream.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if {"title", "message", "locale"} <= set(cleaned):
            try:
                title, message, locale = validate_quick_reply(cleaned["title"], cleaned["message"], cleaned["locale"])
            except QuickReplyError as why:
                self.add_error(why.field, why.message)
            else:
                cleaned |= {"title": title, "message": message, "locale": locale}
                self._validate_unique_title(title, locale)
        return cleaned

    def _validate_unique_title(self, title: str, locale: str) -> None:
        same = QuickReply.objects.filter(owner=None, title=title, locale=locale).exclude(pk=self.instance.pk)
        if same.exists():
            self.add_error("title", "There is a quick reply of this title in this language already.")

    def clean_new_tags(self) -> list[str]:
        return parse_tag_names(self.cleaned_data["new_tags"])


class QuickReplyTagForm(forms.ModelForm):  # type: ignore[type-arg]
    """A tag without blanks, so that `/q #tag` can name it."""

    class Meta:
        model = QuickReplyTag
        fields = ("name",)

    def clean_name(self) -> str:
        names = parse_tag_names(self.cleaned_data["name"])
        if len(names) != 1:
            raise forms.ValidationError("Enter one tag.")
        if QuickReplyTag.objects.exclude(pk=self.instance.pk).filter(name__iexact=names[0]).exists():
            raise forms.ValidationError("This tag is there already.")
        return names[0]
