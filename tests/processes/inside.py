"""`python -m tests.processes.inside`: does what it is told on standard input, in the desk's own database.

A line in is `[name, arguments]` for a function in `clerk`; a line out is what it returned, as JSON.
"""

import importlib
import json
import sys

import django
from django.db import close_old_connections


def main() -> None:
    django.setup()
    clerk = importlib.import_module("tests.processes.clerk")
    for line in sys.stdin:
        name, arguments = json.loads(line)
        close_old_connections()
        print(json.dumps(getattr(clerk, name)(**arguments)), flush=True)


if __name__ == "__main__":
    main()
