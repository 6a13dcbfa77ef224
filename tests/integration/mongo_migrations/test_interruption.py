"""kill -9 in mid-batch, two runs at once, a lock that was left behind: nothing is lost and nothing is done twice."""

from __future__ import annotations

import signal
import time
import typing as t

import pytest

from .conftest import Migrations
from .network import Congestion

DOCUMENTS = 6000  # enough for a run to be killed in the middle


def kill_when(process: t.Any, condition: t.Callable[[], bool], seconds: float = 60) -> bool:
    """``kill -9`` as soon as the condition holds; whether it did before the process ended."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if condition():
            process.kill()
            process.wait()
            return True
        time.sleep(0.002)
    process.communicate()
    return False


def progress(migrations: t.Any) -> int:
    row = migrations.db.groundwork_migrations.find_one({"_id": "V 1"}) or {}
    return int((row.get("progress") or {}).get("documents") or 0)


NOT_REPEATABLE: dict[str, t.Any] = {
    "operators": {
        "update_many": {"collection": "things", "update": {"$inc": {"n": 1}, "$push": {"log": 1}}, "batch_size": 20}
    },
    "pipeline": {
        "backfill": {
            "collection": "things",
            "batch_size": 20,
            "pipeline": [{"$set": {"n": {"$add": ["$n", 1]}, "log": {"$concatArrays": ["$log", [1]]}}}],
        }
    },
}


@pytest.mark.parametrize("kind", NOT_REPEATABLE)
def test_killed_backfill_continues_and_changes_every_document_once(migrations: t.Any, kind: str) -> None:
    migrations.db.things.insert_many([{"_id": n, "n": 0, "log": []} for n in range(DOCUMENTS)])
    migrations.write("V1__count.json", NOT_REPEATABLE[kind])
    kills = 0
    for share in (0.05, 0.3):
        kills += kill_when(migrations.start(), lambda share=share: progress(migrations) > share * DOCUMENTS)
    assert kills == 2, "a run was too fast to be killed in the middle"
    assert 0 < progress(migrations) < DOCUMENTS
    last = migrations.run(diff=True)
    assert [a["action"] for a in last["actions"]] == ["continue"], last
    assert migrations.db.things.count_documents({"n": 1, "log": [1]}) == DOCUMENTS
    assert migrations.db.things.count_documents({"_groundwork_migration": {"$exists": True}}) == 0
    record = migrations.db.groundwork_migrations.find_one({"_id": "V 1"})
    assert record["success"] and record["progress"] is None
    assert not migrations.run()["changed"]


def test_killed_insert_continues_and_inserts_every_document_once(migrations: t.Any) -> None:
    documents = [{"n": n, "text": "x" * 200} for n in range(DOCUMENTS * 4)]
    migrations.write("V1__insert.json", {"insert": {"collection": "things", "documents": documents}})
    assert kill_when(migrations.start(), lambda: progress(migrations) > 1000)
    assert migrations.run()["actions"][0]["action"] == "continue"
    assert migrations.db.things.count_documents({}) == len(documents)
    assert len(migrations.db.things.distinct("n")) == len(documents)


def test_two_runs_at_once_apply_once(migrations: t.Any) -> None:
    migrations.db.things.insert_many([{"_id": n, "n": 0} for n in range(1000)])
    migrations.write(
        "V1__count.json", {"update_many": {"collection": "things", "update": {"$inc": {"n": 1}}, "batch_size": 50}}
    )
    runs = [migrations.start(lock_timeout=60) for _number in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in runs]
    assert [process.returncode for process in runs] == [0, 0, 0], outputs
    assert sum('"changed": true' in output for output in outputs) == 1
    assert migrations.db.things.count_documents({"n": 1}) == 1000


def test_run_that_was_stopped_and_overtaken_writes_nothing_more(migrations: t.Any) -> None:
    migrations.db.things.insert_many([{"_id": n, "n": 0, "log": []} for n in range(DOCUMENTS)])
    migrations.write("V1__count.json", NOT_REPEATABLE["operators"])
    stopped = migrations.start()
    while progress(migrations) < 400 and stopped.poll() is None:
        time.sleep(0.002)
    stopped.send_signal(signal.SIGSTOP)
    overtaking = migrations.run(lock_timeout=30)
    assert [a["action"] for a in overtaking["actions"]] == ["continue"], overtaking
    stopped.send_signal(signal.SIGCONT)
    output = stopped.communicate(timeout=120)[0]
    assert '"failed": true' in output and '"LOCK_LOST"' in output, output
    assert migrations.db.things.count_documents({"n": 1, "log": [1]}) == DOCUMENTS
    assert not migrations.run()["changed"]


@pytest.mark.parametrize("kind", NOT_REPEATABLE)
def test_batch_that_arrives_after_another_run_took_over_changes_nothing(migrations: t.Any, kind: str) -> None:
    migrations.db.things.insert_many([{"_id": n, "n": 0, "log": []} for n in range(100)])
    migrations.write("V1__count.json", NOT_REPEATABLE[kind])
    server = migrations.server
    with Congestion((server.host, server.port), b"$in\0") as network:
        late = migrations.start(login_port=network.port, connection_options={"directConnection": True})
        network.wait_until_stuck()
        overtaking = migrations.run(lock_timeout=30)
        assert [a["action"] for a in overtaking["actions"]] == ["continue"], overtaking
        network.end()
        output = late.communicate(timeout=120)[0]
    assert '"failed": true' in output and '"LOCK_LOST"' in output, output
    assert migrations.db.things.count_documents({"n": 1, "log": [1]}) == 100
    assert migrations.db.things.count_documents({"_groundwork_migration": {"$exists": True}}) == 0
    assert not migrations.run()["changed"]


def test_batch_that_takes_longer_than_the_lease_is_made_once(migrations: t.Any) -> None:
    """The lease is renewed meanwhile, for the run lives."""
    migrations.db.things.insert_many([{"_id": n, "n": 0, "log": []} for n in range(20)])
    update = {**NOT_REPEATABLE["operators"]["update_many"], "filter": {"$where": "sleep(200) || true"}}
    migrations.write("V1__count.json", {"update_many": update})
    result = migrations.run(lock_lease=3)
    assert result["changed"], result
    assert migrations.db.things.count_documents({"n": 1, "log": [1]}) == 20
    assert migrations.db.things.count_documents({"_groundwork_migration": {"$exists": True}}) == 0
    assert migrations.db.groundwork_migrations.find_one()["operations"][0]["modified"] == 20


def test_lock_of_another_run_is_respected_and_told(migrations: t.Any) -> None:
    now = migrations.client.admin.command("hello")["localTime"]
    migrations.db.groundwork_migrations_lock.insert_one(
        {
            "_id": "migrations",
            "owner": "someone",
            "host": "other-host",
            "pid": 42,
            "taken_at": now,
            "expires_at": now.replace(year=now.year + 1),
        }
    )
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"n": 1}]}})
    before = migrations.everything()
    refused = migrations.run(lock_timeout=1)
    assert refused["failed"] and refused["error_code"] == "LOCKED"
    assert "process 42 on other-host" in refused["msg"]
    assert migrations.everything() == before
    assert migrations.run(check=True)["changed"]


def test_lock_is_free_after_a_run(migrations: t.Any) -> None:
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"n": 1}]}})
    migrations.run()
    assert migrations.db.groundwork_migrations_lock.find_one()["owner"] is None
    migrations.write("V2__b.json", {"insert": {"collection": "things", "documents": [{"n": 2}]}})
    began = time.monotonic()
    assert migrations.run(lock_lease=300)["changed"]
    assert time.monotonic() - began < 30


def test_killed_server_is_no_loss(migrations: t.Any) -> None:
    """The server dies under the run; the run ends with an error and a rerun continues."""
    migrations.db.things.insert_many([{"_id": n, "n": 0} for n in range(DOCUMENTS)])
    migrations.write("V1__count.json", NOT_REPEATABLE["operators"])
    process = migrations.start(connect_timeout=2)
    deadline = time.monotonic() + 60
    while progress(migrations) < 400 and time.monotonic() < deadline:
        time.sleep(0.002)
    migrations.server.kill()
    migrations.server.start()
    output = process.communicate(timeout=120)[0]
    assert '"failed": true' in output or '"changed": true' in output
    if '"failed": true' in output:
        assert migrations.run()["actions"][0]["action"] == "continue"
    assert migrations.db.things.count_documents({"n": 1}) == DOCUMENTS
    assert migrations.db.things.count_documents({"_groundwork_migration": {"$exists": True}}) == 0


def test_primary_that_steps_down_is_waited_for(
    replica_set: t.Any, tmp_path: t.Any, run_module: t.Any, start_module: t.Any
) -> None:
    migrations = Migrations(replica_set, tmp_path, run_module, start_module)
    migrations.db.things.insert_many([{"_id": n, "n": 0} for n in range(DOCUMENTS)])
    migrations.write("V1__count.json", NOT_REPEATABLE["operators"])
    process = migrations.start(lock_lease=60)
    deadline = time.monotonic() + 60
    while progress(migrations) < 400 and time.monotonic() < deadline:
        time.sleep(0.002)
    migrations.client.admin.command({"replSetStepDown": 1, "force": True})
    output = process.communicate(timeout=120)[0]
    assert '"changed": true' in output, output
    assert migrations.db.things.count_documents({"n": 1}) == DOCUMENTS
    migrations.client.drop_database(migrations.name)
    migrations.client.close()
