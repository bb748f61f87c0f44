"""Errors of backups."""

import sqlite3
from typing import Final

import psycopg

# Backups use the drivers themselves, whose errors Django does not wrap.
DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error)


class BackupError(Exception):
    """A backup cannot be made or restored; the text says why and what to do."""
