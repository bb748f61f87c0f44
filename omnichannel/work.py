"""What the worker does: the verbs handed to its loop."""

from datetime import timedelta

from django.contrib.sessions.backends.db import SessionStore

from channels_whatsapp.deliveries import retry_failed
from channels_whatsapp.template_sync import SYNC_LANE, sync_all, sync_in_lane
from omnichannel.conversations.attendance import keep_attendance
from omnichannel.conversations.automation import AUTOMATE_LANE, speak
from omnichannel.conversations.being_routed import ROUTE_LANE
from omnichannel.conversations.classification import overflow_waiting, route_conversation
from omnichannel.conversations.closing import close_stale
from omnichannel.conversations.disconnects import DISCONNECT_LANE, look_for_the_gone, pass_on
from omnichannel.conversations.distribution import ASSIGN_LANE, assign_waiting_conversations, look_regularly
from omnichannel.conversations.inbound import MEDIA_LANE
from omnichannel.conversations.media import fetch_attachment
from omnichannel.conversations.offers import expire
from omnichannel.conversations.positions import tell_positions
from omnichannel.conversations.replies import SEND_LANE
from omnichannel.conversations.sending import ask_about_silent_messages, deliver_messages
from omnichannel.conversations.viewing import forget_who_looked
from omnichannel.conversations.snoozing import SNOOZE_LANE, end_snooze
from omnichannel.conversations.webhooks import apply_delivery
from omnichannel.jobs.worker import PeriodicJob, Worker
from omnichannel.live.publish import forget_old_events


def retry_deliveries() -> int:
    """Try failed webhook deliveries again."""
    return retry_failed(apply_delivery)


def make_worker(threads: int = 8) -> Worker:
    """A worker that does everything this product does in the background."""
    return Worker(
        handlers={
            SEND_LANE: deliver_messages,
            MEDIA_LANE: fetch_attachment,
            AUTOMATE_LANE: speak,
            ROUTE_LANE: route_conversation,
            ASSIGN_LANE: assign_waiting_conversations,
            SNOOZE_LANE: end_snooze,
            DISCONNECT_LANE: pass_on,
            SYNC_LANE: sync_in_lane,
        },
        periodic=[
            PeriodicJob("end offers that ran out", timedelta(seconds=1), expire),
            PeriodicJob("look for agents", timedelta(seconds=5), look_regularly),
            PeriodicJob("overflow from queues", timedelta(seconds=15), overflow_waiting),
            PeriodicJob("retry failed webhook deliveries", timedelta(seconds=2), retry_deliveries),
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
    )
