"""Data of the header of an open conversation."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from omnichannel.conversations.models import Conversation
from omnichannel.desk.shared.times import format_iso_time
from routing.models import Agent


@dataclass(frozen=True)
class ConversationHeader:
    """The header of a conversation, as one agent sees it."""

    conversation: Conversation
    agent: Agent

    @property
    def version(self) -> str:
        """Return a text that changes whenever the header would look different."""
        conversation = self.conversation
        parts = [
            conversation.state,
            conversation.agent_id or "nobody",
            conversation.queue_id,
            conversation.contact.display_name,
            conversation.participation_kind or "",
            conversation.priority,
            format_iso_time(conversation.snoozed_until) + self._snooze_mark,
            conversation.label_list or "",
        ]
        return " ".join(map(str, parts))

    @property
    def _snooze_mark(self) -> str:
        if self.conversation.snooze_is_over:
            return "!"
        return "z" if self.conversation.snoozed_at else ""

    @property
    def unread(self) -> int:
        """Return the number of messages that are new to the agent; an unread mention counts as one."""
        if self.conversation.has_unread_mention:
            return 1
        return self.conversation.unread_count if self.conversation.agent_id == self.agent.pk else 0

    @property
    def snooze(self) -> str:
        """Return until when it is snoozed; empty when it is not snoozed."""
        if self.conversation.snooze_is_over:
            return _("snooze ended")
        if (until := self.conversation.snoozed_until) is not None:
            return _("snoozed until %(until)s") % {"until": date_format(timezone.localtime(until), _("D j M, H:i"))}
        return _("snoozed until the customer replies") if self.conversation.snoozed_at else ""
