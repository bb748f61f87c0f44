"""`manage.py backup` and `restore`, with real databases and a running server."""

import json
import os
import re
import shutil
import stat
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.builders import AUTH_TOKEN
from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import wait_until
from tests.processes.support.webhook_sender import build_text_form, post_signed_form

pytestmark = pytest.mark.process

ATTACHMENTS = {"attachments/1/letter.pdf": b"%PDF-1.4 letter", "simulator/media/picture.png": bytes(range(256)) * 999}
DATABASE_FILES = "database.*"


@pytest.fixture
def empty_app(app: AppInstance, tmp_path: Path) -> Iterator[AppInstance]:
    """Return a second app with an empty database, no files, and the same keys."""
    folder = tmp_path / "restored"
    folder.mkdir()
    with AppInstance(folder) as second:
        second.environment["ENCRYPTION_KEYS"] = app.environment["ENCRYPTION_KEYS"]
        yield second


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def backup(app: AppInstance, backups: Path) -> Path:
    """Return a backup of a database with an account and two files."""
    app.call("create_shop")
    store_files(app)
    return create_backup(app, backups)


def store_files(app: AppInstance) -> None:
    for name, content in ATTACHMENTS.items():
        path = media_root(app) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


def media_root(app: AppInstance) -> Path:
    return Path(app.environment["MEDIA_ROOT"])


def run_command(app: AppInstance, *arguments: str) -> tuple[int, str]:
    """Run `manage.py` in a process of its own and return its exit status and its output."""
    command = app.start_command(*arguments)
    return command.wait_for_exit(START_TIMEOUT), command.read_output()


def create_backup(app: AppInstance, backups: Path, *options: str) -> Path:
    """Create a backup and return its folder."""
    output, error = app.call("call_management_command", arguments=["backup", str(backups), *options])
    assert not error
    return Path(re.findall(r"^Backed up to (.+)$", output, re.MULTILINE)[0])


def assert_refused(app: AppInstance, *arguments: str, reason: str) -> None:
    """Check that the command fails with the reason."""
    _, error = app.call("call_management_command", arguments=arguments)
    assert reason in error


def assert_exits(app: AppInstance, *arguments: str, reason: str) -> None:
    """Check that a process of its own fails with the reason, as a sentence and without a traceback."""
    status, output = run_command(app, *arguments)
    assert (status, "Traceback" in output) == (1, False), output
    assert reason in output


def assert_still_empty(app: AppInstance) -> None:
    assert app.call("list_existing_tables") == []
    assert not any(path.is_file() for path in media_root(app).rglob("*"))


# -- A backup can be restored -----------------------------------------------------------------------------------------


def test_a_restored_database_has_every_row_every_file_and_readable_tokens(
    app: AppInstance, empty_app: AppInstance, backup: Path
) -> None:
    status, output = run_command(empty_app, "restore", str(backup))
    assert (status, "and 2 files" in output) == (0, True), output
    assert empty_app.call("compute_table_digests") == app.call("compute_table_digests")
    assert {name: (media_root(empty_app) / name).read_bytes() for name in ATTACHMENTS} == ATTACHMENTS
    assert empty_app.call("read_auth_tokens") == [AUTH_TOKEN]


