"""The alert rules of the role mongodb_7, and the exporter that they look at."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.host_plan.monitoring import LIMITS

ROLE = Path(__file__).resolve().parents[3] / "roles/mongodb_7"
# What the five systems ask to be told of: processor, disk, connections, errors, replication lag.
ASKED_FOR = {"MongodbHighCpu", "MongodbLowDisk", "MongodbConnections", "MongodbErrors", "MongodbReplicationLag"}


def rendered(**limits: float) -> str:
    text = (ROLE / "templates/alerts.yml.j2").read_text()
    # The rules are YAML for Prometheus; nothing of them is HTML.
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701
    template = environment.from_string(text)
    return template.render(limits={**LIMITS, **limits}, mongodb_7_release="7.0")


def rules(text: str) -> list[dict]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_every_rule_is_whole():
    for rule in rules(rendered()):
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule
        assert rule["annotations"]["summary"], rule
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()


def test_what_was_asked_for_is_there():
    assert {rule["alert"] for rule in rules(rendered())} >= ASKED_FOR


def test_every_limit_reaches_a_rule():
    for number, name in enumerate(sorted(LIMITS), 4711):
        assert str(number) in " ".join(rule["expr"] for rule in rules(rendered(**{name: number}))), name


def test_the_exporter_has_every_metric_that_a_rule_looks_at():
    exporter = (ROLE.parents[1] / "plugins/programs/mongodb_exporter/metrics.py").read_text()
    wanted = {name for rule in rules(rendered()) for name in re.findall(r"\bmongodb_\w+", rule["expr"])}
    assert len(wanted) > 10
    assert [name for name in sorted(wanted) if f'"{name}"' not in exporter] == []


def test_the_readme_names_every_limit_with_its_default():
    readme = (ROLE / "README.md").read_text()
    assert [name for name, value in LIMITS.items() if f"| `{name}` | {value} |" not in readme] == []
