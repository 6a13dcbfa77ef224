"""An account that owns a folder plants links in it: nothing of root's changes, and nothing of it is shown."""

from __future__ import annotations

import multiprocessing
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.groundwork.databases.plugins.module_utils._host.account import require_account
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import files as mongo_files
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters import apply, live, marker
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters.model import Host, Live
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import registering
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.server import Server, find_account
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import dry_run
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import live as pooler_live
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.declared import Wanted
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.render import Layout

SWAPS = 300


def refused(result: dict[str, t.Any], link: Path) -> None:
    assert result.get("failed") and result.get("error_code") == "LINK_REFUSED", result
    for part in (f"{link} is a link to", f"where: {link}", "untouched: ", "hint: Find out who made it"):
        assert part in result["msg"], result["msg"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "entry",
    [
        {"path": "tls", "state": "directory", "mode": "0755"},
        {"path": "tls/shadow", "content": "mine"},
        {"path": "tls/shadow", "state": "absent"},
        {"path": "tls/new", "state": "link", "target": "/etc"},
    ],
)
def test_host_files_follows_no_link_of_another_account(run_module, attacker, victim, entry, check):
    link = attacker.link(attacker.home / "tls", victim.folder)
    files = [{**entry, "path": str(attacker.home / entry["path"])}]
    if "content" in entry or entry["path"] == "tls":
        files[0] |= {"owner": attacker.name}
    refused(run_module("host_files", {"files": files}, check=check, diff=True), link)
    victim.assert_untouched()


def test_a_second_name_of_a_file_of_roots_is_not_given_away(run_module, attacker, victim):
    second = attacker.home / "shadow"
    second.hardlink_to(victim.secret)
    entry = {"path": str(second), "content": "", "owner": attacker.name, "mode": "0666"}
    result = run_module("host_files", {"files": [entry]})
    assert result.get("failed") and "has a second name elsewhere" in result["msg"], result
    second.unlink()
    victim.assert_untouched()


def test_a_link_that_only_root_can_have_made_is_followed(run_module, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "short").symlink_to("real")
    result = run_module("host_files", {"files": [{"path": f"{tmp_path}/short/file", "content": "x"}]})
    assert not result.get("failed") and (tmp_path / "real/file").read_text() == "x", result


def _swap(folder: Path, target: Path, uid: int, until: t.Any) -> None:
    os.setuid(uid)
    place, aside = folder / "tls", folder / "aside"
    link = folder / "link"
    link.symlink_to(target)
    while not until.is_set():
        place.rename(aside)
        link.rename(place)
        place.rename(link)
        aside.rename(place)


def test_a_folder_that_is_swapped_for_a_link_meanwhile(attacker, victim):
    from ansible_collections.groundwork.databases.plugins.module_utils._host import filesystem

    attacker.folder("tls")
    context = multiprocessing.get_context("fork")
    until = context.Event()
    swapping = context.Process(target=_swap, args=(attacker.home, victim.folder, attacker.account.uid, until))
    swapping.start()
    refusals = 0
    try:
        for number in range(SWAPS):
            try:
                filesystem.set_attributes(attacker.home / "tls", mode=0o755, owner=attacker.account.ids)
                filesystem.write(attacker.home / "tls/shadow", b"mine", owner=attacker.account.ids)
                filesystem.remove_tree(attacker.home / "tls/shadow")
            except (GroundworkError, OSError):
                refusals += 1
            assert swapping.is_alive(), number
    finally:
        until.set()
        swapping.join()
    assert refusals, "the race was never there"
    victim.assert_untouched()


def test_a_folder_that_becomes_a_link_between_the_look_at_it_and_its_use(attacker, victim, monkeypatch):
    from ansible_collections.groundwork.databases.plugins.module_utils._host import filesystem

    place, really_open = attacker.folder("tls"), os.open

    def swap_and_open(path: t.Any, *arguments: t.Any, **options: t.Any) -> int:
        if path == "tls" and not place.is_symlink():
            place.rename(attacker.home / "aside")
            place.symlink_to(victim.folder)
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", swap_and_open)
    with pytest.raises(NotADirectoryError):
        filesystem.set_attributes(place, mode=0o755, owner=attacker.account.ids)
    assert place.is_symlink()
    victim.assert_untouched()


# --- the clusters of a host


@pytest.fixture
def cluster(attacker, monkeypatch, tmp_path) -> Path:
    """The configuration folder of a cluster that the account owns, with its data folder."""
    for module in (live, apply):
        monkeypatch.setattr(module, "OWNER", attacker.name)
        monkeypatch.setattr(module, "CONFIGURATION", str(attacker.home / "etc"))
    monkeypatch.setattr(marker, "NOTES", tmp_path / "creating")
    attacker.folder("data")
    configuration = attacker.folder("etc", "main")
    content = f"data_directory = '{attacker.home}/data'\ninclude_dir = 'conf.d'\n"
    attacker.file(configuration / "postgresql.conf", content)
    return configuration


