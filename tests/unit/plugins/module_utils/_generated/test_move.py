"""The move: complete, with the same permissions, safe when it is interrupted and when several runs do it at once."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._generated import move as subject
from ansible_collections.groundwork.databases.plugins.module_utils._generated.state import CERTIFICATES, KEYS

FILES = {"ca.crt": b"certificate", "ca.key": b"key", "db1.pem": b"-----BEGIN PRIVATE KEY-----", "db1.key": b"\0\xff"}


@pytest.fixture
def former(tmp_path: Path) -> Path:
    folder = tmp_path / "inventories/uat/secrets/postgresql"
    folder.mkdir(parents=True, mode=0o700)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o644 if name.endswith("crt") else 0o600)
    return folder


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / ".secrets/inventories/uat/postgresql"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_moved_with_its_permissions(former: Path, directory: Path, tmp_path: Path) -> None:
    (former / "ca.key.groundwork-new").write_bytes(b"half a key")
    assert subject.move(former, directory, CERTIFICATES, check_mode=False) == sorted(FILES)
    assert content(directory) == FILES
    assert {name: mode(directory / name) for name in FILES} == {
        "ca.crt": 0o644, "ca.key": 0o600, "db1.pem": 0o600, "db1.key": 0o600,
    }  # fmt: skip
    assert mode(directory) == mode(tmp_path / ".secrets") == 0o700
    assert not (tmp_path / "inventories/uat/secrets").exists() and (tmp_path / "inventories/uat").is_dir()
    assert subject.move(former, directory, CERTIFICATES, check_mode=False) == []


def test_what_a_person_put_there_stays(former: Path, directory: Path) -> None:
    (former / "rds-ca.pem").write_bytes(b"-----BEGIN CERTIFICATE-----")
    (former / "deeper").mkdir()
    subject.move(former, directory, CERTIFICATES, check_mode=False)
    assert sorted(path.name for path in former.iterdir()) == ["deeper", "rds-ca.pem"]


def test_a_key_that_others_could_read_is_closed(tmp_path: Path, directory: Path) -> None:
    old = tmp_path / "inventories/uat/secrets/mongodb"
    old.mkdir(parents=True, mode=0o755)
    (old / "rs0.keyfile").write_text("key")
    (old / "rs0.keyfile").chmod(0o644)
    subject.move(old, directory, KEYS, check_mode=False)
    assert (mode(directory), mode(directory / "rs0.keyfile")) == (0o700, 0o600)


def test_check_mode_says_the_same_and_writes_nothing(former: Path, directory: Path, tmp_path: Path) -> None:
    assert subject.move(former, directory, CERTIFICATES, check_mode=True) == sorted(FILES)
    assert content(former) == FILES and not (tmp_path / ".secrets").exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_places_that_differ_are_left_as_they_are(former: Path, directory: Path, check_mode: bool) -> None:
    directory.mkdir(parents=True)
    (directory / "ca.key").write_bytes(b"another")
    with pytest.raises(GroundworkError, match=r"both hold another ca\.key") as refused:
        subject.move(former, directory, CERTIFICATES, check_mode)
    assert "untouched: everything" in refused.value.message
    assert content(former) == FILES and content(directory) == {"ca.key": b"another"}


def start(former: Path, directory: Path, steps: int) -> int:
    """The process that moves, and dies before it makes, renames or removes one more than so many files and folders."""
    process = os.fork()
    if process:
        return process
    left = steps

    def hook(event: str, _arguments: object) -> None:
        nonlocal left
        if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"):
            left -= 1
            if left < 0:
                os._exit(9)

    code = 1
    try:
        sys.addaudithook(hook)
        subject.move(former, directory, CERTIFICATES, check_mode=False)
        code = 0
    finally:
        os._exit(code)


def ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_killed_at_any_step_one_place_is_whole_and_the_next_run_completes_it(tmp_path: Path) -> None:
    for steps in range(100):
        old, new = tmp_path / f"{steps}/secrets/postgresql", tmp_path / f"{steps}/.secrets/uat/postgresql"
        old.mkdir(parents=True)
        for name, text in FILES.items():
            (old / name).write_bytes(text)
        code = ended(start(old, new, steps))
        whole = [folder for folder in (old, new) if FILES.items() <= content(folder).items()]
        assert whole, f"killed after {steps} steps: neither place has all files"
        subject.move(old, new, CERTIFICATES, check_mode=False)
        assert content(new) == FILES and content(old) == {}, f"killed after {steps} steps"
        if code == 0:
            break
    assert code == 0 and steps > 2 * len(FILES)


def test_of_several_runs_at_once_one_moves(former: Path, directory: Path) -> None:
    runs = [start(former, directory, 1000) for number in range(4)]
    assert [ended(run) for run in runs] == [0] * 4
    assert content(directory) == FILES and not former.exists()
