"""Search in the administration's lists by names, usernames and numbers of contacts."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from channels_whatsapp.identity import WHATSAPP_PREFIX
from omnichannel.conversations.search.contacts import MAX_CONTACTS, find_contacts
from omnichannel.core.time_limited_queries import QueryTimeoutError

MIN_DIGITS: Final = 3


def filter_by_contact(request: HttpRequest, rows: QuerySet[Any], field: str, search_term: str) -> QuerySet[Any]:
    """Return the rows whose contact a search finds; all without a search term.

    A warning on the page says that not all were searched.

    Args:
        request: the request for the list.
        rows: contacts, or rows with a contact.
        field: the name of their field with the contact's key.
        search_term: what the user has typed.
    """
    if not search_term.strip():
        return rows
    try:
        keys = find_contacts(search_term.strip().removeprefix(WHATSAPP_PREFIX), min_digits=MIN_DIGITS)
    except QueryTimeoutError:
        messages.warning(request, "The search took too long. Narrow your search, or try again.")
        return rows.none()
    if len(keys) == MAX_CONTACTS:
        messages.warning(request, f"Only the newest {MAX_CONTACTS:,} contacts with it are shown. Narrow your search.")
    return rows.filter(**{f"{field}__in": keys})
