"""The two descriptions in a backup: `manifest.json`, and `checksums.txt` in the format of `sha256sum --check`."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from omnichannel.backups.errors import BackupError

MANIFEST_NAME: Final = "manifest.json"
CHECKSUMS_NAME: Final = "checksums.txt"
MEDIA_FOLDER: Final = "media"
FORMAT_VERSION: Final = 1
CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """Contents of a backup.

    `row_counts` and `migrations` are those of the very snapshot that was written. `key_checks` is a known text,
    encrypted with each key that the database needs. `checksums` is the SHA-256 of the list of files.
    """

    created_at: str
    vendor: str
    database_file: str
    versions: dict[str, str]
    migrations: list[str]
    row_counts: dict[str, int]
    key_checks: list[str]
    media_files: int
    checksums: str
    format: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        (folder / MANIFEST_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return the description of the backup in this folder.

    Raises:
        BackupError: the folder holds no complete backup, or one that this version cannot read.
    """
    path = folder / MANIFEST_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BackupError(f"{folder} is not a backup: it has no {MANIFEST_NAME}.") from error
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT_VERSION:
        raise BackupError(f"{path} has a format that this version of Omnichannel does not know.")
    try:
        return Manifest(**content)
    except TypeError as error:
        raise BackupError(f"{path} is incomplete or damaged: {error}.") from error


def copy_with_checksum(source: BinaryIO, target: BinaryIO) -> str:
    """Copy a file and return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def compute_checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path, checksums: Iterable[tuple[str, str]]) -> str:
    """Write the list of (file, SHA-256) and return the list's own SHA-256."""
    path = folder / CHECKSUMS_NAME
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{checksum}  {name}\n" for name, checksum in checksums)
    return compute_checksum(path)


def verify_files(folder: Path, manifest: Manifest) -> list[str]:
    """Return the names of the backup's files after comparing each with its checksum.

    Raises:
        BackupError: a file is missing or differs.
    """
    list_path = folder / CHECKSUMS_NAME
    if not list_path.is_file() or compute_checksum(list_path) != manifest.checksums:
        raise BackupError(f"{list_path} is missing or damaged. Use another backup.")
    names = []
    for name, checksum in _read_checksums(list_path):
        path = folder / name
        if not path.is_file() or compute_checksum(path) != checksum:
            raise BackupError(f"{path} is missing or damaged. Use another backup.")
        names.append(name)
    return names


def _read_checksums(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            match = re.fullmatch(r"([0-9a-f]{64})  (.+)\n", line)
            if not match or not _is_inside(match[2]):
                raise BackupError(f"{path} has a line that is none of ours: {line[:200].rstrip()!r}.")
            yield match[2], match[1]


def _is_inside(name: str) -> bool:
    """Return whether the name stays inside the folder of the backup."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
