"""`python -m tests.benchmarks.search`: the search page on a small and on a large desk, as JSON.

The databases are SQLite files, or in the PostgreSQL cluster that TEST_DATABASE_URL names. Both desks are asked in
turns, so that outside load affects them alike.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation
from tests.benchmarks.large_desk import DeskSize, fill_desk, print_report

FEW: Final = 10_000
MANY_POSTGRESQL: Final = 1_000_000
MANY_SQLITE: Final = 200_000
WARM_UP, REPETITIONS = 3, 15
ROLES: Final = {"agent of one queue": "large0", "supervisor": "large supervisor"}

Figures = dict[str, float]


def build_queries(size: DeskSize) -> Mapping[str, str]:
    """Return the text of each kind of search; see `large_desk` for what is in the messages and contacts."""
    return {
        "rare word": str(size.conversations * size.messages_each // 2 + 3),
        "common word": "delivery",
        "two words": "topic123 town45",
        "name": f"person {size.contacts // 2}",
        "part of a number": f"{4_915_000_000_000 + size.contacts // 2}"[4:],
        "Chinese": "发货",
    }


class Desk:
    """A desk of one size in a database of its own."""

    def __init__(self, name: str, size: DeskSize) -> None:
        self.size = size
        self._connection = connections.create_connection("default")
        self._connection.settings_dict = {**self._connection.settings_dict, "NAME": name}
        self.clients: dict[str, Client] = {}

    def activate(self) -> None:
        """Let this process use the desk's database."""
        connections["default"] = self._connection

    def prepare(self) -> None:
        """Fill the database unless it is filled, and sign its users in."""
        self.activate()
        call_command("migrate", verbosity=0)
        if not Conversation.objects.exists():
            fill_desk(self.size, print_report)
        for role, username in ROLES.items():
            self.clients[role] = Client()
            self.clients[role].force_login(User.objects.get(username=username))


def measure(desks: Sequence[Desk]) -> Figures:
    """Return the median milliseconds of each search on both desks, and their ratio."""
    figures: Figures = {}
    for kind in build_queries(desks[0].size):
        for role in ROLES:
            few, many = measure_search(desks, kind, role)
            name = f"search, {kind}, {role}"
            print_report(f"{name}: {few:.1f} and {many:.1f} ms, ratio {many / few:.2f}")
            figures |= {
                f"{name}, {desk.size.conversations} (ms)": ms for desk, ms in zip(desks, (few, many), strict=True)
            }
            figures[f"{name}, ratio"] = many / few
    return figures


def measure_search(desks: Sequence[Desk], kind: str, role: str) -> list[float]:
    """Return the median milliseconds of a search on each desk, asked in turns."""
    durations: dict[Desk, list[float]] = {desk: [] for desk in desks}
    for turn in range(REPETITIONS + WARM_UP):
        for desk in desks:
            desk.activate()
            query = {"q": build_queries(desk.size)[kind]}
            begin = time.perf_counter()
            answer = desk.clients[role].get("/desk/search/", query, headers={"HX-Request": "true"}, secure=True)
            if turn >= WARM_UP:
                durations[desk].append(time.perf_counter() - begin)
            assert answer.status_code == 200, kind
            assert 'class="row"' in answer.content.decode() or role != "supervisor", kind
    return [1000 * statistics.median(durations[desk]) for desk in desks]


@contextmanager
def create_databases(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the names of two databases, which are removed at the end unless they were given."""
    if connection.vendor != "postgresql":
        with tempfile.TemporaryDirectory(prefix="omnichannel-bench-") as folder:
            yield names or [f"{folder}/few.sqlite3", f"{folder}/many.sqlite3"]
        return
    own = [] if names else ["search_few", "search_many"]
    for name in own:
        _execute(f"CREATE DATABASE {name}")
    yield names or own
    for name in own:
        _execute(f"DROP DATABASE {name} WITH (FORCE)")


def _execute(statement: str) -> None:
    with connections.create_connection("default").cursor() as cursor:
        cursor.execute(statement)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the search on a small and on a large desk.")
    default = MANY_POSTGRESQL if connection.vendor == "postgresql" else MANY_SQLITE
    parser.add_argument("--conversations", type=int, default=default, help="of the large desk")
    parser.add_argument("--databases", nargs=2, default=[], help="of an earlier run, or empty ones, which are kept")
    options = parser.parse_args()
    sizes = (DeskSize(FEW), DeskSize(options.conversations))
    with create_databases(options.databases) as names:
        desks = [Desk(name, size) for name, size in zip(names, sizes, strict=True)]
        for desk in desks:
            desk.prepare()
        print(json.dumps(measure(desks)))


if __name__ == "__main__":
    main()
