"""What is read from the files of a host."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters import conffile, live, locales, marker


def test_settings_are_read_as_the_server_reads_them(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/20-second.conf").write_text("port = 5440\n")
    (tmp_path / "conf.d/10-first.conf").write_text("port = 5439\nshared_buffers '1GB'\n")
    (tmp_path / "conf.d/30-not-this-one.conf.bak").write_text("port = 1\n")
    (tmp_path / "postgresql.conf").write_text(
        "# port = 1\nport = 5432 # comment\nData_Directory='/srv/it''s here'\ninclude_dir = 'conf.d'\nport_of = 3\n"
    )
    assert conffile.read_settings(tmp_path / "postgresql.conf") == {
        "port": "5440",
        "data_directory": "/srv/it's here",
        "shared_buffers": "1GB",
        "port_of": "3",
    }


def test_a_file_that_includes_itself_ends(tmp_path):
    (tmp_path / "postgresql.conf").write_text("port = 5432\ninclude 'postgresql.conf'\n")
    assert conffile.read_settings(tmp_path / "postgresql.conf")["port"] == "5432"


def test_start_conf_keeps_its_comments(tmp_path):
    path = tmp_path / "start.conf"
    assert conffile.read_start(path) == "auto"
    path.write_text("# Automatic startup configuration\n\n  manual # until the move\n")
    assert conffile.read_start(path) == "manual"
    path.write_text(conffile.with_start(path.read_text(), "auto"))
    assert conffile.read_start(path) == "auto"
    assert path.read_text().startswith("# Automatic startup configuration\n")


@pytest.mark.parametrize(
    ("name", "library_name"),
    [
        ("de_DE.UTF-8", "de_DE.utf8"),
        ("de_DE.utf8", "de_DE.utf8"),
        ("de_DE.ISO-8859-15@euro", "de_DE.iso885915@euro"),
        ("C", "C"),
        ("de_DE@euro", "de_DE@euro"),
    ],
)
def test_the_c_library_has_a_spelling_of_its_own(name, library_name):
    assert locales.library_name(name) == library_name


def test_notes_of_creations(tmp_path, monkeypatch):
    monkeypatch.setattr(marker, "NOTES", tmp_path / "creating")
    assert marker.read() == {}
    marker.write("shop", ["/srv/data", "/srv/wal"])
    assert marker.read() == {"shop": ("/srv/data", "/srv/wal")}
    (tmp_path / "creating/cut").write_text('["/srv/')
    assert marker.read()["cut"] == ()
    marker.remove("shop")
    marker.remove("shop")
    assert list(marker.read()) == ["cut"]


@pytest.mark.parametrize(
    ("files", "interrupted", "state"),
    [
        ([], {}, "empty"),
        (["PG_VERSION", "base"], {}, "data"),
        (["photos"], {}, "other"),
        (["PG_VERSION", "base"], {"shop"}, "ours"),
        (["PG_VERSION", "postmaster.opts"], {"shop"}, "data"),
    ],
)
def test_a_folder_is_ours_only_with_a_note_and_when_no_server_used_it(tmp_path, files, interrupted, state):
    for name in files:
        (tmp_path / name).touch()
    assert live._read_folder(tmp_path, {name: (str(tmp_path),) for name in interrupted}).state == state


def test_a_folder_that_is_not_there_has_the_disk_of_the_one_above(tmp_path):
    folder = live._read_folder(tmp_path / "a/b", {})
    assert folder.state == "absent"
    assert folder.free > 0
    assert folder.disk == tmp_path.stat().st_dev
