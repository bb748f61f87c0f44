"""Quick replies on a work stream's page."""

from typing import Any

from django import template
from django.db.models import Q

from omnichannel.conversations.models import QuickReply
from routing.models import WorkStream

register = template.Library()


@register.inclusion_tag("admin/conversations/_quick_replies.html")
def work_stream_quick_replies(stream: WorkStream, user: Any) -> dict[str, Any]:
    """The quick replies agents are offered in this work stream, for those who may look at them."""
    of_stream = Q(work_streams=None) | Q(work_streams=stream)
    found = QuickReply.objects.filter(of_stream, owner=None).distinct().prefetch_related("tags", "work_streams")
    return {
        "stream": stream,
        "quick_replies": found,
        "may_look": user.has_perm("conversations.view_quickreply"),
        "may_add": user.has_perm("conversations.add_quickreply"),
    }
