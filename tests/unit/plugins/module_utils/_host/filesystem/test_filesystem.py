"""Whole files, what a killed run left, and links that are removed instead of followed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._host import filesystem, run_lock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_keeps_its_mode_and_a_new_one_is_closed(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"1")
    old.chmod(0o640)
    for path in (old, new):
        filesystem.write(path, b"2")
    assert (mode(old), mode(new)) == (0o640, 0o600) and old.read_bytes() == new.read_bytes() == b"2"
    filesystem.write(old, b"3", mode=0o444)
    assert mode(old) == 0o444 and filesystem.read(old) == b"3" and filesystem.read(tmp_path / "none") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_what_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    left = tmp_path / f".file{filesystem.SUFFIX}"
    left.symlink_to(tmp_path / "elsewhere")
    filesystem.write(tmp_path / "file", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_another_run_in_between_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    first = filesystem.prepare(path, b"first")
    second = filesystem.prepare(path, b"second")
    with pytest.raises(OSError, match="another run"):
        filesystem.commit(path, first + (first == second))
    filesystem.discard(path, first + (first == second))
    filesystem.commit(path, second)
    assert path.read_bytes() == b"second"


def test_what_cannot_be_given_away_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(filesystem, "_set", refuse)
    with pytest.raises(PermissionError):
        filesystem.make_directory(tmp_path / "folder")
    with pytest.raises(PermissionError):
        filesystem.write(tmp_path / "file", b"x")
    assert not list(tmp_path.iterdir())


def test_a_link_in_place_of_a_folder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        filesystem.link(tmp_path / "folder", "elsewhere")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_bytes(b"")
    with pytest.raises(OSError) as error:
        filesystem.write(tmp_path / "folder", b"x")
    assert error.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_links_in_a_tree_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "deep").mkdir(parents=True)
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/c").write_bytes(b"x")
    for name in ("a/link", "link"):
        (tree / name).symlink_to(kept)
    filesystem.remove_tree(tree)
    filesystem.remove_tree(tree)
    (tmp_path / "link").symlink_to(kept)
    filesystem.remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"] and (kept / "deep").is_dir()


def test_folders_are_made_with_those_above_them(tmp_path: Path) -> None:
    assert filesystem.make_directory(tmp_path / "a/b/c", mode=0o700, parents=0o755)
    assert not filesystem.make_directory(tmp_path / "a/b/c", mode=0o755)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a/b/c")) == (0o755, 0o700)
    with pytest.raises(FileNotFoundError):
        filesystem.make_directory(tmp_path / "x/y")


def test_check_mode_makes_no_folder_for_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "ROOTS", tmp_path / "run")
    monkeypatch.setenv("HOME", str(tmp_path))
    run_lock.own_folder(make=False)
    assert not list(tmp_path.iterdir())
    assert mode(run_lock.own_folder()) == 0o700
