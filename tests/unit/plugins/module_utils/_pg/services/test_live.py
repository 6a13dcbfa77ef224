"""Which drop-ins of systemd count."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.services.live import (
    has_unread_drop_ins,
    is_for_a_restart,
)

UNIT = "postgresql@16-shop.service"
FOR_EVERYBODY = [
    "/run/systemd/system/service.d/zzz-lxc-service.conf",
    "/etc/systemd/system/postgresql@.service.d/override.conf",
]


@pytest.fixture
def folders(tmp_path):
    for name in ("etc", "lib"):
        (tmp_path / name / f"{UNIT}.d").mkdir(parents=True)
    return [str(tmp_path / "etc"), str(tmp_path / "lib")]


def drop_in(folder: str, name: str):
    return f"{folder}/{UNIT}.d/{name}.conf"


def write(path: str):
    Path(path).write_text("[Service]\n")


def test_drop_ins_for_other_units_too_are_nothing_to_be_read(folders):
    write(drop_in(folders[0], "10-groundwork"))
    read = [*FOR_EVERYBODY, drop_in(folders[0], "10-groundwork")]
    assert not has_unread_drop_ins(UNIT, read, folders)
    assert has_unread_drop_ins(UNIT, FOR_EVERYBODY, folders)


def test_a_hidden_drop_in_is_nothing_to_be_read(folders, tmp_path):
    write(drop_in(folders[0], "a"))
    write(drop_in(folders[1], "a"))
    (tmp_path / f"lib/{UNIT}.d/b.conf").symlink_to("/dev/null")
    assert not has_unread_drop_ins(UNIT, [drop_in(folders[0], "a")], folders)


def test_a_folder_by_another_name_is_the_same(folders, tmp_path):
    (tmp_path / "usr").symlink_to(tmp_path / "lib")
    write(drop_in(folders[1], "a"))
    assert not has_unread_drop_ins(UNIT, [drop_in(str(tmp_path / "usr"), "a")], folders)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        (f"/etc/systemd/system/{UNIT}.d/10-groundwork.conf", True),
        (f"/run/systemd/system/{UNIT}.d/override.conf", True),
        ("/etc/systemd/system/postgresql@.service.d/override.conf", True),
        ("/run/systemd/system/service.d/zzz-lxc-service.conf", False),
        (f"/etc/systemd/system.control/{UNIT}.d/50-MemoryMax.conf", False),
        (f"/run/systemd/system.control/{UNIT}.d/50-MemoryMax.conf", False),
    ],
)
def test_what_systemd_writes_itself_asks_for_no_restart(path, counts):
    assert is_for_a_restart(path, UNIT) is counts
