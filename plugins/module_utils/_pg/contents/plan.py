"""The whole plan: a pure function from the desired contents and the live ones to ordered steps and a report.

Nothing is written until all of it is known, so every refusal comes before the first statement. A database that does
not exist yet is planned against what its template holds: that is what it will hold.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.plan import Plan
from ..._core.problems import Problems
from ..quoting import identifier
from . import databases, declared, defaults, grants, live, model, report, roles, schemas
from .steps import Access, SqlStep


@dataclasses.dataclass(frozen=True)
class Outcome:
    """:param unmanaged: what exists, is near to something listed, and is in no list."""

    plan: Plan
    unmanaged: dict[str, t.Any]

    @property
    def steps(self) -> tuple[SqlStep, ...]:
        return t.cast("tuple[SqlStep, ...]", self.plan.steps)


def plan(contents: model.Contents, cluster: live.Cluster, insides: dict[str, live.Inside], login_db: str) -> Outcome:
    """:param insides: what each listed database holds, or its template where it does not exist yet.
    :raises GroundworkError: with every reason why nothing may be written.
    """
    problems = Problems()
    policy = contents.policy
    present = [role for role in contents.roles if not role.absent]
    created = {role.name for role in present} - cluster.roles.keys()
    access = Access(cluster, created, problems)
    _refuse_unknown_roles(contents, cluster, problems)
    problems.raise_if_any("the description", ErrorCode.INVALID_INPUT)

    steps: list[SqlStep] = []
    for role in present:
        steps += roles.role_steps(role, cluster, policy)
    memberships = [step for role in present for step in roles.membership_steps(role, cluster, policy)]
    in_databases: list[SqlStep] = []
    report_of = report.Report(contents, cluster)
    kept = [database for database in contents.databases if not database.absent]
    for database in kept:
        in_databases += databases.database_steps(database, cluster, access.require, policy, problems)
    for database in kept:
        in_databases += _inside_steps(database, cluster, insides[database.name], access, policy, problems, report_of)
    dropped = [database for database in contents.databases if database.absent]
    for database in dropped:
        in_databases += databases.drop_database_step(database, cluster, login_db, problems)
    names = {database.name for database in dropped}
    drops = [
        step
        for role in contents.roles
        if role.absent
        for step in roles.drop_steps(role, cluster, names, access.require, problems)
    ]
    everything = (*steps, *memberships, *access.steps(), *in_databases, *drops)
    if everything and cluster.in_recovery:
        what = "This server is a standby and cannot be written to."
        problems.add("server", what, "Run against the primary.", ErrorCode.STANDBY)
    problems.raise_if_any("the description", ErrorCode.INVALID_INPUT)
    return Outcome(Plan(everything), report_of.result())


def _inside_steps(
    database: model.Database,
    cluster: live.Cluster,
    inside: live.Inside,
    access: Access,
    policy: model.Policy,
    problems: Problems,
    report_of: report.Report,
) -> list[SqlStep]:
    """Schemas, extensions, grants and default privileges of one database, each after what it depends on."""
    owner = databases.owner_afterwards(database, cluster)
    after = schemas.schemas_afterwards(database, inside, cluster.session.name, cluster.version)
    _refuse_unknown_schemas(database, after, problems)
    require = access.within(owner)
    found = schemas.schema_steps(database, inside, require)
    found += schemas.extension_steps(database, inside, cluster, after, require, problems)

    def targets(kind: str, schema: str) -> list[grants.Target]:
        if kind == "database":
            acl = databases.acl_afterwards(database, cluster)
            return [grants.Target(kind, "", database.name, identifier(database.name), owner, acl)]
        if kind == "schema":
            each = after.get(schema)
            return [grants.Target(kind, schema, schema, identifier(schema), each.owner, each.acl)] if each else []
        objects = inside.objects.get((kind, schema), ())
        return [grants.Target(kind, schema, o.identity, o.sql, o.owner, o.acl) for o in objects]

    of_extensions = {o.sql for members in inside.objects.values() for o in members if o.of_extension}
    wanted_grants, missing = grants.wishes(database, targets, of_extensions, cluster.version, problems, policy)
    found += grants.grant_steps(database.name, wanted_grants, require, policy, problems)
    found += defaults.default_steps(database, inside, cluster.version, require, policy)
    report_of.add_database(database, inside, after, wanted_grants, missing)
    return found


def undecided_passwords(contents: model.Contents, cluster: live.Cluster, outcome: Outcome) -> list[str]:
    """Warnings about passwords that could not be compared with anything and were left alone."""
    if cluster.verifiers is not None or not contents.policy.update_passwords:
        return []
    written = {step.name for step in outcome.steps if step.secret}
    return [
        f"The password of {role.name} could not be compared: {cluster.session.name} may not read pg_authid, and no "
        "login with it could tell. It was left as it is."
        for role in contents.roles
        if role.password and role.name in cluster.roles and role.name not in written
        if cluster.probes.get(role.name) is None
    ]


def _refuse_unknown_roles(contents: model.Contents, cluster: live.Cluster, problems: Problems) -> None:
    known = cluster.roles.keys() | contents.role_names()

    def check(name: str, where: str, use: str) -> None:
        if name not in known:
            problems.add(
                where,
                f"The role {name} does not exist and is not listed ({use}).",
                "List it under roles, or correct the name.",
                ErrorCode.UNKNOWN_ROLE,
            )

    for role in contents.roles:
        for group in () if role.absent else role.member_of or ():
            check(group, f"role {role.name}", "member_of")
        if role.reassign_owned_to:
            check(role.reassign_owned_to, f"role {role.name}", "reassign_owned_to")
    for database in contents.databases:
        for name, use in () if database.absent else declared.references(database):
            check(name, f"database {database.name}", use)


def _refuse_unknown_schemas(database: model.Database, schemas: t.Container[str], problems: Problems) -> None:
    used = [(g.schema, f"grant on {g.kind} to {g.role}") for g in database.grants if g.kind != "database"]
    used += [(d.schema, f"default privileges of {d.creator}") for d in database.default_privileges if d.schema]
    for schema, use in used:
        if schema not in schemas:
            problems.add(
                f"database {database.name}",
                f"The schema {schema} does not exist and is not listed ({use}).",
                "List it under schemas of this database, or correct the name.",
                ErrorCode.UNKNOWN_SCHEMA,
            )
