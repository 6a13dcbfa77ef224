"""Settings of running servers: validated, written, reloaded, reported."""

from __future__ import annotations

import pytest
from fresh_python import run_in_fresh_python


def test_a_change_is_reloaded_and_nothing_restarts(cluster, configure):
    started = cluster.started()
    result = configure(cluster, settings={"work_mem": "7MB", "log_min_duration_statement": "1.5s"})
    assert result["changed"] and not result.get("failed"), result
    assert [action["action"] for action in result["actions"]] == ["create", "reload"]
    assert cluster.show("work_mem") == "7MB"
    assert cluster.show("log_min_duration_statement") == "1500ms"
    assert cluster.started() == started
    assert result["clusters"][0]["reloaded"] and result["clusters"][0]["pending_restart"] == []
    again = configure(cluster, settings={"work_mem": "7MB", "log_min_duration_statement": "1.5s"})
    assert again["changed"] is False and again["actions"] == []


def test_a_setting_that_needs_a_restart_is_reported_until_it_happened(cluster, configure):
    wanted = {"max_connections": 150, "shared_preload_libraries": ["pg_stat_statements", "auto_explain"]}
    predicted = configure(cluster, settings=wanted, check=True)
    result = configure(cluster, settings=wanted)
    assert predicted["clusters"][0]["pending_restart"] == result["clusters"][0]["pending_restart"]
    assert result["clusters"][0]["pending_restart"] == [
        {"name": "max_connections", "current": "100", "new": "150"},
        {"name": "shared_preload_libraries", "current": "", "new": "pg_stat_statements, auto_explain"},
    ]
    again = configure(cluster, settings=wanted)
    assert not again["changed"]
    assert again["clusters"][0]["pending_restart"] == result["clusters"][0]["pending_restart"]
    cluster.pg_ctl("restart", "-o", f"-c config_file={cluster.main_file}")
    assert cluster.show("shared_preload_libraries") == "pg_stat_statements, auto_explain"
    done = configure(cluster, settings=wanted)
    assert done["clusters"][0]["pending_restart"] == [] and not done["changed"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"work_men": "4MB"}, 'no such setting; did you mean "work_mem"'),
        ({"max_connections": 0}, "it is out of range; it takes a whole number from 1 to 262143"),
        ({"vacuum_defer_cleanup_age": 5}, "removed in 16: use hot_standby_feedback"),
        ({"shared_buffers": "1gb"}, 'the unit "gb" is none of B, kB, MB, GB, TB, write "GB"'),
        ({"shared_preload_libraries": '"pg_stat_statements,auto_explain"'}, "one library called"),
        ({"shared_preload_libraries": "pg_nothing"}, "there is no library pg_nothing"),
        ({"log_timezone": "Mars/Base"}, 'invalid value for parameter "log_timezone": "Mars/Base"'),
        ({"wal_level": "minimal"}, "max_wal_senders above 0"),
        ({"max_connections": 3}, "it must be more than the 3 connections"),
        ({"port": 6000}, 'say it as "port" of the cluster'),
        ({"primary_conninfo": "host=a password=verysecret"}, "it holds a password"),
    ],
)
def test_what_the_server_would_refuse_is_refused_before_anything_is_written(cluster, configure, settings, words):
    before, loaded = cluster.files(), cluster.query("SELECT pg_conf_load_time()")
    for check in (True, False):
        result = configure(cluster, settings={"work_mem": "8MB", **settings}, check=check)
        assert result["failed"] and words in result["msg"], result
        assert "main: " in result["msg"] and next(iter(settings)) in result["msg"]
        assert "nothing was written" in result["msg"]
        assert "verysecret" not in result.output
    assert cluster.files() == before
    assert cluster.query("SELECT pg_conf_load_time()") == loaded


def test_every_mistake_of_every_cluster_is_told_at_once(new_cluster, configure):
    one, two = new_cluster("one").start(), new_cluster("two")
    result = configure(one, two, settings={"work_mem": "x", "max_connections": -1})
    assert len(result["refused"]) == 4
    assert {line.split(":")[0] for line in result["refused"]} == {"one", "two"}


