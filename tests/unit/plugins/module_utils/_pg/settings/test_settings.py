"""Settings: units, types, lists, what is refused and with which words."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings import catalogue, check, units, values

CATALOGUE = catalogue.postgresql_16()


def setting(name: str) -> catalogue.Setting:
    found = CATALOGUE.get(name)
    assert found
    return found


# What a running PostgreSQL 16 shows for each: see the integration test test_catalogue.py, which asks it.
NUMBERS = [
    ("shared_buffers", "1GB", 131072),
    ("shared_buffers", "131072", 131072),
    ("shared_buffers", " 1048576 kB ", 131072),
    ("shared_buffers", "1.5GB", 196608),
    ("shared_buffers", "0.01TB", 1310720),
    ("work_mem", "65537B", 64),
    ("work_mem", "30.1GB", 31561728),
    ("work_mem", "0x1000", 4096),
    ("work_mem", "0200", 128),
    ("max_wal_size", "1e3", 1000),
    ("statement_timeout", "1.5min", 90000),
    ("statement_timeout", "1d", 86400000),
    ("checkpoint_timeout", "5min", 300),
    ("log_rotation_age", "1d", 1440),
    ("log_min_duration_statement", "-1", -1),
    ("vacuum_cost_delay", "1500us", 1.5),
    ("checkpoint_completion_target", ".9", 0.9),
    ("autovacuum_vacuum_scale_factor", "2e-2", 0.02),
]


@pytest.mark.parametrize(("name", "text", "number"), NUMBERS)
def test_a_number_means_what_the_server_makes_of_it(name, text, number):
    assert values.meaning(setting(name), text) == pytest.approx(number)
    assert values.text(name, setting(name), text) == text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("shared_buffers", "1gb", 'write "GB"'),
        ("shared_buffers", "1 GiB", 'the unit "GiB" is none of B, kB, MB, GB, TB'),
        ("shared_buffers", "10ms", 'the unit "ms" is none of'),
        ("shared_buffers", 1, "it takes a whole number from 128kB to 8589934584kB"),
        ("max_connections", "10MB", "this setting has no unit"),
        ("max_connections", "", "it is not a number"),
        ("max_connections", "ten", "it is not a number"),
        ("max_connections", True, "YAML has read a boolean"),
        ("work_mem", "1e400", "it is too large"),
        ("statement_timeout", "1 m", "none of us, ms, s, min, h, d"),
        ("autovacuum_vacuum_scale_factor", "101", "it takes a number from 0 to 100"),
        ("autovacuum", "perhaps", "neither on nor off"),
        ("autovacuum", "o", "neither on nor off"),
        ("wal_level", "archive", "none of minimal, replica, logical"),
        ("log_statement", False, "none of none, ddl, mod, all"),
        ("archive_command", True, "put the value in quotes"),
        ("work_mem", ["4MB"], "this setting takes one value"),
        ("work_mem", {"a": 1}, "it is a dictionary"),
        ("archive_command", "a\0b", "zero byte"),
    ],
)
def test_a_value_that_the_server_refuses_is_refused_with_what_it_takes(name, value, words):
    with pytest.raises(values.BadValue) as refused:
        values.text(name, setting(name), value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("jit", False, "off"),
        ("jit", "TRUE", "TRUE"),
        ("jit", "of", "of"),
        ("synchronous_commit", False, "off"),
        ("synchronous_commit", "yes", "yes"),
        ("huge_pages", True, "on"),
        ("log_statement", "DDL", "DDL"),
        ("shared_preload_libraries", ["pg_stat_statements", "auto_explain"], "pg_stat_statements, auto_explain"),
        ("shared_preload_libraries", "pg_stat_statements,auto_explain", "pg_stat_statements,auto_explain"),
        ("shared_preload_libraries", "", ""),
        ("shared_preload_libraries", [], ""),
        ("search_path", ["$user", "public", "My Schema"], '"$user", public, "My Schema"'),
        ("listen_addresses", ["10.0.0.1", "::1"], "10.0.0.1, ::1"),
        ("log_line_prefix", "%m it's ", "%m it's "),
        ("my_library.thing", ["a", "b"], "a, b"),
    ],
)
def test_yaml_becomes_what_the_server_reads(name, value, text):
    assert values.text(name, CATALOGUE.get(name), value) == text


@pytest.mark.parametrize(
    "value", ['"pg_stat_statements,auto_explain"', ["pg_stat_statements,auto_explain"], "'a', 'b'", ["a b"]]
)
def test_too_many_quotes_around_libraries_are_refused(value):
    with pytest.raises(values.BadValue, match="one library called"):
        values.text("shared_preload_libraries", setting("shared_preload_libraries"), value)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("jit", "on", "1"), ("jit", "off", "f"), ("synchronous_commit", "on", "TRUE"),
        ("wal_level", "Replica", "replica"), ("wal_compression", "on", "pglz"),
        ("shared_preload_libraries", "a,b", ' a , "b"'), ("work_mem", "4MB", "4096"), ("timezone", "UTC", "UTC"),
    ],
)  # fmt: skip
def test_values_are_equal_by_what_they_mean(name, one, other):
    assert values.meaning(setting(name), one) == values.meaning(setting(name), other)


def reasons(**wanted):
    return {finding.name: finding.reason for finding in check.check(CATALOGUE, wanted)[1]}


def test_an_unknown_name_is_told_with_its_neighbour():
    assert reasons(shared_bufers="1GB")["shared_bufers"].endswith('did you mean "shared_buffers"?')
    assert "did you mean" not in reasons(frobnication=1)["frobnication"]


@pytest.mark.parametrize("name", sorted(catalogue.ADVICE))
def test_settings_of_other_versions_come_with_advice(name):
    assert CATALOGUE.get(name) is None
    assert catalogue.ADVICE[name] in reasons(**{name: 1})[name]


def test_names_are_compared_as_the_server_compares_them():
    assert not reasons(TimeZone="UTC", timezone="UTC", WORK_MEM="4MB")


def test_custom_settings_are_allowed_where_nobody_knows_better():
    texts, findings = check.check(CATALOGUE, {"myapp.tenant": "7", "pg_stat_statements.max": "5000"})
    assert not findings and texts["myapp.tenant"] == "7"
    assert 'did you mean "pg_stat_statements.max"' in reasons(**{"pg_stat_statements.mx": 1})["pg_stat_statements.mx"]
    assert "no such setting" in reasons(**{"my app.x": 1})["my app.x"]


@pytest.mark.parametrize("name", sorted(check.OF_THE_CLUSTER))
def test_where_the_server_lies_is_no_setting_of_the_user(name):
    assert check.OF_THE_CLUSTER[name] in reasons(**{name: "x"})[name]
    assert not check.check(CATALOGUE, {"port": 5433}, may_place=True)[1]


def test_null_is_left_out():
    assert check.check(CATALOGUE, {"work_mem": None}) == ({}, [])


def test_secrets_are_hidden_and_found():
    conninfo = "host=a password='it\\'s secret' user=b"
    assert check.hidden("primary_conninfo", conninfo) == "host=a password=(hidden) user=b"
    assert check.hidden("ssl_passphrase_command", "echo x") == "(hidden)"
    assert check.secrets("ssl_passphrase_command_supports_reload", True) == []
    assert check.hidden("password_encryption", "scram-sha-256") == "scram-sha-256"
    assert check.secrets("primary_conninfo", conninfo) == ["it\\'s secret"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({}, []),
        ({"max_connections": "3"}, ["max_connections"]),
        ({"max_connections": "5", "reserved_connections": "2"}, ["max_connections"]),
        ({"wal_level": "minimal", "max_wal_senders": "0"}, []),
        ({"wal_level": "minimal"}, ["wal_level"]),
        ({"wal_level": "minimal", "max_wal_senders": "0", "archive_mode": "on"}, ["wal_level"]),
        ({"min_wal_size": "16MB"}, ["min_wal_size"]),
        ({"max_connections": "262143"}, ["max_connections"]),
    ],
)
def test_combinations_that_cannot_start(said, names):
    effective = {name: check.Effective(text, "a file") for name, text in said.items()}
    assert [finding.name for finding in check.contradictions(CATALOGUE, effective)] == names


def test_a_running_server_knows_better():
    live = catalogue.Setting("work_mem", "integer", "user", "kB", 64, 100, "64")
    known = CATALOGUE.with_live([live])
    assert check.check(known, {"work_mem": "1MB"})[1] and not check.check(CATALOGUE, {"work_mem": "1MB"})[1]


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(131072, "8kB", "1GB"), (131073, "8kB", "1048584kB"), (90000, "ms", "90s"), (0, "kB", "0"), (-1, "kB", "-1"),
     (300, "s", "5min"), (1000, "", "1000"), (0.5, "", "0.5")],
)  # fmt: skip
def test_numbers_are_shown_as_people_write_them(number, unit, text):
    assert units.text(number, unit) == text


@pytest.mark.parametrize(
    ("name", "value", "secrets", "shown"),
    [
        ("archive_command", "PGPASSWORD='a b' x %p", ["a b"], "PGPASSWORD=(hidden) x %p"),
        ("archive_command", "AWS_SECRET_ACCESS_KEY=hush aws s3 cp %p s3://b", ["hush"],
         "AWS_SECRET_ACCESS_KEY=(hidden) aws s3 cp %p s3://b"),
        ("restore_command", 'x --api-key="hu\\"sh" %f', ['hu\\"sh'], "x --api-key=(hidden) %f"),
        ("restore_command", "curl https://me:hu@sh@host/%f", ["hu@sh"], "curl https://me:(hidden)@host/%f"),
        ("primary_conninfo", "postgresql://me:hush@host/", ["hush"], "postgresql://me:(hidden)@host/"),
        ("archive_command", "PGPASSWORD=$(cat /etc/x) y --token-file=/etc/z", [],
         "PGPASSWORD=$(cat /etc/x) y --token-file=/etc/z"),
        ("archive_command", "cp %p s3://bucket/%f", [], "cp %p s3://bucket/%f"),
    ],
)  # fmt: skip
def test_a_secret_in_a_command_or_an_address_is_hidden(name: str, value: str, secrets: list[str], shown: str) -> None:
    assert check.secrets(name, value) == secrets
    assert check.hidden(name, value) == shown


def test_an_address_with_a_password_is_refused() -> None:
    _texts, findings = check.check(CATALOGUE, {"primary_conninfo": "postgresql://me:hush@host/"})
    assert "passfile=" in findings[0].reason and "hush" not in findings[0].reason


def test_a_long_value_is_searched_for_secrets_in_one_pass() -> None:
    """A search that began anew at each character would take minutes here."""
    assert check.secrets("app.filler", "x" * 1_000_000) == []
    assert check.hidden("app.filler", "my-PGPASSWORD=secret1 x") == "my-PGPASSWORD=(hidden) x"
