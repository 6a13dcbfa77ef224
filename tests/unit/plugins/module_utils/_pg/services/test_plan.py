"""What is done about the units of a host, and what is only said."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.services.plan import (
    Unit,
    Wanted,
    Whole,
    plan_services,
    restart_reasons,
)

SHOP = Wanted("shop", "/srv/shop", port=5432)
RUNNING = {"state": "active", "pid": 7, "port": 5432, "since": 1000.0, "loaded_at": 1000.0}


def steps(unit: Unit, whole: Whole | None = None) -> list[tuple[str, str, str]]:
    plan = plan_services([SHOP], {"shop": unit}, whole or Whole())
    return [(step.action, step.kind, step.name) for step in plan]


def test_a_running_server_is_left():
    assert steps(Unit(**RUNNING)) == []
    assert restart_reasons(SHOP, Unit(**RUNNING)) == []


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_stopped_server_is_started(state):
    assert steps(Unit(state=state), Whole(enabled=False, active=False)) == [
        ("enable", "unit", "postgresql.service"),
        ("start", "server", "shop"),
        ("start", "unit", "postgresql.service"),
    ]


def test_a_changed_unit_is_read_and_the_server_only_reported():
    unit = Unit(**RUNNING, needs_daemon_reload=True, drop_ins={"/etc/x.conf": 1001.0, "/etc/old.conf": 1.0})
    assert steps(unit) == [("reload", "systemd", "postgresql@16-shop.service")]
    assert restart_reasons(SHOP, unit) == ["/etc/x.conf is newer than the server's start"]


def test_restrictions_that_are_not_in_force_are_reported():
    assert len(restart_reasons(SHOP, Unit(**RUNNING, restricted=False))) == 1


def test_a_renewed_certificate_is_reloaded():
    assert steps(Unit(**RUNNING, reload_for={"/etc/server.pem": 1001.0})) == [("reload", "server", "shop")]
    assert steps(Unit(**RUNNING, reload_for={"/etc/server.pem": 999.0})) == []


def test_a_server_outside_its_unit_is_nobodys_to_stop():
    with pytest.raises(GroundworkError, match="runs outside its unit") as raised:
        steps(Unit(state="inactive", pid=7, port=5432))
    assert raised.value.untouched == "every server"


def test_a_port_that_changed_is_reported():
    assert restart_reasons(SHOP, Unit(**{**RUNNING, "port": 5433})) == ["it listens on port 5433, 5432 is described"]
    assert restart_reasons(SHOP, Unit(state="inactive")) == []