def test_what_only_the_running_server_notices_is_taken_back(cluster, configure):
    """Without the installed program nobody but the running server can know this time zone."""
    configure(cluster, settings={"work_mem": "8MB"})
    before, loaded = cluster.files(), cluster.query("SELECT pg_conf_load_time()")
    result = configure(
        cluster, settings={"work_mem": "9MB", "log_timezone": "Mars/Base"}, place={"bin_directory": "/nonexistent"}
    )
    assert result["failed"]
    assert f"{cluster.drop_ins}/99-settings.conf:" in result["msg"] and "log_timezone" in result["msg"]
    assert "the previous files are back" in result["msg"]
    after = cluster.files()
    assert {name: found[:2] for name, found in after.items()} == {name: found[:2] for name, found in before.items()}
    assert cluster.query("SELECT pg_conf_load_time()") == loaded
    assert cluster.show("work_mem") == "8MB"


def test_what_alter_system_says_is_named(cluster, configure):
    cluster.query("ALTER SYSTEM SET work_mem = '3MB'")
    cluster.query("ALTER SYSTEM SET maintenance_work_mem = '1GB'")
    result = configure(cluster, settings={"work_mem": "8MB", "maintenance_work_mem": "1048576kB"})
    [warning] = result["clusters"][0]["warnings"]
    assert "work_mem = 3MB" in warning and "ALTER SYSTEM RESET work_mem" in warning
    assert "ALTER SYSTEM RESET work_mem" in str(result["warnings"])


def test_overrides_are_named_and_a_null_takes_back(cluster, configure):
    files = {"20-groundwork": {"work_mem": "4MB", "jit": False, "maintenance_work_mem": "64MB"}}
    result = configure(cluster, files=files, settings={"work_mem": "5MB", "jit": "off", "maintenance_work_mem": None})
    told = {found["setting"]: found for found in result["clusters"][0]["overrides"]}
    assert sorted(told) == ["maintenance_work_mem", "work_mem"]
    assert told["work_mem"]["value"] == "5MB" and told["work_mem"]["instead_of"] == "4MB"
    assert told["work_mem"]["from"].endswith("99-settings.conf")
    assert cluster.show("work_mem") == "5MB" and cluster.show("jit") == "off"
    assert "maintenance_work_mem" not in (cluster.drop_ins / "20-groundwork.conf").read_text()


def test_a_drop_in_that_is_not_named_any_more_goes_and_a_foreign_one_stays(cluster, configure):
    foreign = cluster.drop_ins / "50-mine.conf"
    foreign.write_text("work_mem = 2MB\n")
    cluster.account.own(foreign)
    configure(cluster, files={"20-a": {"work_mem": "3MB"}, "30-b": {"temp_buffers": "9MB"}})
    assert cluster.show("temp_buffers") == "9MB"
    result = configure(cluster, files={"20-a": {"work_mem": "3MB"}})
    assert [action["action"] for action in result["actions"]] == ["remove", "reload"]
    assert cluster.show("temp_buffers") == "8MB"
    assert foreign.exists() and cluster.show("work_mem") == "2MB"
    assert "50-mine.conf wins over 3MB of 20-a.conf" in result["clusters"][0]["warnings"][0]


def test_check_mode_predicts_exactly_and_writes_nothing(cluster, configure):
    wanted = {"files": {"20-groundwork": {"log_line_prefix": "%m [%p] it's ", "work_mem": "4MB"}}, "hba": {}}
    before = cluster.files()
    predicted = configure(cluster, check=True, diff=True, **wanted)
    assert cluster.files() == before and not cluster.state.exists()
    result = configure(cluster, diff=True, **wanted)
    assert predicted["actions"] == result["actions"] and predicted["diff"] == result["diff"]
    assert cluster.show("log_line_prefix") == "%m [%p] it's "
    assert not configure(cluster, check=True, **wanted)["changed"]


