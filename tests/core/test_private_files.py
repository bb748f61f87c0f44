"""Files that others could read are made private."""

from pathlib import Path

from omnichannel.core.private_files import list_database_files, make_tree_private


def get_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_is_made_private_with_all_it_contains(tmp_path: Path) -> None:
    folder, below = tmp_path / "media", tmp_path / "media" / "2026"
    below.mkdir(parents=True)
    photo, script = below / "photo.jpg", below / "run"
    photo.touch()
    script.touch()
    for path, mode in ((folder, 0o755), (below, 0o775), (photo, 0o644), (script, 0o755)):
        path.chmod(mode)
    make_tree_private(folder)
    assert [get_mode(path) for path in (folder, below, photo, script)] == [0o700, 0o700, 0o600, 0o700]


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "media"
    folder.mkdir()
    outside.touch(0o644)
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    (folder / "nowhere").symlink_to(tmp_path / "none")
    make_tree_private(folder)
    assert get_mode(outside) == 0o644


def test_a_folder_that_does_not_exist_is_no_error(tmp_path: Path) -> None:
    make_tree_private(tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_the_files_of_a_sqlite_database_are_its_own_and_those_of_its_log(tmp_path: Path) -> None:
    names = ["desk.sqlite3", "desk.sqlite3-shm", "desk.sqlite3-wal"]
    for name in (*names, "other.sqlite3"):
        (tmp_path / name).touch()
    files = list_database_files("django.db.backends.sqlite3", str(tmp_path / "desk.sqlite3"))
    assert sorted(path.name for path in files) == names
    assert list_database_files("omnichannel.core.postgresql", "desk") == []
