"""Drop-ins that worked are kept, and come back."""

from __future__ import annotations

from ansible_collections.groundwork.databases.plugins.module_utils._pg.services import drop_ins

UNIT = "postgresql@16-shop.service"


def test_drop_ins_that_worked_come_back(tmp_path):
    state, folder = tmp_path / "state", tmp_path / f"{UNIT}.d"
    folder.mkdir()
    (folder / "10-groundwork.conf").write_text("[Service]\nLimitNOFILE=65536\n")
    assert drop_ins.put_back(UNIT, state, tmp_path) is False
    drop_ins.keep(UNIT, state, tmp_path)
    assert drop_ins.put_back(UNIT, state, tmp_path) is False
    (folder / "10-groundwork.conf").write_text("[Service]\nLimitNOFILE=10\n")
    (folder / "20-new.conf").write_text("[Service]\n")
    assert drop_ins.put_back(UNIT, state, tmp_path) is True
    assert drop_ins.take(UNIT, tmp_path) == {"10-groundwork.conf": "[Service]\nLimitNOFILE=65536\n"}
    assert [path.name for path in folder.iterdir()] == ["10-groundwork.conf"]


def test_a_damaged_note_counts_as_none(tmp_path):
    (tmp_path / drop_ins.KEPT).write_text("{")
    assert drop_ins.kept(tmp_path) is None
