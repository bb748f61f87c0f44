"""`manage.py run_worker`: run a background worker until it is asked to stop."""

import os
import signal
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from omnichannel.core.private_files import set_private_umask
from omnichannel.core.wakeups import Channel, start_listener, start_sender, stop_sender
from omnichannel.jobs.watchdog import Watchdog
from omnichannel.jobs.worker import Worker
from omnichannel.worker_jobs import create_worker


def _stop_when_stdin_closes(worker: Worker) -> None:
    # Read the descriptor, not sys.stdin: a thread blocked in sys.stdin holds its lock, and Python would abort on exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    worker.stop()


class Command(BaseCommand):
    """Run a background worker."""

    help = "Run a worker that sends replies, fetches media, retries webhooks and closes stale conversations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="Number of parallel jobs (default 8).")
        parser.add_argument("--until-stdin-closes", action="store_true", help="Stop when the parent process exits.")
        parser.add_argument("--heartbeat-fd", type=int, help="Pipe that receives a heartbeat byte every second.")

    def handle(
        self, *, threads: int, until_stdin_closes: bool, heartbeat_fd: int | None = None, **options: Any
    ) -> None:
        set_private_umask()
        watchdog = Watchdog(settings.WORKER_HANG_TIMEOUT.total_seconds(), heartbeat_fd)
        worker = create_worker(threads, send_heartbeat=watchdog.send_heartbeat)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        if until_stdin_closes:
            threading.Thread(target=_stop_when_stdin_closes, args=[worker], daemon=True).start()
        self._print_report(f"The worker is running (process {os.getpid()}, {threads} threads).")
        start_sender()
        listener = start_listener({Channel.LANES}, worker.wake)
        worker.run_forever()
        watchdog.cancel()
        listener.stop()
        stop_sender()
        self._print_report("The worker has stopped.")

    def _print_report(self, text: str) -> None:
        """Print at once: output to a file or pipe would otherwise be buffered until the end."""
        self.stdout.write(text)
        self.stdout.flush()
