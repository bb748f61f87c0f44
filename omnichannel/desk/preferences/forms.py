"""Forms of the agents' own preferences: appearance, language and behavior of the desk."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import Theme, User
from omnichannel.conversations.models import DeskPreferences

if TYPE_CHECKING:
    UserModelForm: TypeAlias = forms.ModelForm[User]
    PreferencesModelForm: TypeAlias = forms.ModelForm[DeskPreferences]
else:
    UserModelForm = PreferencesModelForm = forms.ModelForm

ENTER, CTRL_ENTER = "enter", "ctrl_enter"


class AppearanceForm(UserModelForm):
    """The theme and the language of every page."""

    theme = forms.ChoiceField(
        label=_("Theme"),
        widget=forms.RadioSelect,
        choices=[
            (Theme.SYSTEM, _("Match system")),
            (Theme.LIGHT, _("Light")),
            (Theme.DARK, _("Dark")),
        ],
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Match browser")), *settings.LANGUAGES]
    )

    class Meta:
        model = User
        fields = ["theme", "language"]


class DeskPreferencesForm(PreferencesModelForm):
    """The behavior of the desk: sending, sounds, notifications and shortcuts."""

    send_key = forms.ChoiceField(
        label=_("Send with"),
        widget=forms.RadioSelect,
        choices=[
            (ENTER, _("Enter (Shift+Enter for a new line)")),
            (CTRL_ENTER, _("Ctrl+Enter (Enter for a new line)")),
        ],
    )

    class Meta:
        model = DeskPreferences
        fields = ["can_undo_sending", "plays_sounds", "shows_notifications", "uses_shortcuts"]
        labels = {
            "can_undo_sending": _("Undo send"),
            "plays_sounds": _("Play a sound"),
            "shows_notifications": _("Show notifications"),
            "uses_shortcuts": _("Single-key shortcuts"),
        }
        help_texts = {
            "can_undo_sending": _("Messages are sent after three seconds."),
            "plays_sounds": _("When a customer writes or a conversation is offered."),
            "shows_notifications": _("When the desk is in the background. Your browser asks for permission first."),
            "uses_shortcuts": _("R to reply, E to end, and so on. Press ? to see all."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["send_key"].initial = ENTER if self.instance.enter_sends else CTRL_ENTER

    def save(self, commit: bool = True) -> DeskPreferences:
        """Save the preferences; the send key is stored as `enter_sends`."""
        self.instance.enter_sends = self.cleaned_data["send_key"] == ENTER
        return super().save(commit)
