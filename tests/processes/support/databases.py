"""Temporary databases: one is migrated and copied for each app."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[3]
CLUSTER_URL = os.environ.get("TEST_DATABASE_URL", "")


def _execute(cluster: str, statement: str) -> None:
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(statement)


def _database_url(cluster: str, name: str) -> str:
    return urlsplit(cluster)._replace(path=f"/{name}").geturl()


class TemporaryDatabase:
    """A database on SQLite in `folder`, or in a PostgreSQL cluster (TEST_DATABASE_URL by default)."""

    def __init__(
        self, folder: Path, *, template: "TemporaryDatabase | None" = None, cluster_url: str = CLUSTER_URL
    ) -> None:
        self._cluster_url = cluster_url
        self.name = f"desk_{uuid.uuid4().hex}"
        self.file = folder / "desk.sqlite3"
        self.url = _database_url(cluster_url, self.name) if cluster_url else f"sqlite:///{self.file}"
        if cluster_url:
            _execute(cluster_url, f"CREATE DATABASE {self.name} TEMPLATE {template.name if template else 'template0'}")
        elif template:
            shutil.copy(template.file, self.file)

    def migrate(self, environment: Mapping[str, str]) -> None:
        """Create the tables."""
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)

    def drop(self) -> None:
        if self._cluster_url:
            _execute(self._cluster_url, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
