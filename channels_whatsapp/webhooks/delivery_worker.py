"""The loop of the process that applies deliveries, and of the workers that stand in for it."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db import close_old_connections, connection

from channels_whatsapp.webhooks.applier import DeliveryApplier
from channels_whatsapp.webhooks.backlog import has_due_deliveries
from omnichannel.core.wakeups import Channel, start_listener

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.1  # a wake-up may be lost
REFUSED_SECONDS: Final = 0.025  # another process applies a batch at the moment
FAULT_SECONDS: Final = 0.5
# Ordinary workers apply what the process for it has left lying this long.
STAND_IN_AFTER: Final = timedelta(seconds=2)
STAND_IN_POLL_SECONDS: Final = 0.5
STAND_IN_STOP_SECONDS: Final = 5.0


class DeliveryWorker:
    """Applies deliveries until asked to stop. Any number may run at once."""

    def __init__(
        self,
        applier: DeliveryApplier,
        *,
        late_by: timedelta = timedelta(0),
        send_heartbeat: Callable[[], object] = lambda: None,
    ) -> None:
        """Create a worker.

        Args:
            applier: applies the deliveries.
            late_by: leave deliveries alone that are due since a shorter time.
            send_heartbeat: called while the loop runs.
        """
        self._applier, self._late_by, self._send_heartbeat = applier, late_by, send_heartbeat
        self._wakeup = threading.Event()
        self._stand_in = threading.Thread(target=self._run, args=[STAND_IN_POLL_SECONDS], daemon=True)
        # No threading.Event: a signal handler that sets it while the same thread waits for it can deadlock.
        self.stop_requested = False

    def stop(self) -> None:
        """Finish the current round, then return."""
        self.stop_requested = True

    def run_forever(self) -> None:
        """Apply deliveries as they come in, until `stop`."""
        listener = start_listener({Channel.DELIVERIES}, self._wakeup.set)
        try:
            self._run(POLL_SECONDS)
        finally:
            listener.stop()

    def start_standing_in(self) -> None:
        """Apply late deliveries in a thread of its own, until `stop_standing_in`."""
        self._stand_in.start()

    def stop_standing_in(self) -> None:
        """End the thread after its current round; wait a few seconds for that. Do not call it in a signal handler."""
        self.stop()
        self._wakeup.set()
        self._stand_in.join(STAND_IN_STOP_SECONDS)

    def _run(self, poll_seconds: float) -> None:
        while not self.stop_requested:
            self._send_heartbeat()
            # Cleared before the read: a wake-up during it leads to another one.
            self._wakeup.clear()
            try:
                pause = self._run_round(poll_seconds)
            except Exception:  # a database outage, or a fault of ours: the deliveries wait, and nothing else stops
                logger.exception("The deliveries could not be applied; trying again.")
                connection.close()
                pause = FAULT_SECONDS
            self._wakeup.wait(pause)
        connection.close()

    def _run_round(self, poll_seconds: float) -> float:
        """Apply what is due; return the seconds to wait unless there is a wake-up."""
        close_old_connections()
        if not has_due_deliveries(self._late_by):
            return poll_seconds
        begin = time.monotonic()
        result = self._applier.apply_due(self._late_by)
        if result.is_refused:
            return REFUSED_SECONDS
        if not result.attempt_count:
            return poll_seconds
        if not connection.features.has_select_for_update:
            # One connection can write at a time: let pages and webhooks have as long as the batch has taken.
            time.sleep(time.monotonic() - begin)
        return 0.0
