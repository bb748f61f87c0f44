"""What the worker does: the verbs handed to its loop.

What has a moment of its own is a lane that is due at that moment; periodic jobs are for what has none, and rare nets.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.sessions.backends.db import SessionStore

from channels_whatsapp.deliveries import RETRY_LANE, next_retry, retry_failed, retry_if_due
from channels_whatsapp.template_sync import SYNC_LANE, sync_all, sync_in_lane
from omnichannel.conversations.attendance import keep_attendance
from omnichannel.conversations.automation import AUTOMATE_LANE, speak
from omnichannel.conversations.being_routed import ROUTE_LANE
from omnichannel.conversations.classification import overflow_waiting, route_conversation
from omnichannel.conversations.closing import close_stale
from omnichannel.conversations.disconnects import DISCONNECT_LANE, look_for_the_gone, pass_on
from omnichannel.conversations.distribution import (
    ASSIGN_LANE,
    OFFERS_LANE,
    assign_waiting_conversations,
    look_regularly,
)
from omnichannel.conversations.inbound import MEDIA_LANE
from omnichannel.conversations.media import fetch_attachment, give_up_attachment
from omnichannel.conversations.offers import end_offers, end_offers_that_are_over
from omnichannel.conversations.positions import tell_positions
from omnichannel.conversations.replies import SEND_LANE
from omnichannel.conversations.sending import ask_about_silent_messages, deliver_messages
from omnichannel.conversations.snoozing import SNOOZE_LANE, end_snooze
from omnichannel.conversations.typing_indicator import TYPING_LANE, tell_customer
from omnichannel.conversations.viewing import forget_who_looked
from omnichannel.conversations.webhooks import apply_delivery
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
            SEND_LANE: LaneHandler(deliver_messages, gives_up=False),
            ASSIGN_LANE: LaneHandler(assign_waiting_conversations, gives_up=False),
            OFFERS_LANE: LaneHandler(end_offers, gives_up=False),
            RETRY_LANE: LaneHandler(retry_deliveries, gives_up=False),
            MEDIA_LANE: LaneHandler(fetch_attachment, on_give_up=give_up_attachment),
            TYPING_LANE: LaneHandler(tell_customer),
            AUTOMATE_LANE: LaneHandler(speak),
            ROUTE_LANE: LaneHandler(route_conversation),
            SNOOZE_LANE: LaneHandler(end_snooze),
            DISCONNECT_LANE: LaneHandler(pass_on),
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
