"""Handlers and periodic jobs of the background worker.

Work due at a known time is a lane due at that time; periodic jobs are for work without one, and as safety nets.
"""

from collections.abc import Callable
from datetime import timedelta

from channels_whatsapp.message_templates.sync import SYNC_LANE, run_sync_lane, sync_all_accounts
from channels_whatsapp.webhooks.applier import DeliveryApplier
from channels_whatsapp.webhooks.delivery_worker import DeliveryWorker
from omnichannel.accounts.session_store import SessionStore
from omnichannel.conversations.assignment.classify import apply_waiting_time_overflow, run_route_lane
from omnichannel.conversations.assignment.dispatch import request_assignment_if_waiting, run_assign_lane
from omnichannel.conversations.assignment.former_agents import enqueue_former_agents, run_former_agent_lane
from omnichannel.conversations.assignment.offers import request_overdue_offer_check, run_offers_lane
from omnichannel.conversations.automated_messages.queue_position import send_queue_positions
from omnichannel.conversations.automated_messages.triggers import send_due_messages
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.inbound.batch import apply_batch
from omnichannel.conversations.inbound.media_download import fetch_attachment, mark_attachment_failed
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.lifecycle.snooze import run_snooze_lane
from omnichannel.conversations.outbound.delivery import check_overdue_statuses, deliver_messages
from omnichannel.conversations.outbound.typing_indicator import send_typing_indicator
from omnichannel.conversations.presence.disconnects import enqueue_missed_disconnects, run_disconnect_lane
from omnichannel.conversations.presence.sessions import update_presences
from omnichannel.conversations.presence.viewers import delete_stale_viewers
from omnichannel.events.retention import delete_old_events
from omnichannel.jobs.worker import LaneHandler, PeriodicJob, Worker


def create_applier(on_progress: Callable[[], object] = lambda: None) -> DeliveryApplier:
    """Return what applies webhook deliveries to the desk.

    Args:
        on_progress: called after each transaction.
    """
    return DeliveryApplier(apply_delivery, apply_batch, on_progress)


def create_delivery_worker(
    late_by: timedelta = timedelta(0), send_heartbeat: Callable[[], object] = lambda: None
) -> DeliveryWorker:
    """Return a worker that applies webhook deliveries and does nothing else.

    Args:
        late_by: leave deliveries alone that are due since a shorter time.
        send_heartbeat: called while the worker makes progress.
    """
    return DeliveryWorker(create_applier(send_heartbeat), late_by=late_by, send_heartbeat=send_heartbeat)


def create_worker(threads: int = 8, send_heartbeat: Callable[[], None] = lambda: None) -> Worker:
    """Return a worker with all handlers and periodic jobs of the product.

    Args:
        threads: number of threads for each kind of lane.
        send_heartbeat: called while the worker's loop makes progress.
    """
    return Worker(
        handlers={
            # Never given up: a reply's outcome must be settled, and the other lanes serve every conversation.
            LaneKind.SEND: LaneHandler(deliver_messages, limits_attempts=False),
            LaneKind.ASSIGN: LaneHandler(run_assign_lane, limits_attempts=False),
            LaneKind.OFFERS: LaneHandler(run_offers_lane, limits_attempts=False),
            LaneKind.MEDIA: LaneHandler(fetch_attachment, on_give_up=mark_attachment_failed),
            LaneKind.TYPING: LaneHandler(send_typing_indicator),
            LaneKind.AUTOMATE: LaneHandler(send_due_messages),
            LaneKind.ROUTE: LaneHandler(run_route_lane),
            LaneKind.SNOOZE: LaneHandler(run_snooze_lane),
            LaneKind.DISCONNECT: LaneHandler(run_disconnect_lane),
            LaneKind.FORMER_AGENT: LaneHandler(run_former_agent_lane),
            SYNC_LANE: LaneHandler(run_sync_lane),
        },
        periodic=[
            PeriodicJob("check overdue offers", timedelta(minutes=1), request_overdue_offer_check),
            PeriodicJob("request assignment", timedelta(seconds=30), request_assignment_if_waiting),
            PeriodicJob("apply waiting time overflow", timedelta(seconds=15), apply_waiting_time_overflow),
            PeriodicJob("check overdue statuses", timedelta(seconds=15), check_overdue_statuses),
            PeriodicJob("update presences", timedelta(seconds=20), update_presences),
            PeriodicJob("enqueue missed disconnects", timedelta(minutes=5), enqueue_missed_disconnects),
            PeriodicJob("enqueue former agents", timedelta(minutes=1), enqueue_former_agents),
            PeriodicJob("send queue positions", timedelta(seconds=10), send_queue_positions),
            PeriodicJob("close stale conversations", timedelta(minutes=1), close_stale_conversations),
            PeriodicJob("delete stale viewers", timedelta(minutes=10), delete_stale_viewers),
            PeriodicJob("delete old events", timedelta(minutes=10), delete_old_events),
            PeriodicJob("sync message templates", timedelta(hours=6), sync_all_accounts),
            PeriodicJob("delete expired sessions", timedelta(hours=12), SessionStore.clear_expired),
        ],
        threads=threads,
        send_heartbeat=send_heartbeat,
    )