def read_host() -> Host:
    return live.read_host([], wanted_locales=[], unlisted_main="keep")


def test_a_line_break_in_the_name_of_a_folder_is_refused(attacker, cluster):
    attacker.link(attacker.home / "data/pg_wal", attacker.home / "wal\nExecStartPre=+/bin/sh")
    with pytest.raises(GroundworkError) as error:
        read_host()
    assert error.value.code == "UNPRINTABLE_PATH" and "control character" in error.value.what
    assert not any(line.startswith("ExecStartPre") for line in error.value.message.splitlines())
    assert error.value.untouched == "everything" and error.value.hint


def test_start_conf_that_is_a_link_is_neither_shown_nor_written(attacker, cluster, victim, secret):
    link = attacker.link(cluster / "start.conf", victim.secret)
    plan = _step("set", "start.conf", "manual")
    for attempt in (read_host, lambda: apply.apply_plan(plan, _host(victim.folder), [])):
        with pytest.raises(GroundworkError) as error:
            attempt()
        refused({"failed": True, **error.value.result()}, link)
        assert secret not in error.value.message
    victim.assert_untouched()


def test_the_mode_of_a_data_folder_is_changed_as_its_account(cluster, victim):
    with pytest.raises(GroundworkError, match="Operation not permitted") as error:
        apply.apply_plan(_step("close", "permissions", "0777"), _host(victim.folder), [])
    assert error.value.where == str(victim.folder) and error.value.untouched and error.value.hint
    victim.assert_untouched()


def test_the_end_of_a_log_is_read_as_its_account(attacker, victim, secret):
    account = require_account(attacker.name)
    assert account.read_log(attacker.link(attacker.home / "server.log", victim.secret)) == ""
    log = attacker.file(attacker.home / "real.log", "a\n" * 200_000 + "z\n")
    assert account.read_log(log).endswith("a\na\nz\n")
    assert len(account.read_log(log)) == 200_000
    assert account.read_log(log, 400_000) == "z\n"


def _step(action: str, kind: str, after: str) -> Plan:
    return Plan((Step(action, kind, "main", before="auto", after=after),))


def _host(data: Path) -> Host:
    seen = Live(
        name="main", port=5432, data_directory=str(data), start="auto", pid=None, running_port=None, mode=0o700,
        fixed={},
    )  # fmt: skip
    nothing: t.Any = frozenset()
    return Host({}, {}, True, None, nothing, nothing, nothing, {"main": seen}, {}, {})


# --- the configuration of a cluster


def configure(run_module, attacker, tmp_path, check=False, **options):
    described = {
        "name": "main", "config_directory": str(attacker.home / "etc/main"),
        "data_directory": str(attacker.home / "data"), **options,
    }  # fmt: skip
    arguments = {
        "clusters": [described], "owner": attacker.name, "state_directory": str(tmp_path / "state"),
        "bin_directory": str(attacker.home / "bin"),
    }  # fmt: skip
    return run_module("pg_configuration", arguments, check=check, diff=True)


@pytest.mark.parametrize("check", [True, False])
def test_drop_ins_go_through_no_link(run_module, attacker, cluster, victim, tmp_path, check):
    link = attacker.link(cluster / "conf.d", victim.folder)
    refused(configure(run_module, attacker, tmp_path, check, settings={"work_mem": "8MB"}), link)
    victim.assert_untouched()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["pg_hba.conf", "conf.d/50-own.conf", "postgresql.conf"])
def test_configuration_is_read_with_the_rights_of_its_account(
    run_module, attacker, cluster, victim, tmp_path, secret, name, check
):
    attacker.folder("etc", "main", "conf.d")
    (cluster / name).unlink(missing_ok=True)
    link = attacker.link(cluster / name, victim.secret)
    result = configure(run_module, attacker, tmp_path, check, settings={"work_mem": "8MB"}, hba={})
    refused(result, link)
    assert secret not in result.output and attacker.name in result["msg"]
    assert [path.name for path in cluster.glob("**/99-*")] == []
    victim.assert_untouched()


def test_a_file_that_the_server_could_not_read_is_not_shown_to_it(
    run_module, attacker, cluster, victim, tmp_path, secret
):
    """The installed server is asked about a copy of the folder, as the account."""
    program, seen = attacker.folder("bin") / "postgres", attacker.file(attacker.home / "seen")
    lines = [
        "#!/bin/sh",
        '[ "$1" = -C ] || exit 0',
        'for argument in "$@"; do case $argument in config_file=*) cd "$(dirname "${argument#*=}")";; esac; done',
        f'grep -rs "" . >> {seen}',
        f"ln -s /etc/passwd x.conf 2>> {seen} || echo kept out >> {seen}",
    ]
    attacker.file(program, "\n".join(lines) + "\n")
    with attacker.acting():
        program.chmod(0o755)
    attacker.link(cluster / "other.conf", victim.secret)
    result = configure(run_module, attacker, tmp_path, settings={"work_mem": "8MB"})
    assert not result.get("failed"), result
    shown = seen.read_text()
    assert "work_mem" in shown and secret not in shown
    assert "kept out" in shown, "the account could change the copy"
    victim.assert_untouched()


