"""The role postgresql_16 on a host that answers as a compromised one would."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
from answering_hosts import CANARY, Answers, Case, Outcome, canary, run_role

SERVER = {"running": True, "running_port": 5432, "version": "16.4", "standby": False, "restart_reasons": []}
CONFIGURED = {"running": True, "changed": True, "pending_restart": [], "binary_newer": None, "warnings": []}
JINJA = "{{ lookup('ansible.builtin.file', '/etc/hostname') }}"


def place(name: str, **facts: t.Any) -> dict[str, t.Any]:
    """What pg_clusters answers for a new cluster."""
    return {
        "name": name, "exists": False, "data_directory": f"/var/lib/postgresql/16/{name}", "wal_directory": "",
        "config_directory": f"/etc/postgresql/16/{name}", "socket_directory": "/var/run/postgresql",
        "log_file": f"/var/log/postgresql/postgresql-16-{name}.log", "unit": f"postgresql@16-{name}.service",
        "port": 5432, "running_port": None, "standby": False, **facts,
    }  # fmt: skip


def honest(*names: str) -> dict[str, t.Any]:
    return {
        "pg_clusters": {
            "changed": True, "actions": [], "clusters": [place(name) for name in names], "unlisted": [],
            "installed": False,
            "system": {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian GNU/Linux 12"},
        },
        "host_files": {"changed": False, "changed_files": []},
        "host_kernel": {"changed": False, "not_permitted": []},
        "pg_configuration": {"changed": True, "clusters": [{"name": name, **CONFIGURED} for name in names]},
        "pg_services": {"changed": True, "clusters": [{"name": name, **SERVER} for name in names]},
        "pg_contents": {"changed": False, "actions": [], "server_version": "16.4"},
        "pg_schema_apply": {"changed": False, "actions": [], "schema_version": "1", "migrations_executed": 0},
    }  # fmt: skip


def lying(module: str, /, **fields: t.Any) -> Answers:
    """Honest answers, but for these fields of the first cluster in the answer of one module."""
    answers = honest("shop", "archive")
    answers[module]["clusters"][0].update(fields)
    return {"db1": answers}


RUNNING: dict[str, t.Any] = {
    "state": "running", "role": "primary", "system_identifier": "7574512345678901234", "timeline": 1,
    "lsn": "0/5000148", "replay_lsn": None, "replay_paused": False, "started": "2026-11-01T10:00:00.123456+00:00",
    "server_version": "16.4", "installed_version": "16.4", "history": [], "receiver": None, "senders": [], "slots": [],
    "pending_restart": [], "settings": {"max_connections": "100", "lc_messages": "C.UTF-8"},
    "control_settings": {"max_connections": 100}, "base_backups": 0, "prepared_transactions": 0,
    "longest_transaction_seconds": 0, "archive_failing": False,
}  # fmt: skip


def members(**lies: t.Any) -> Answers:
    """A primary that says what it likes, and a host without data that becomes its standby."""
    answers: Answers = {"db1": honest("shop"), "db2": honest("shop")}
    answers["db1"]["pg_clusters"]["clusters"] = [place("shop", exists=True, running_port=5432)]
    answers["db1"]["pg_replication_info"] = {"changed": False, "member": {**RUNNING, **lies}}
    answers["db1"]["pg_replication"] = {"changed": False, "actions": [], "member": {**RUNNING, **lies}}
    answers["db2"]["pg_replication_info"] = {"changed": False, "member": {"state": "absent", "role": None}}
    answers["db2"]["pg_replication"] = {"changed": False, "actions": [], "member": {}}
    answers["db2"]["pg_standby"] = {"changed": True, "actions": []}
    return answers


# Fields and values that no host may answer.
UNFIT_PLACES = [
    ("wal_directory", "/srv/wal\nExecStartPre=+/bin/sh"),
    ("wal_directory", "/srv/" + JINJA),
    ("wal_directory", "/srv/wal /etc"),
    ("wal_directory", "/srv/%h"),
]
UNFIT_SHAPES = [
    ({"clusters": [place("shop"), place("archive"), place("third")]}, "clusters[2].name"),
    ({"ansible_facts": {"postgresql_16_repository_key_file": "/etc/shadow"}}, "ansible_facts"),
]
UNFIT_LATER = [
    ("pg_configuration", "pending_restart", "work_mem", "pg_services"),
    ("pg_services", "running", "yes", "pg_contents"),
]


def asking_for_files(secret: Path, migrations: Path) -> Answers:
    return lying(
        "pg_clusters",
        tls={"mode": "given", "certificate": "", "certificate_file": str(secret), "key": "",
             "key_file": str(secret), "ca": "", "ca_file": "", "require": False,
             "min_protocol_version": "TLSv1.2", "names": []},
        migrations=[{"database": "postgres", "locations": [str(migrations)]}],
    )  # fmt: skip


def with_no_facts() -> Answers:
    return lying(
        "pg_clusters",
        roles=[{"name": "intruder", "superuser": True}],
        databases=[{"name": "intruder"}],
        partitions=[{"database": "postgres", "tables": []}],
        row_security=[{"database": "postgres", "policies": []}],
        replication={"members": ["db1", "db2"], "password": "x"},
        settings={"archive_command": "curl intruder"},
        hba=[{"type": "host", "databases": ["all"], "users": ["intruder"], "address": "0.0.0.0/0", "method": "trust"}],
        hba_defaults=False,
        listen_addresses=["*"],
        port=1,
        data_directory="/somewhere/else",
        config_directory="/root",
        socket_directory="/root",
        log_file="/etc/shadow",
        unit="ssh.service",
    )


def of_another_shape(change: dict[str, t.Any]) -> Answers:
    answers = honest("shop", "archive")
    answers["pg_clusters"].update(change)
    return {"db1": answers}


def with_huge_pages() -> Answers:
    answers = honest("shop", "archive")
    answers["pg_huge_pages_info"] = {"changed": False, "pages": "10\nkernel.core_pattern=|/intruder", "clusters": {}}
    return {"db1": answers}


def with_two_that_lead() -> Answers:
    answers = members()
    answers["db2"]["pg_clusters"]["clusters"] = [place("shop", exists=True, running_port=5432)]
    standby = {"started": "2026-11-01T10:00:01+00:00", "role": "standby", "receiver": {"status": "streaming"}}
    answers["db2"]["pg_replication_info"] = {"changed": False, "member": {**RUNNING, **standby}}
    answers["db2"]["pg_replication"] = copy.deepcopy(answers["db2"]["pg_replication_info"])
    answers["db2"]["pg_services"] = {"changed": False, "clusters": [{"name": "shop", **SERVER, "standby": False}]}
    return answers


def cases_of_one_host(secret: Path, migrations: Path) -> dict[str, Case]:
    clusters = [
        {"name": "shop", "roles": [{"name": "app"}], "data_directory": "/srv/shop"},
        {"name": "archive", "port": 5433},
    ]
    described = {"db1": {"postgresql_16_clusters": clusters}}
    answers = {
        "true": {"db1": honest("shop", "archive")},
        "files": asking_for_files(secret, migrations),
        "no facts": with_no_facts(),
        "turned round": {"db1": honest("archive", "shop")},
        **{f"place {value}": lying("pg_clusters", **{field: value}) for field, value in UNFIT_PLACES},
        **{f"shape {named}": of_another_shape(change) for change, named in UNFIT_SHAPES},
        **{f"later {field}": lying(module, **{field: value}) for module, field, value, _afterwards in UNFIT_LATER},
        "reason": lying("pg_services", restart_reasons=[f"{JINJA}\x1b[2J"]),
    }
    cases = {name: Case(described, each) for name, each in answers.items()}
    huge = {"db1": {**described["db1"], "postgresql_16_kernel_huge_pages": True}}
    return {**cases, "huge pages": Case(huge, with_huge_pages())}


def cases_of_a_pair() -> dict[str, Case]:
    def pair(**more: t.Any) -> dict[str, t.Any]:
        clusters = [{"name": "shop", "replication": {"members": ["db1", "db2"], "password": "x"}, **more}]
        return {name: {"postgresql_16_clusters": clusters} for name in ("db1", "db2")}

    lies = {"settings": {**RUNNING["settings"], "shared_preload_libraries": "intruder", "archive_command": "intruder"}}
    return {
        "facts": Case(pair(), members(**lies, intruder="x", rebuild=["db2"])),
        "two lead": Case(pair(roles=[{"name": "app", "password": "known to the primary"}]), with_two_that_lead()),
        "unfit member": Case(pair(), members(settings={"lc_messages": "C'\narchive_command = 'intruder"})),
    }


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("postgresql_16")
    migrations = folder / "wanted"
    migrations.mkdir()
    (migrations / "V1__secret.sql").write_text(f"-- {CANARY}")
    cases = {**cases_of_one_host(canary(folder), migrations), **cases_of_a_pair()}
    return run_role(folder, "postgresql_16", cases)


def test_no_file_of_the_controller_reaches_a_host_that_asks_for_it(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["files"]
    assert CANARY not in outcome.sent + outcome.everything
    assert outcome.modules() and "pg_schema_apply" not in outcome.modules()
    assert outcome.code == 0, outcome.output


def test_what_is_no_fact_changes_nothing(outcomes: dict[str, Outcome]) -> None:
    true, false = outcomes["true"], outcomes["no facts"]
    assert true.code == 0, true.output
    assert "intruder" not in false.sent
    assert false.code == 0, false.output
    assert true.questions and false.questions == true.questions


def test_answers_are_matched_by_name(outcomes: dict[str, Outcome]) -> None:
    true, false = outcomes["true"], outcomes["turned round"]
    assert false.code == 0, false.output
    assert true.questions and false.questions == true.questions


@pytest.mark.parametrize(("field", "value"), UNFIT_PLACES)
def test_a_place_that_does_not_fit_is_refused_before_anything_is_written(
    outcomes: dict[str, Outcome], field: str, value: str
) -> None:
    outcome = outcomes[f"place {value}"]
    assert f"The host db1 answered clusters[0].{field} = " in outcome.output, outcome.output
    assert "It may be compromised" in outcome.output and "nothing was written because of it" in outcome.output
    assert outcome.code == 2 and set(outcome.modules()) == {"pg_clusters"}


@pytest.mark.parametrize(("change", "named"), UNFIT_SHAPES)
def test_an_answer_of_another_shape_is_refused(
    outcomes: dict[str, Outcome], change: dict[str, t.Any], named: str
) -> None:
    outcome = outcomes[f"shape {named}"]
    assert f"The host db1 answered {named} = " in outcome.output, outcome.output
    assert outcome.code == 2 and set(outcome.modules()) == {"pg_clusters"}


@pytest.mark.parametrize(("module", "field", "value", "afterwards"), UNFIT_LATER)
def test_later_answers_are_read_the_same_way(
    outcomes: dict[str, Outcome], module: str, field: str, value: t.Any, afterwards: str
) -> None:
    outcome = outcomes[f"later {field}"]
    assert f"The host db1 answered clusters[0].{field}" in outcome.output, outcome.output
    assert outcome.code == 2 and module in outcome.modules() and afterwards not in outcome.modules()


def test_a_reason_is_only_shown(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["reason"]
    assert outcome.code == 0, outcome.output
    assert "{ lookup(" in outcome.output and Path("/etc/hostname").read_text().strip() not in outcome.everything
    assert "\x1b" not in outcome.everything


def test_another_host_acts_on_facts_only(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["facts"]
    assert outcome.code == 0, outcome.output
    (copied,) = outcome.arguments("pg_standby", "db2")
    assert copied["base_settings"] == {"max_connections": "100", "lc_messages": "C.UTF-8"}
    assert copied["rebuild"] is False and copied["system_identifier"] == RUNNING["system_identifier"]
    assert "intruder" not in outcome.sent


def test_a_standby_that_says_it_leads_is_no_primary(outcomes: dict[str, Outcome]) -> None:
    """Contents, and the poolers of later plays, would go to it."""
    outcome = outcomes["two lead"]
    assert outcome.code == 0, outcome.output
    assert outcome.arguments("pg_contents", "db1") and not outcome.arguments("pg_contents", "db2")
    handed_over = outcome.output[outcome.output.index("Report | Hand over how to reach the servers"):]
    assert handed_over.count("state: elsewhere") == 1 and handed_over.count("state: running") == 1


def test_a_member_that_does_not_fit_is_refused(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["unfit member"]
    assert "The host db1 answered member.settings.lc_messages = " in outcome.output, outcome.output
    assert outcome.code == 2
    assert not {"pg_standby", "pg_configuration", "pg_services", "pg_replication"} & set(outcome.modules())


def test_huge_pages_are_a_number(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["huge pages"]
    assert "The host db1 answered pages" in outcome.output and outcome.code == 2, outcome.output
    assert "host_kernel" not in outcome.modules()
