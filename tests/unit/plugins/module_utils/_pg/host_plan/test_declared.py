"""Defaults of a cluster's options: what argument_specs.yml documents is what the plan fills in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._pg.host_plan import declared
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import member_settings

SPECIFICATION = Path(__file__).resolve().parents[6] / "roles/postgresql_16/meta/argument_specs.yml"
CLUSTER = yaml.safe_load(SPECIFICATION.read_text())["argument_specs"]["main"]["options"]["postgresql_16_clusters"][
    "options"
]


def documented(options):
    return {
        name: option["default"] for name, option in options.items() if "default" in option and option["default"] != {}
    }


@pytest.mark.parametrize(("kind", "options"), [(declared.Cluster, CLUSTER), (declared.Tls, CLUSTER["tls"]["options"])])
def test_defaults_are_the_documented_ones(kind, options):
    filled = {field.name: field.default for field in dataclasses.fields(kind)}
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in filled.items()}
    # These go to pg_clusters as they were written, which has their defaults, and to the modules of contents.
    elsewhere = {"confirm_removal", "initdb_options", "certificate", "key", "ca", *declared.CONTENTS}
    assert {name: found[name] for name in documented(options) if name not in elsewhere} == {
        name: default for name, default in documented(options).items() if name not in elsewhere
    }


def test_defaults_of_replication_are_the_documented_ones():
    defaults = documented(CLUSTER["replication"]["options"])
    assert {name: member_settings.DEFAULTS[name] for name in defaults} == defaults


def test_flags_and_numbers_may_be_written_as_text():
    (cluster,) = declared.read(
        [{"name": "a", "port": "5433", "memory_percent": "10", "hba_defaults": "no", "tls": {"require": "false"}}]
    )
    assert (cluster.port, cluster.memory_percent, cluster.hba_defaults, cluster.tls.require) == (5433, 10, False, False)


def test_what_is_null_is_left_at_its_default():
    (cluster,) = declared.read([{"name": "a", "tls": None, "replication": None, "roles": None, "preset": None}])
    assert cluster == declared.read([{"name": "a"}])[0] and not cluster.replicated
