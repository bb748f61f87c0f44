"""`python -m tests.benchmarks.size`: what a desk of a million conversations costs against a small one, as JSON.

Both desks have as many open conversations; see `tests.benchmarks.large_desk`. Each figure is the time on the large desk
divided by that on the small one, measured in turns in one process; of several times the shortest counts, because other
work on the machine only adds to it. The database is SQLite (200,000
conversations), or PostgreSQL in the cluster that TEST_DATABASE_URL names (1,000,000).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.models import Conversation
from routing.models import Queue
from tests.benchmarks.large_desk import DeskSize, fill_desk, print_report

SMALL: Final = 20_000
REPETITIONS, ROUNDS = 4, 3
ONE_QUEUE, ALL_QUEUES, SUPERVISOR, ADMINISTRATOR = "large0", "large1", "large supervisor", "large administrator"
Task = Callable[["Desk"], object]


class Desk:
    """A filled database, and clients of its users."""

    def __init__(self, name: str, size: DeskSize) -> None:
        self.name, self.size, self.clients = name, size, dict[str, Client]()
        self.connection = connections.create_connection("default")
        self.connection.settings_dict = {**self.connection.settings_dict, "NAME": name}

    @contextmanager
    def use(self) -> Iterator[None]:
        """Make this database the default one."""
        before, connections["default"] = connections["default"], self.connection
        try:
            yield
        finally:
            connections["default"] = before

    def prepare(self) -> None:
        """Fill the database unless it is filled, and sign its users in."""
        call_command("migrate", verbosity=0)
        if not Conversation.objects.exists():
            print_report(f"a desk of {self.size.conversations:,} conversations")
            fill_desk(self.size, report=lambda text: None)
        administrator, _ = User.objects.get_or_create(
            username=ADMINISTRATOR, defaults={"is_superuser": True, "is_staff": True}
        )
        for username in (ONE_QUEUE, ALL_QUEUES, SUPERVISOR, administrator.username):
            self.clients[username] = Client()
            self.clients[username].force_login(User.objects.get(username=username))
        agents = {name: User.objects.get(username=name).agent for name in (ONE_QUEUE, ALL_QUEUES)}
        mine = Conversation.objects.unclosed().order_by("pk").filter(state="active")
        self.own = {name: mine.filter(agent=agent).values_list("pk", flat=True)[0] for name, agent in agents.items()}
        self.queue = Queue.objects.get(name="Queue 0").pk

    def get(self, username: str, path: str) -> None:
        answer = self.clients[username].get(path, secure=True)
        assert answer.status_code == 200, (path, answer.status_code)


def page(username: str, path: str) -> Task:
    """Return a task that loads a page; `{own}` is an active conversation of the user, `{queue}` a queue."""
    return lambda desk: desk.get(username, path.format(own=desk.own.get(username), queue=desk.queue))


def assign(desk: Desk) -> None:
    """Run the assignment, and undo it."""
    with transaction.atomic():
        offer_waiting_conversations(timezone.now(), limit=20)
        transaction.set_rollback(True)


def close_stale(desk: Desk) -> None:
    with transaction.atomic():
        close_stale_conversations()
        transaction.set_rollback(True)


SORTS: Final = ("newest", "waiting", "window", "priority", "created", "customer")
FILTERS: Final = ("queue={queue}", "unread=1", "closing_soon=1", "priority=1")
TASKS: Final[dict[str, Task]] = {
    **{
        f"inbox, {view} ({label})": page(username, f"/desk/?view={view}&sort=newest")
        for username, label in ((ONE_QUEUE, "one queue"), (ALL_QUEUES, "all queues"), (SUPERVISOR, "supervisor"))
        for view in ("my", "open", "ongoing", "closed")
        if view != "ongoing" or username == SUPERVISOR
    },
    **{f"inbox, open by {sort}": page(SUPERVISOR, f"/desk/?view=open&sort={sort}") for sort in SORTS[1:]},
    **{f"inbox, ongoing by {sort}": page(SUPERVISOR, f"/desk/?view=ongoing&sort={sort}") for sort in SORTS[1:]},
    **{
        f"inbox, closed by {sort}": page(ALL_QUEUES, f"/desk/?view=closed&sort={sort}&include_older=1")
        for sort in SORTS
    },
    **{
        f"inbox, {view}, {query.partition('=')[0]}": page(SUPERVISOR, f"/desk/?view={view}&sort=newest&{query}{older}")
        for view, older in (("ongoing", ""), ("closed", "&include_older=1"))
        for query in FILTERS
    },
    "conversation": page(ONE_QUEUE, "/desk/conversations/{own}/"),
    "conversation (supervisor)": page(SUPERVISOR, "/desk/conversations/5/"),
    "customer panel": page(ONE_QUEUE, "/desk/conversations/{own}/customer-details/"),
    "previous conversations": page(ONE_QUEUE, "/desk/conversations/{own}/previous-conversations/"),
    "admin, conversations": page(ADMINISTRATOR, "/admin/conversations/conversation/"),
    "admin, active conversations": page(ADMINISTRATOR, "/admin/conversations/conversation/?state__exact=active"),
    "admin, contacts": page(ADMINISTRATOR, "/admin/conversations/contact/"),
    "admin, deliveries": page(ADMINISTRATOR, "/admin/channels_whatsapp/webhookdelivery/"),
    "assignment of 20": assign,
    "closing stale ones": close_stale,
}


def measure(task: Task, desks: list[Desk]) -> list[float]:
    """Return the shortest time on each desk in seconds, measured in turns."""
    durations: list[list[float]] = [[] for _ in desks]
    for _ in range(ROUNDS):
        for desk, times in zip(desks, durations, strict=True):
            with desk.use():
                task(desk)  # not counted: it fills the caches of the processor
                for _ in range(REPETITIONS):
                    begin = time.perf_counter()
                    task(desk)
                    times.append(time.perf_counter() - begin)
    return [min(times) for times in durations]


def create_desks(conversations: int, names: tuple[str, str]) -> list[Desk]:
    desks = [Desk(name, DeskSize(count)) for name, count in zip(names, (SMALL, conversations), strict=True)]
    for desk in desks:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [desk.name])
                if not cursor.fetchone():
                    cursor.execute(f'CREATE DATABASE "{desk.name}"')
        with desk.use():
            desk.prepare()
    return desks


def run(conversations: int, names: tuple[str, str], only: str = "") -> dict[str, float]:
    desks, figures = create_desks(conversations, names), dict[str, Any]()
    for name, task in TASKS.items():
        if only in name:
            small, large = measure(task, desks)
            figures[f"size: {name}"] = large / small
            print(f"  {name:40} {1000 * small:8.1f} ms {1000 * large:8.1f} ms {large / small:6.2f}", file=sys.stderr)
    for desk in desks:
        desk.connection.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a large desk with a small one.")
    parser.add_argument("--conversations", type=int, help="the size of the large one")
    parser.add_argument("--names", nargs=2, help="databases, or files of SQLite, that are kept; filled unless they are")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omnichannel-size-") as folder:
        is_postgresql = connection.vendor == "postgresql"
        names = ("size_small", "size_large") if is_postgresql else (f"{folder}/small", f"{folder}/large")
        conversations = options.conversations or (1_000_000 if is_postgresql else 200_000)
        print(json.dumps(run(conversations, tuple(map(str, options.names or names)), options.only)))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