# --- a standby


def standby(attacker, **options: t.Any) -> dict[str, t.Any]:
    return {
        "data_directory": str(attacker.home / "data"), "account": attacker.name, "hosts": ["127.0.0.1:1"],
        "user": "replicator", "rebuild": True, "rebuild_method": "copy", "bin_directory": "/nonexistent", **options,
    }  # fmt: skip


@pytest.mark.parametrize("check", [True, False])
def test_a_rebuilt_standby_empties_no_folder_of_another_account(run_module, attacker, victim, check):
    attacker.file(attacker.folder("data") / "PG_VERSION", "16\n")
    attacker.link(attacker.folder("data", "pg_tblspc") / "16385", victim.folder)
    result = run_module("pg_standby", standby(attacker), check=check)
    assert result.get("failed") and result.get("error_code") == "STANDBY_FOLDER_FOREIGN", result
    for part in (str(victim.folder), attacker.name, "untouched: everything", "pg_tblspc", "hint: "):
        assert part in result["msg"], result["msg"]
    assert (attacker.home / "data/PG_VERSION").read_text() == "16\n"
    victim.assert_untouched()


@pytest.mark.parametrize("check", [True, False])
def test_a_planted_marker_is_not_believed(run_module, attacker, victim, check):
    attacker.file(attacker.folder("data") / "PG_VERSION", "16\n")
    attacker.file(attacker.home / ".data.groundwork-copying", f'{{"folders": ["{victim.folder}"]}}')
    result = run_module("pg_standby", standby(attacker, rebuild=False), check=check)
    assert result.get("failed") and "holds a primary, not a standby" in result["msg"], result
    assert (attacker.home / "data/PG_VERSION").read_text() == "16\n"
    victim.assert_untouched()


def test_what_a_primary_sent_is_written_over_as_the_account(attacker, victim):
    link = attacker.link(attacker.folder("data") / "pg_hba.conf", victim.secret)
    server = Server(link.parent, Path("/nonexistent"), find_account(attacker.name), None, None, {})
    registering._write(server, "pg_hba.conf", "local all all peer\n")
    assert link.read_text() == "local all all peer\n" and link.lstat().st_uid == attacker.account.uid
    victim.assert_untouched()


# --- the pooler and mongod


def test_the_trial_start_gives_the_account_nothing_to_change(attacker):
    """The program stands in for one that was taken over: it looks for a way to change what root wrote."""
    program = attacker.file(
        attacker.home / "pgbouncer",
        '#!/bin/sh\ncd "$(dirname "$1")"\nfor name in userlist.txt said x; do\n'
        'rm -f "$name" 2>/dev/null; ln -s /etc/passwd "$name" 2>/dev/null && echo "FATAL changed $name"; done\n'
        'grep -q pgbouncer "$1" && echo "FATAL read the file"\n',
    )
    program.chmod(0o755)
    wanted = Wanted((1, 25, 2), 1, (), 6432, {}, (), (), ())
    with pytest.raises(GroundworkError) as error:
        dry_run.try_out(str(program), require_account(attacker.name), wanted)
    assert error.value.code == "TRIAL_FAILED" and "read the file" in error.value.what, error.value
    assert "changed" not in error.value.what


def test_what_a_pooler_read_is_noted_where_its_account_cannot_write(attacker, victim):
    layout = Layout("/nonexistent", str(attacker.home), "/nonexistent")
    attacker.file(attacker.folder("1") / "pgbouncer.pid", "1\n")
    link = attacker.link(attacker.home / "1/groundwork.loaded", victim.secret)
    pooler_live.write_stamp(layout, 1, "digest")
    assert pooler_live.read_stamp(layout, 1) == "digest"
    with attacker.acting():
        link.unlink()
    attacker.file(link, "1 another\n")
    assert pooler_live.read_stamp(layout, 1) == "digest"
    victim.assert_untouched()


def test_a_key_file_goes_through_no_link(attacker, victim, secret):
    link = attacker.link(attacker.home / "keyfile", victim.secret)
    wanted = mongo_files.WantedFile("key file", str(link), secret, attacker.name, "root", 0o644, True)
    for attempt in (mongo_files.plan_file, mongo_files.write_file):
        with pytest.raises(GroundworkError) as error:
            attempt(wanted)
        refused({"failed": True, **error.value.result()}, link)
    victim.assert_untouched()
