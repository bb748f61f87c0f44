"""The head of an open conversation."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from omnichannel.conversations.models import Conversation
from omnichannel.desk.shared.times import iso_moment
from routing.models import Agent


@dataclass(frozen=True)
class Header:
    """The head of a conversation, as one agent sees it."""

    conversation: Conversation
    agent: Agent

    @property
    def version(self) -> str:
        """Changes whenever the head would look different."""
        conversation = self.conversation
        parts = [
            conversation.state,
            conversation.agent_id or "nobody",
            conversation.queue_id,
            conversation.contact.display_name,
            conversation.part or "",
            conversation.priority,
            iso_moment(conversation.snoozed_until) + self._snooze_mark,
            conversation.labelled or "",
        ]
        return " ".join(map(str, parts))

    @property
    def _snooze_mark(self) -> str:
        if self.conversation.snooze_is_over:
            return "!"
        return "z" if self.conversation.snoozed_at else ""

    @property
    def unread(self) -> int:
        """The number of messages that are new to the agent; a mention counts as one."""
        if self.conversation.has_mention:
            return 1
        return self.conversation.unread_count if self.conversation.agent_id == self.agent.pk else 0

    @property
    def snooze(self) -> str:
        """The end of the snooze in words; empty when the conversation is not snoozed."""
        if self.conversation.snooze_is_over:
            return _("snooze ended")
        if (until := self.conversation.snoozed_until) is not None:
            return _("snoozed until %(until)s") % {"until": date_format(timezone.localtime(until), _("D j M, H:i"))}
        return _("snoozed until the customer writes") if self.conversation.snoozed_at else ""
