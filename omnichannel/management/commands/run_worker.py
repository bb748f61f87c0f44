"""`manage.py run_worker`: run a background worker until it is asked to stop."""

import os
import signal
import sys
import threading
from typing import Any, Protocol

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from channels_whatsapp.webhooks.delivery_worker import STAND_IN_AFTER
from omnichannel.core.private_files import set_private_umask
from omnichannel.core.wakeups import Channel, start_listener, start_sender, stop_sender
from omnichannel.jobs.watchdog import Watchdog
from omnichannel.worker_jobs import create_delivery_worker, create_worker


class StoppableWorker(Protocol):
    """A worker that runs until it is asked to stop."""

    def stop(self) -> None: ...

    def run_forever(self) -> None: ...


def _stop_when_stdin_closes(worker: StoppableWorker) -> None:
    # Read the descriptor, not sys.stdin: a thread blocked in sys.stdin holds its lock, and Python would abort on exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    worker.stop()


class Command(BaseCommand):
    """Run a background worker."""

    help = "Run a worker that sends replies, fetches media and closes stale conversations, or one for webhooks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="Number of parallel jobs (default 8).")
        parser.add_argument(
            "--only", choices=["deliveries"], help="Only apply the webhook deliveries that the server has stored."
        )
        parser.add_argument("--until-stdin-closes", action="store_true", help="Stop when the parent process exits.")
        parser.add_argument("--heartbeat-fd", type=int, help="Pipe that receives a heartbeat byte every second.")

    def handle(
        self,
        *,
        threads: int,
        until_stdin_closes: bool,
        only: str | None = None,
        heartbeat_fd: int | None = None,
        **options: Any,
    ) -> None:
        set_private_umask()
        watchdog = Watchdog(settings.WORKER_HANG_TIMEOUT.total_seconds(), heartbeat_fd)
        start_sender()
        if only == "deliveries":
            self._run_applier(watchdog, until_stdin_closes)
        else:
            self._run_worker(watchdog, until_stdin_closes, threads)
        watchdog.cancel()
        stop_sender()

    def _run_applier(self, watchdog: Watchdog, until_stdin_closes: bool) -> None:
        applier = create_delivery_worker(send_heartbeat=watchdog.send_heartbeat)
        self._stop_on_signals(applier, until_stdin_closes)
        self._print_report(f"The delivery worker is running (process {os.getpid()}).")
        applier.run_forever()
        self._print_report("The delivery worker has stopped.")

    def _run_worker(self, watchdog: Watchdog, until_stdin_closes: bool, threads: int) -> None:
        worker = create_worker(threads, send_heartbeat=watchdog.send_heartbeat)
        self._stop_on_signals(worker, until_stdin_closes)
        stand_in = create_delivery_worker(STAND_IN_AFTER)
        stand_in.start_standing_in()
        self._print_report(f"The worker is running (process {os.getpid()}, {threads} threads).")
        listener = start_listener({Channel.LANES}, worker.wake)
        worker.run_forever()
        listener.stop()
        stand_in.stop_standing_in()
        self._print_report("The worker has stopped.")

    @staticmethod
    def _stop_on_signals(worker: StoppableWorker, until_stdin_closes: bool) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if until_stdin_closes:
            threading.Thread(target=_stop_when_stdin_closes, args=[worker], daemon=True).start()

    def _print_report(self, text: str) -> None:
        """Print at once: output to a file or pipe would otherwise be buffered until the end."""
        self.stdout.write(text)
        self.stdout.flush()
