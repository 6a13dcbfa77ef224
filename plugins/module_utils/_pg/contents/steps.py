"""Steps that are SQL, the reasons to refuse a plan, and what the session has to be allowed to do for it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.plan import Step
from ..._core.problems import Problems
from ..quoting import PUBLIC, identifier
from . import live


@dataclasses.dataclass(frozen=True)
class SqlStep(Step):
    """:param sql: what is sent. Differs from the statement that is shown only where that hides a secret.
    :param database: where it is sent; "" for the maintenance database.
    :param alone: PostgreSQL refuses it inside a transaction.
    :param secret: what must not appear in an error message either.
    """

    sql: str = dataclasses.field(default="", repr=False)
    database: str = ""
    alone: bool = False
    secret: str | None = dataclasses.field(default=None, repr=False)


def sql_step(
    action: str,
    kind: str,
    name: str,
    sql: str,
    *,
    before: t.Any = None,
    after: t.Any = None,
    database: str = "",
    alone: bool = False,
) -> SqlStep:
    """A step whose statement can be shown as it is."""
    return SqlStep(
        action=action,
        kind=kind,
        name=name,
        before=before,
        after=after,
        statement=sql,
        sql=sql,
        database=database,
        alone=alone,
    )


# Asks for the right to act as a role, for a purpose that an error message can name.
Require = t.Callable[[str, str], None]


class Access:
    """Which roles the session must be able to act as, and the memberships that are missing for it.

    Only a superuser may act as every role. From PostgreSQL 16 a role with CREATEROLE gets the roles it creates WITH
    ADMIN OPTION only: it may hand them out, also to itself, but has no right to what they own, nor may it give them
    anything, until it did so. This is the normal case on managed servers.
    """

    def __init__(self, cluster: live.Cluster, created: set[str], problems: Problems) -> None:
        self._cluster = cluster
        self._created = created
        self._problems = problems
        self._needed: list[str] = []

    def require(self, role: str, purpose: str) -> None:
        """Both the privileges of the role and SET ROLE to it are needed for ``purpose``."""
        session = self._cluster.session
        if session.superuser or role in (session.name, PUBLIC) or role in self._needed:
            return
        known = self._cluster.roles.get(role)
        if known and known.usable and known.settable:
            return
        if role in self._created or (known and known.administrable) or self._may_administer_any(known):
            self._needed.append(role)
            return
        self._problems.add(
            f"role {role}",
            f"{session.name} is not a member of {role}, which it has to be to {purpose}.",
            f"As a superuser or a role with ADMIN OPTION: GRANT {identifier(role)} TO {identifier(session.name)}",
            ErrorCode.NOT_A_MEMBER,
        )

    def within(self, owner: str) -> Require:
        """:meth:`require` for one database, in which pg_database_owner means the database's owner."""
        return lambda role, purpose: self.require(owner if role == live.DATABASE_OWNER else role, purpose)

    def _may_administer_any(self, role: live.Role | None) -> bool:
        before_16 = self._cluster.version < 160000
        return before_16 and self._cluster.session.createrole and not (role and role.flags.get("superuser"))

    def steps(self) -> list[SqlStep]:
        name = self._cluster.session.name
        options = " WITH INHERIT TRUE, SET TRUE" if self._cluster.version >= 160000 else ""
        return [
            sql_step(
                "grant",
                "membership",
                f"{role} to {name}",
                f"GRANT {identifier(role)} TO {identifier(name)}{options}",
                after={"member_of": role, "reason": "the login role has to act as this role"},
            )
            for role in self._needed
        ]
