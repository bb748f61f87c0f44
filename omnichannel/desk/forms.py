"""What agents fill in."""

from django import forms

from routing.agents import presences_to_choose


class ReplyForm(forms.Form):
    """A reply: text, a file, or both. Its `public_id` makes the same form sent twice one message."""

    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True, max_length=400)
    public_id = forms.UUIDField(required=False)


class RenameForm(forms.Form):
    """The name the desk gives a contact; empty for the name they gave themselves."""

    name = forms.CharField(required=False, max_length=200)


class PresenceForm(forms.Form):
    """The presence an agent shows."""

    presence = forms.ModelChoiceField(queryset=presences_to_choose())
