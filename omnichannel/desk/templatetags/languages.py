"""Template tag for the choice of the customer's language."""

from collections.abc import Sequence

from django import template

from omnichannel.conversations.models import Contact
from omnichannel.core.languages import language_name
from omnichannel.desk.customer_panel.languages import language_choices

register = template.Library()


@register.simple_tag
def language_choices_for(contact: Contact) -> Sequence[tuple[str, str]]:
    """Return code and name of each language to choose from, always with the customer's own."""
    choices, current = language_choices(), contact.language
    is_listed = current in {code for code, _ in choices}
    return choices if is_listed else [*choices, (current, language_name(current))]