def test_a_backup_beside_a_running_writer_is_consistent_and_has_what_was_acknowledged(
    app: AppInstance, empty_app: AppInstance, backups: Path
) -> None:
    shop = app.call("create_shop")
    app.start_server("--no-worker")
    acknowledged: list[str] = []
    is_done = threading.Event()

    def write() -> None:
        for place in count():
            if is_done.is_set():
                return
            form = build_text_form(shop, place % 7, f"Message {place}")
            if post_signed_form(app.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", form) == 200:
                acknowledged.append(form["MessageSid"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: len(acknowledged) > 20, START_TIMEOUT, "the writer has begun")
        before = set(acknowledged)
        assert run_command(app, "backup", str(backups))[0] == 0
        during = len(acknowledged) - len(before)
    finally:
        is_done.set()
        writer.join()
    assert during > 0, "The writer went on meanwhile."
    status, output = run_command(
        empty_app, "restore", str(next(backups.iterdir()))
    )  # compares the rows with the manifest
    assert status == 0, output
    restored = set(empty_app.call("list_delivery_sids"))
    assert before <= restored <= set(acknowledged)


def test_a_restored_desk_starts_and_files_messages(app: AppInstance, empty_app: AppInstance, backups: Path) -> None:
    shop = app.call("create_shop")
    assert run_command(empty_app, "restore", str(create_backup(app, backups)))[0] == 0
    empty_app.start_server("--no-worker")
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    assert post_signed_form(empty_app.url, path, build_text_form(shop, 1, "Hello")) == 200
    empty_app.start_command("run_worker", "--only", "deliveries")
    empty_app.wait_until_applied()
    assert len(empty_app.call("list_inbound_sids")) == 1


def test_only_the_owner_can_read_a_backup_and_what_is_restored(empty_app: AppInstance, backup: Path) -> None:
    empty_app.call("call_management_command", arguments=["restore", str(backup)])
    database = [empty_app.database.file] if empty_app.database.file.exists() else []
    for path in [backup, *backup.rglob("*"), *media_root(empty_app).rglob("*"), *database]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_list_of_checksums_is_in_the_format_of_sha256sum(backup: Path) -> None:
    lines = (backup / "checksums.txt").read_text().splitlines()
    names = {line.partition("  ")[2] for line in lines}
    assert names == {next(backup.glob(DATABASE_FILES)).name, *(f"media/{name}" for name in ATTACHMENTS)}
    assert all(re.fullmatch(r"[0-9a-f]{64}", line.partition("  ")[0]) for line in lines)


def test_keep_deletes_the_oldest_complete_backups_and_nothing_else(
    app: AppInstance, backup: Path, backups: Path
) -> None:
    for day in ("01", "02", "03"):
        shutil.copytree(backup, backups / f"omnichannel-2020-01-{day}T00-00-00Z")
    others = {"omnichannel-2020-01-04T00-00-00Z", "notes"}  # one without a manifest, and a folder that is not ours
    for name in others:
        (backups / name).mkdir()
    kept = backup.rename(backups / "omnichannel-2020-02-01T00-00-00Z")
    newest = create_backup(app, backups, "--keep", "2")
    assert {path.name for path in backups.iterdir()} == {newest.name, kept.name, *others}


# -- What is refused --------------------------------------------------------------------------------------------------


def test_restore_refuses_a_database_that_is_not_empty_and_says_what_to_do(app: AppInstance, backup: Path) -> None:
    before = app.call("compute_table_digests")
    assert_exits(app, "restore", str(backup), reason="is not empty, and nothing was changed")
    assert "set DATABASE_URL to" in app.processes[-1].read_output()
    assert app.call("compute_table_digests") == before


def test_restore_refuses_a_folder_of_files_that_is_not_empty(empty_app: AppInstance, backup: Path) -> None:
    old = media_root(empty_app) / "attachments/old.pdf"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    assert_refused(empty_app, "restore", str(backup), reason="MEDIA_ROOT is not empty: it has attachments/old.pdf")
    assert empty_app.call("list_existing_tables") == []
    assert [path for path in media_root(empty_app).rglob("*") if path.is_file()] == [old]


def test_restore_refuses_keys_that_do_not_decrypt_the_backup(empty_app: AppInstance, backup: Path) -> None:
    empty_app.environment["ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
    assert_exits(empty_app, "restore", str(backup), reason="ENCRYPTION_KEYS cannot decrypt this backup")
    assert_still_empty(empty_app)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def edit_manifest(backup: Path, **changes: object) -> None:
    path = backup / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (DATABASE_FILES, "is missing or damaged"),
        ("media/attachments/1/letter.pdf", "is missing or damaged"),
        ("checksums.txt", "is missing or damaged"),
    ],
)
def test_restore_refuses_a_damaged_or_missing_file(
    empty_app: AppInstance, backup: Path, name: str, reason: str
) -> None:
    path = next(backup.glob(name))
    damage(path)
    assert_refused(empty_app, "restore", str(backup), reason=f"{path} {reason}")
    path.unlink()
    assert_refused(empty_app, "restore", str(backup), reason=f"{path} {reason}")
    assert_still_empty(empty_app)


def test_restore_refuses_what_is_no_backup_or_does_not_fit(empty_app: AppInstance, backup: Path) -> None:
    other = "postgresql" if next(backup.glob(DATABASE_FILES)).suffix == ".sqlite3" else "sqlite"
    for changes, reason in (
        ({"vendor": other}, "but DATABASE_URL names"),
        ({"migrations": ["conversations.9999_future"]}, "made by another version of Omnichannel"),
        ({"format": 2}, "has a format that this version"),
        ({"color": "red"}, "is incomplete or damaged"),
    ):
        original = (backup / "manifest.json").read_text()
        edit_manifest(backup, **changes)
        assert_refused(empty_app, "restore", str(backup), reason=reason)
        (backup / "manifest.json").write_text(original)
    (backup / "manifest.json").write_text("{")
    assert_refused(empty_app, "restore", str(backup), reason="cannot be read")
    assert_refused(empty_app, "restore", str(backup.parent), reason="is not a backup")
    assert_still_empty(empty_app)


def test_backup_refuses_a_database_whose_tokens_cannot_be_decrypted(app: AppInstance, backups: Path) -> None:
    app.call("create_shop")
    app.environment["ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
    assert_exits(app, "backup", str(backups), reason="ENCRYPTION_KEYS cannot decrypt everything that is stored")
    assert list(backups.iterdir()) == []


def test_backup_refuses_an_empty_database_and_leaves_nothing(empty_app: AppInstance, backups: Path) -> None:
    assert_refused(empty_app, "backup", str(backups), reason="There is no" if is_sqlite(empty_app) else "has no tables")
    assert list(backups.iterdir()) == []


def is_sqlite(app: AppInstance) -> bool:
    return app.database.url.startswith("sqlite")


def test_backup_into_a_file_and_with_a_wrong_option_is_refused(app: AppInstance, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(app, "backup", str(tmp_path / "file" / "backups"), reason="The backup could not be written")
    assert_refused(app, "backup", str(tmp_path / "backups"), "--keep", "0", reason="--keep must be 1 or more")


def test_an_interrupted_backup_leaves_nothing(app: AppInstance, backups: Path) -> None:
    pipe = media_root(app) / "attachments" / "pipe"  # reading it waits for ever
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    command = app.start_command("backup", str(backups))
    wait_until(lambda: any(backups.glob(f".incomplete-*/{DATABASE_FILES}")), START_TIMEOUT, "the backup has begun")
    command.terminate()
    assert command.wait_for_exit(START_TIMEOUT) == 1
    assert "The incomplete backup was deleted" in command.read_output()
    assert list(backups.iterdir()) == []
