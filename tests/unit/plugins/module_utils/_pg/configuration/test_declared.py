"""What may be asked for, and how files, the machine and ALTER SYSTEM meet in what finally counts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.configuration import (
    declared,
    desired_files,
    live,
    plan,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.configuration.host import Host, segment_size
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings.catalogue import postgresql_16

CONTEXT = desired_files.Context(postgresql_16(), Host(memory=16384, cpus=8, shm=8192), "postgres", "postgres")
NOTHING = live.Live(False, None, "", {}, {}, "", {})


def cluster(**given):
    return declared.parse([{"name": "launch", "port": 5432, "socket_directory": "/run", **given}])[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "a/b"}, "name of a cluster"),
        ({"name": ".."}, "name of a cluster"),
        ({"files": {"groundwork": {}}}, "two digits, a hyphen"),
        ({"files": {"20-../x": {}}}, "two digits, a hyphen"),
        ({"files": {"10-preset": {}}}, "the preset writes this one"),
        ({"files": {"99-zz": {}}}, "have the last word"),
        ({"files": {"20-a": "work_mem = 4MB"}}, "settings by name"),
    ],
)
def test_names_that_cannot_be(given, words):
    with pytest.raises(GroundworkError, match=words):
        cluster(**given)


def test_the_last_word_is_the_user_s_and_then_alter_system_s():
    asked = cluster(
        files={"30-b": {"work_mem": "2MB"}, "20-a": {"work_mem": "1MB", "WORK_MEM": "1MB"}},
        settings={"Work_Mem": "3MB"},
    )
    found = desired_files.build(asked, NOTHING, 0, CONTEXT)
    assert found.effective["work_mem"].text == "3MB"
    assert [(one["value"], one["instead_of"]) for one in found.overrides] == [("2MB", "1MB"), ("3MB", "2MB")]
    altered = dataclasses.replace(NOTHING, auto_file="work_mem = '9MB'\n")
    found = desired_files.build(asked, altered, 0, CONTEXT)
    assert found.effective["work_mem"].text == "9MB" and "ALTER SYSTEM RESET work_mem" in found.warnings[0]


def test_lines_after_the_include_win_and_those_before_do_not():
    main = "work_mem = 1MB\ninclude_dir = 'conf.d'\njit = on\n"
    here = dataclasses.replace(NOTHING, main_file=main)
    found = desired_files.build(cluster(settings={"work_mem": "2MB", "jit": False}), here, 0, CONTEXT)
    assert found.effective["work_mem"].text == "2MB" and found.effective["jit"].text == "on"
    assert ["jit" in warning for warning in found.warnings] == [True] and not found.errors


def test_a_main_file_that_reads_no_drop_ins_is_refused():
    here = dataclasses.replace(NOTHING, main_file="work_mem = 1MB\n")
    assert "does not read the drop-ins" in desired_files.build(cluster(), here, 0, CONTEXT).errors[0]


def test_a_preset_follows_the_user_s_connections_and_the_share():
    asked = cluster(preset={"purpose": "mixed"}, settings={"max_connections": 1000})
    found = desired_files.build(asked, NOTHING, 50, CONTEXT)
    assert found.effective["shared_buffers"].text == "2GB" and found.effective["work_mem"].text == "2MB"
    assert not found.errors and not found.overrides


def test_more_shared_buffers_than_the_host_has_are_refused():
    found = desired_files.build(cluster(settings={"shared_buffers": "15GB"}), NOTHING, 0, CONTEXT)
    assert "more than nine tenths" in found.errors[0]


def test_the_plan_is_what_differs():
    asked = cluster(settings={"work_mem": "2MB"})
    wanted = desired_files.build(asked, NOTHING, 0, CONTEXT)
    [step] = plan.plan(asked, NOTHING, wanted)
    assert (step.action, step.name) == ("create", "/etc/postgresql/16/launch/conf.d/99-settings.conf")
    path = Path(step.name)
    there = dataclasses.replace(NOTHING, contents={path: wanted.files[path].text})
    assert not plan.plan(asked, there, wanted)
    stale = dataclasses.replace(there, contents={**there.contents, path.with_name("20-old.conf"): "x"})
    assert [(step.action, Path(step.name).name) for step in plan.plan(asked, stale, wanted)] == [
        ("remove", "20-old.conf")
    ]


def test_the_size_of_a_segment(tmp_path):
    assert segment_size(tmp_path / "none") == 16 == segment_size(tmp_path)
    with (tmp_path / "00000001000000000000000A").open("wb") as segment:
        segment.truncate(32 << 20)
    assert segment_size(tmp_path) == 32
