"""Presets: always startable, monotonous, and equal to what the launch system was tuned to by hand."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings import catalogue, check, presets, values
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings.presets import PURPOSES, Machine

CATALOGUE = catalogue.postgresql_16()
MEMORIES = (128, 512, 1024, 2048, 4096, 16384, 65536, 524288)
LAUNCH = {
    "max_connections": 1000,
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "maintenance_work_mem": "1GB",
    "checkpoint_completion_target": 0.9,
    "wal_buffers": "16MB",
    "default_statistics_target": 100,
    "random_page_cost": 1.1,
    "effective_io_concurrency": 200,
    "work_mem": "4MB",
    "min_wal_size": "1GB",
    "max_wal_size": "4GB",
    "max_worker_processes": 8,
    "max_parallel_workers_per_gather": 4,
    "max_parallel_workers": 8,
    "max_parallel_maintenance_workers": 4,
}
MANDATE_VAULT = {"max_connections": 100, "log_min_duration_statement": 1000, "log_statement": "all",
                 "log_connections": "on", "log_disconnections": "on"}  # fmt: skip


def numbers(found):
    return {name: values.meaning(CATALOGUE.get(name), str(value)) for name, value in found.items()}


def megabytes(found, name):
    setting = CATALOGUE.get(name)
    return numbers(found)[name] * {"8kB": 8 / 1024, "kB": 1 / 1024, "MB": 1}[setting.unit]


def test_the_launch_system_s_own_parameters_are_what_mixed_makes_of_its_machine():
    found = presets.preset("mixed", Machine(memory=16384, cpus=8), max_connections=1000)
    assert {name: found[name] for name in LAUNCH} == LAUNCH


@pytest.mark.parametrize("parameters", [LAUNCH, MANDATE_VAULT])
def test_the_parameters_of_the_systems_are_valid(parameters):
    texts, findings = check.check(CATALOGUE, parameters)
    assert not findings and len(texts) == len(parameters)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("cpus", [1, 2, 64])
def test_every_preset_is_one_that_the_server_starts_with(purpose, memory, cpus):
    for disk, disk_size, shm, segment in itertools.product(("ssd", "hdd"), (0, 300, 10**6), (0, 64, 8192), (1, 16, 64)):
        found = presets.preset(purpose, Machine(memory, cpus, disk, disk_size, shm, segment))
        texts, findings = check.check(CATALOGUE, found)
        assert not findings
        effective = {name: check.Effective(text, "") for name, text in texts.items()}
        assert not check.contradictions(CATALOGUE, effective, segment)
        assert megabytes(found, "shared_buffers") <= memory / 4 + 16
        assert numbers(found)["min_wal_size"] <= numbers(found)["max_wal_size"]
        assert numbers(found)["max_parallel_workers"] <= numbers(found)["max_worker_processes"]
        if disk_size > 2000:
            assert numbers(found)["max_wal_size"] <= disk_size / 5


@pytest.mark.parametrize("purpose", PURPOSES)
def test_more_memory_never_means_less_of_anything(purpose):
    found = [numbers(presets.preset(purpose, Machine(memory, 4))) for memory in MEMORIES]
    for less, more in itertools.pairwise(found):
        for name in ("shared_buffers", "effective_cache_size", "maintenance_work_mem", "work_mem", "wal_buffers"):
            assert less[name] <= more[name], name


@pytest.mark.parametrize("purpose", PURPOSES)
def test_more_connections_mean_less_for_each_and_never_more_than_there_is(purpose):
    previous = float("inf")
    for connections in (10, 50, 200, 1000, 5000):
        found = presets.preset(purpose, Machine(16384, 4), connections)
        assert found["max_connections"] == connections
        each = megabytes(found, "work_mem")
        assert each <= previous
        assert each * connections + megabytes(found, "shared_buffers") <= 16384
        previous = each


@pytest.mark.parametrize("purpose", PURPOSES)
def test_more_processors_never_mean_fewer_workers(purpose):
    found = [numbers(presets.preset(purpose, Machine(4096, cpus))) for cpus in (1, 2, 4, 8, 32, 128)]
    for less, more in itertools.pairwise(found):
        assert all(less[name] <= more[name] for name in less if name.startswith("max_") and "workers" in name)


def test_parallel_queries_are_off_where_their_memory_is_limited():
    assert presets.preset("mixed", Machine(4096, 8, shm=64))["max_parallel_workers_per_gather"] == 0
    assert presets.preset("mixed", Machine(4096, 8, shm=2048))["max_parallel_workers_per_gather"] == 4


def test_a_share_that_is_too_small_is_refused():
    with pytest.raises(GroundworkError, match="needs 128MB at least"):
        presets.preset("tiny", Machine(127, 1))


def test_shares_of_a_host():
    assert presets.shares({"a": None, "b": None}) == {"a": 50, "b": 50}
    assert presets.shares({"a": 60, "b": None, "c": None}) == {"a": 60, "b": 20, "c": 20}
    assert presets.shares({"a": 60, "b": 30}) == {"a": 60, "b": 30}
    for wanted in ({"a": 60, "b": 50}, {"a": 100, "b": None}):
        with pytest.raises(GroundworkError, match="of its memory"):
            presets.shares(wanted)
