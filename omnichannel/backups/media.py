"""Copy the received files from and to the storage of the settings."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from django.core.files import File
from django.core.files.storage import default_storage

from omnichannel.backups.errors import BackupError
from omnichannel.backups.manifest import MEDIA_FOLDER, copy_with_checksum

# MEDIA_ROOT may be a folder of other programs too: these are ours.
FOLDERS: Final = ("attachments", "simulator")
FORBIDDEN_IN_NAMES: Final = "\n\\"  # the format of the checksums has another meaning for them


def list_files() -> Iterator[str]:
    """Return the names of all stored files."""
    for folder in FOLDERS:
        yield from _list_folder(folder)


def _list_folder(folder: str) -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in sorted(files))
    for name in sorted(folders):
        yield from _list_folder(f"{folder}/{name}")


def copy_files(target: Path) -> Iterator[tuple[str, str]]:
    """Copy all files into the folder; yield the name in the backup and the SHA-256 of each.

    A file that is deleted meanwhile is left out.
    """
    for name in list_files():
        if any(character in name for character in FORBIDDEN_IN_NAMES):
            raise BackupError(f"The file {name!r} in MEDIA_ROOT is none of ours. Move it away.")
        copy = target / MEDIA_FOLDER / name
        try:
            with default_storage.open(name) as source:
                copy.parent.mkdir(parents=True, exist_ok=True)
                with copy.open("wb") as file:
                    yield f"{MEDIA_FOLDER}/{name}", copy_with_checksum(cast("BinaryIO", source), file)
        except FileNotFoundError:
            continue


def require_empty() -> None:
    """Raise BackupError if there are files already."""
    if (name := next(list_files(), None)) is not None:
        raise BackupError(
            f"MEDIA_ROOT is not empty: it has {name}. Nothing was changed. Move its files away, or set MEDIA_ROOT to "
            "an empty folder. Then try again."
        )


def restore_files(folder: Path, names: Iterable[str]) -> list[str]:
    """Store the files of a backup; delete them again if one cannot be stored. Return their names in the storage."""
    stored: list[str] = []
    try:
        for name in names:
            with (folder / name).open("rb") as file:
                stored.append(default_storage.save(name.removeprefix(f"{MEDIA_FOLDER}/"), File(file)))
    except BaseException:
        delete_files(stored)
        raise
    return stored


def delete_files(names: Iterable[str]) -> None:
    """Delete stored files."""
    for name in names:
        default_storage.delete(name)
