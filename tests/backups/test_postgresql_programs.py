"""PostgreSQL's programs get the connection of the settings, and no other user of the machine can see it."""

from pathlib import Path
from typing import Any

import pytest

from omnichannel.backups import postgresql
from omnichannel.backups.errors import BackupError

PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" > {folder}/arguments
cp "$PGSERVICEFILE" {folder}/service
stat -c %a "$PGSERVICEFILE" > {folder}/mode
printf '%s' "$PGPASSWORD" > {folder}/password
"""


@pytest.fixture
def program_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program named pg_dump that notes what it was given before all others."""
    program = tmp_path / "pg_dump"
    program.write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_password_and_connection_are_not_on_the_command_line(settings: Any, program_folder: Path) -> None:
    settings.DATABASE_DIRECT_URL = "postgres://ada:s3cret%20@db.example:5433/desk?sslmode=verify-full"
    postgresql.run_program("pg_dump", "--dbname=service=omnichannel")
    assert (program_folder / "arguments").read_text() == "--dbname=service=omnichannel\n"
    assert (program_folder / "password").read_text() == "s3cret "
    assert set((program_folder / "service").read_text().splitlines()) == {
        "[omnichannel]",
        "host=db.example",
        "port=5433",
        "user=ada",
        "dbname=desk",
        "sslmode=verify-full",
    }
    assert (program_folder / "mode").read_text() == "600\n"


def test_a_missing_program_is_named_with_its_package(settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings.DATABASE_DIRECT_URL = "postgres://db.example/desk"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="pg_dump is not installed: `apt-get install postgresql-client`"):
        postgresql.run_program("pg_dump")