def test_secrets_of_settings_are_in_no_diff(cluster, configure):
    (cluster.drop_ins / "99-settings.conf").write_text("primary_conninfo = 'host=a password=''old secret'' user=b'\n")
    result = configure(
        cluster,
        diff=True,
        settings={"primary_conninfo": "host=a passfile=/x", "ssl_passphrase_command": "echo hushhush"},
    )
    assert not result.get("failed")
    assert "old secret" not in result.output and "hushhush" not in result.output
    assert "password=(hidden)" in str(result["diff"])


def test_a_host_without_server_program_or_folder_is_predicted(configure, run_module, tmp_path):
    arguments = {
        "clusters": [
            {"name": "launch", "config_directory": str(tmp_path / "etc"), "data_directory": str(tmp_path / "data"),
             "preset": {"purpose": "mixed"}, "settings": {"work_mem": "8MB"}, "hba": {}, "ident": []}
        ],
        "bin_directory": str(tmp_path / "bin"), "owner": "nobody-knows-this-account",
        "memory_mb": 16384, "cpus": 8,
    }  # fmt: skip
    result = run_module("pg_configuration", arguments, check=True, diff=True)
    assert [file_name(action["name"]) for action in result["actions"]] == [
        "10-preset.conf", "99-settings.conf", "pg_ident.conf", "pg_hba.conf",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    assert "does not exist on this host" in run_module("pg_configuration", arguments)["msg"]


def file_name(path: str) -> str:
    return path.rsplit("/", 1)[1]


def test_a_cluster_that_is_down_is_configured_for_its_first_start(new_cluster, configure):
    cluster = new_cluster()
    result = configure(cluster, preset={"purpose": "tiny"}, settings={"shared_preload_libraries": "pg_stat_statements"},
                       place={"memory_mb": 1024})  # fmt: skip
    assert result["changed"] and not result["clusters"][0]["running"], result
    cluster.start()
    assert cluster.show("shared_buffers") == "256MB"
    assert not configure(
        cluster, preset={"purpose": "tiny"}, settings={"shared_preload_libraries": "pg_stat_statements"},
        place={"memory_mb": 1024},
    )["changed"]  # fmt: skip


def test_the_package_s_own_file_and_the_modes(cluster, configure):
    main = cluster.main_file.read_text()
    configure(cluster, preset={"purpose": "tiny"}, hba={}, ident=[], settings={"work_mem": "6MB"})
    assert cluster.main_file.read_text() == main
    for name, (_text, mode, _time) in cluster.files().items():
        assert mode == 0o640 or name in ("postgresql.conf",), name
    assert (cluster.drop_ins / "99-settings.conf").stat().st_uid == cluster.account.uid


def test_memory_is_left_to_a_cluster_that_is_still_to_come(new_cluster, configure):
    one, two = new_cluster("one"), new_cluster("two")
    preset = {"preset": {"purpose": "tiny"}}
    configure(one, two, **preset, place={"memory_mb": 1024})
    alone = configure(one, **preset, place={"memory_mb": 1024, "sharing_memory": [{"name": "two"}]})
    assert alone["changed"] is False, alone
    more = configure(one, **preset, place={"memory_mb": 1024})
    assert more["changed"] is True, more


def test_a_check_without_the_driver_predicts_from_the_files(cluster, arguments_for, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "psycopg2.py").write_text("raise ImportError('there is none')\n")
    arguments = arguments_for(cluster, settings={"work_mem": "7MB"})
    predicted = run_in_fresh_python("pg_configuration", {**arguments, "_ansible_check_mode": True}, before=tmp_path)
    assert predicted["changed"] is True, predicted
    assert "psycopg2" in str(predicted["warnings"]), predicted
    refused = run_in_fresh_python("pg_configuration", arguments, before=tmp_path)
    assert refused["failed"] and "psycopg2" in refused["msg"], refused
