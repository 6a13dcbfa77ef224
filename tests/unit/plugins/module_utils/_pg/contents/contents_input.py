# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the module's options and live states for the tests of the plan."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import declared, live
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import plan as planning
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents.privileges import KINDS

OPTIONS: dict[str, t.Any] = {
    "roles": [],
    "databases": [],
    "purge_settings": False,
    "purge_memberships": False,
    "purge_grants": False,
    "purge_default_privileges": False,
    "update_password": "always",
    "missing_objects": "fail",
}
OWNER = live.Role("owner", {"login": False})
APP = live.Role("app", {"login": True})
TABLES = KINDS["tables"]


def role(name: str, **options: t.Any) -> dict[str, t.Any]:
    return {"name": name, "state": "present", **options}


def database(name: str = "db", **options: t.Any) -> dict[str, t.Any]:
    return {"name": name, "state": "present", **options}


def grant(role: str, kind: str, *privileges: str, **options: t.Any) -> dict[str, t.Any]:
    return {
        "role": role,
        "type": kind,
        "privileges": list(privileges),
        "objects": ["all"],
        "grantable": False,
        **options,
    }


def options(**given: t.Any) -> dict[str, t.Any]:
    return {**OPTIONS, **given}


def cluster(*roles: live.Role, **changes: t.Any) -> live.Cluster:
    """A server with the roles postgres, owner and app and the database db of owner."""
    virgin = live.virgin_cluster("postgres")
    acl = live.default_acl(KINDS["database"], "owner", live.ASSUMED_VERSION)
    db = live.Database(
        "db", "owner", {"encoding": "UTF8", "lc_collate": "en_US.utf8", "tablespace": "pg_default"}, -1, acl
    )
    known = {each.name: each for each in (OWNER, APP, *roles)}
    changes.setdefault("databases", {**virgin.databases, "db": db})
    return dataclasses.replace(virgin, roles={**virgin.roles, **known}, **changes)


def table(name: str, *given: tuple[str, str], owner: str = "owner", **changes: t.Any) -> live.Object:
    """A table with (grantee, privilege) pairs given by its owner."""
    acl = live.default_acl(TABLES, owner, live.ASSUMED_VERSION)
    acl += tuple(live.AclEntry(grantee, owner, privilege) for grantee, privilege in given)
    return live.Object(name, name, f"public.{name}", owner, acl, **changes)


def inside(*tables: live.Object, **changes: t.Any) -> live.Inside:
    return dataclasses.replace(live.virgin_inside(), objects={("tables", "public"): tables}, **changes)


def plan(
    given: dict[str, t.Any], of: live.Cluster | None = None, within: live.Inside | None = None
) -> planning.Outcome:
    contents = declared.parse(given)
    insides = {each.name: within or inside() for each in contents.databases}
    return planning.plan(contents, of or cluster(), insides, "postgres")


def statements(outcome: planning.Outcome) -> list[str]:
    return [step.sql for step in outcome.steps]
