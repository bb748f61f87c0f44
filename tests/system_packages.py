"""Install the browser and the servers that `make test` needs, where they are missing."""

import os
import shutil
import subprocess
import sys

from tests.browsers import BROWSER_COMMANDS
from tests.postgres import find_postgres_binaries

# Programs of `deploy/`, and Debian's packages that have them.
SERVER_PACKAGES = {"nginx": "nginx-light", "pgbouncer": "pgbouncer"}


def missing_packages() -> list[str]:
    """Return Debian's names of the packages that are needed and not installed."""
    packages = [] if any(map(shutil.which, BROWSER_COMMANDS)) else ["chromium-headless-shell"]
    try:
        find_postgres_binaries()
    except FileNotFoundError:
        packages.append("postgresql")
    return [*packages, *missing_server_packages()]


def missing_server_packages() -> list[str]:
    """Return those of the servers in front of the desk and of its database."""
    search_path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return [package for program, package in SERVER_PACKAGES.items() if not shutil.which(program, path=search_path)]


def install(packages: list[str]) -> None:
    """Install the packages with apt-get as root; otherwise exit with the command to run."""
    command = "apt-get update -qq && apt-get install -qq -y --no-install-recommends " + " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"The tests need {' and '.join(packages)}. As root: {command}")
    print(f"Installing {' and '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    result = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
    if result.returncode or missing_packages():
        sys.exit(f"{result.stdout}{result.stderr}\n{' and '.join(missing_packages())} could not be installed.")


if __name__ == "__main__":
    if packages := missing_packages():
        install(packages)
