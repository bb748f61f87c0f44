"""Files that only their owner may read: the database, secrets, customers' files."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PRIVATE_UMASK: Final = 0o077
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# SQLite keeps these next to the database file.
DATABASE_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")


def set_private_umask() -> None:
    """Create every file and folder of this process for its owner only."""
    os.umask(PRIVATE_UMASK)


def list_database_files(engine: str, name: str) -> list[Path]:
    """Return the files of a SQLite database that exist; none for another engine."""
    if not engine.endswith("sqlite3"):
        return []
    return [path for suffix in DATABASE_SUFFIXES if (path := Path(f"{name}{suffix}")).exists()]


def make_private(path: Path) -> None:
    """Take from everybody but the owner all access to a file or folder, if this process may change it."""
    # A file may be deleted meanwhile, or belong to another user.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = path.stat().st_mode
        if mode & OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def make_tree_private(folder: Path) -> None:
    """Do so for all that a folder contains. The folder comes first, which protects the rest at once."""
    make_private(folder)
    for path in _list_tree(folder):
        make_private(path)


def _list_tree(folder: Path) -> Iterator[Path]:
    """Return all files and folders below, without following links out of the folder."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                yield path
