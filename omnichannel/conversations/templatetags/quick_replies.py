"""Template tag for the quick replies on a work stream's admin page."""

from typing import Any

from django import template
from django.db.models import Q

from omnichannel.conversations.models import QuickReply
from routing.models import WorkStream

register = template.Library()


@register.inclusion_tag("admin/conversations/_quick_replies.html")
def work_stream_quick_replies(stream: WorkStream, user: Any) -> dict[str, Any]:
    """Render the quick replies that agents can use in this work stream."""
    is_offered = Q(work_streams=None) | Q(work_streams=stream)
    quick_replies = (
        QuickReply.objects.filter(is_offered, owner=None).distinct().prefetch_related("tags", "work_streams")
    )
    return {
        "stream": stream,
        "quick_replies": quick_replies,
        "can_view": user.has_perm("conversations.view_quickreply"),
        "can_add": user.has_perm("conversations.add_quickreply"),
    }
