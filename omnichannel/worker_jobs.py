"""What the worker does: the verbs handed to its loop.

What has a moment of its own is a lane that is due at that moment; periodic jobs are for what has none, and rare nets.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.sessions.backends.db import SessionStore

from channels_whatsapp.deliveries import RETRY_LANE, next_retry, retry_failed, retry_if_due
from channels_whatsapp.template_sync import SYNC_LANE, sync_all, sync_in_lane
from omnichannel.conversations.assignment.classify import overflow_waiting, route_conversation
from omnichannel.conversations.assignment.dispatch import assign_waiting_conversations, look_regularly
from omnichannel.conversations.assignment.offers import end_offers, end_offers_that_are_over
from omnichannel.conversations.automated_messages.queue_position import tell_positions
from omnichannel.conversations.automated_messages.triggers import speak
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.inbound.media_download import fetch_attachment, give_up_attachment
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_stale
from omnichannel.conversations.lifecycle.snooze import end_snooze
from omnichannel.conversations.outbound.delivery import ask_about_silent_messages, deliver_messages
from omnichannel.conversations.outbound.typing_indicator import tell_customer
from omnichannel.conversations.presence.disconnects import look_for_the_gone, pass_on
from omnichannel.conversations.presence.sessions import keep_attendance
from omnichannel.conversations.presence.viewers import forget_who_looked
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.worker import LaneHandler, PeriodicJob, Worker
from omnichannel.live.publish import forget_old_events


def retry_deliveries(lease: Lease) -> datetime | None:
    """Try failed webhook deliveries again; says when the next one is due."""
    retry_failed(apply_delivery)
    return next_retry()


def make_worker(threads: int = 8, beat: Callable[[], None] = lambda: None) -> Worker:
    """Return a worker that does everything this product does in the background."""
    return Worker(
        handlers={
            # Never given up: a reply's outcome must be settled, and these lanes serve everybody.
            LaneKind.SEND: LaneHandler(deliver_messages, gives_up=False),
            LaneKind.ASSIGN: LaneHandler(assign_waiting_conversations, gives_up=False),
            LaneKind.OFFERS: LaneHandler(end_offers, gives_up=False),
            RETRY_LANE: LaneHandler(retry_deliveries, gives_up=False),
            LaneKind.MEDIA: LaneHandler(fetch_attachment, on_give_up=give_up_attachment),
            LaneKind.TYPING: LaneHandler(tell_customer),
            LaneKind.AUTOMATE: LaneHandler(speak),
            LaneKind.ROUTE: LaneHandler(route_conversation),
            LaneKind.SNOOZE: LaneHandler(end_snooze),
            LaneKind.DISCONNECT: LaneHandler(pass_on),
            SYNC_LANE: LaneHandler(sync_in_lane),
        },
        periodic=[
            PeriodicJob("end offers that ran out", timedelta(minutes=1), end_offers_that_are_over),
            PeriodicJob("look for agents", timedelta(seconds=30), look_regularly),
            PeriodicJob("overflow from queues", timedelta(seconds=15), overflow_waiting),
            PeriodicJob("retry failed webhook deliveries", timedelta(minutes=1), retry_if_due),
            PeriodicJob("ask about silent messages", timedelta(seconds=15), ask_about_silent_messages),
            PeriodicJob("keep attendance", timedelta(seconds=20), keep_attendance),
            PeriodicJob("look for the gone", timedelta(minutes=5), look_for_the_gone),
            PeriodicJob("tell positions", timedelta(seconds=10), tell_positions),
            PeriodicJob("close stale conversations", timedelta(minutes=1), close_stale),
            PeriodicJob("forget who looked", timedelta(minutes=10), forget_who_looked),
            PeriodicJob("forget old live events", timedelta(minutes=10), forget_old_events),
            PeriodicJob("sync message templates", timedelta(hours=6), sync_all),
            PeriodicJob("forget expired sessions", timedelta(hours=12), SessionStore.clear_expired),
        ],
        threads=threads,
        beat=beat,
    )
