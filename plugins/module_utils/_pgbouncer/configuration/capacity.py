"""How many connections the poolers can open on each server, against what the server has.

A pool is one user in one database, and every process has pools of its own. The bound is
``processes x hosts x min(sum of databases, sum of users)``, where a database counts its pools with their reserve, at
most ``max_db_connections``, and a user counts likewise with ``max_user_connections``.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .declared import FALLBACK, UNTOUCHED, Database, User, Wanted

DEFAULT_POOL_SIZE = 20


@dataclasses.dataclass(frozen=True)
class Server:
    """What a server lends the poolers; ``None`` when nobody knows.

    :param reserve: connections that are not for the poolers: superusers, replication, backups, migrations.
    """

    host: str
    port: int
    max_connections: int | None
    reserve: int


@dataclasses.dataclass(frozen=True)
class Demand:
    """What the poolers can ask of one server; ``most`` is ``None`` when nothing bounds it."""

    host: str
    port: int
    per_process: int | None
    most: int | None
    unbounded: str = ""

    def summary(self, server: Server | None, processes: int, hosts: int) -> dict[str, t.Any]:
        limit = server.max_connections if server else None
        return {
            "server": f"{self.host or 'local socket'}:{self.port}",
            "per_process": self.per_process,
            "processes": processes,
            "pooler_hosts": hosts,
            "most_connections": self.most,
            "max_connections": limit,
            "reserve_connections": server.reserve if server else None,
            "left": None
            if limit is None or self.most is None or server is None
            else limit - server.reserve - self.most,
        }


def demands(wanted: Wanted, hosts: int) -> list[Demand]:
    """The demand on each server, in the order of the databases."""
    found: list[Demand] = []
    for server in dict.fromkeys(database.server for database in wanted.databases):
        databases = [database for database in wanted.databases if database.server == server]
        bound = _bound(wanted, databases)
        if isinstance(bound, str):
            found.append(Demand(*server, None, None, bound))
        else:
            found.append(Demand(*server, bound, bound * wanted.processes * hosts))
    return found


def check(wanted: Wanted, hosts: int, servers: t.Iterable[Server]) -> list[dict[str, t.Any]]:
    """The calculation for the report.

    :raises GroundworkError: the poolers could ask a server for more connections than it has for them.
    """
    known = {(server.host, server.port): server for server in servers}
    summaries = []
    for demand in demands(wanted, hosts):
        server = known.get((demand.host, demand.port))
        summary = demand.summary(server, wanted.processes, hosts)
        summaries.append(summary)
        if server is None or server.max_connections is None:
            continue
        free = server.max_connections - server.reserve
        if demand.most is None:
            raise GroundworkError(
                f"Nothing bounds how many connections the poolers open: {demand.unbounded}.",
                where=summary["server"],
                untouched=UNTOUCHED,
                code=ErrorCode.POOLS_UNBOUNDED,
                hint="Set max_db_connections of the databases, and where * is one of them max_user_connections of the "
                f"users; {free} connections are free for {wanted.processes * hosts} processes.",
            )
        if demand.most > free:
            raise GroundworkError(
                f"The pools can grow to {demand.most} connections ({demand.per_process} in each of {wanted.processes} "
                f"processes on {hosts} {'host' if hosts == 1 else 'hosts'}), the server has {free} for them "
                f"({server.max_connections} less a reserve of {server.reserve}).",
                where=summary["server"],
                untouched=UNTOUCHED,
                code=ErrorCode.POOLS_TOO_LARGE,
                details={"capacity": summaries},
                hint=f"At most {free // (wanted.processes * hosts)} a process: lower pool_size, reserve_pool_size or "
                "max_db_connections, or raise max_connections.",
            )
    return summaries


def _bound(wanted: Wanted, databases: list[Database]) -> int | str:
    if any(database.name == FALLBACK for database in databases):
        limited = _by_user_limits(wanted, databases)
        if limited is None:
            return "the fallback database * stands for any number of databases, and not every user has a limit"
        return limited
    per_database = 0
    for database in databases:
        amount = _of_database(wanted, database)
        if isinstance(amount, str):
            return amount
        per_database += amount
    per_user = _by_users(wanted, databases)
    return per_database if per_user is None else min(per_database, per_user)


def _by_user_limits(wanted: Wanted, databases: list[Database]) -> int | None:
    """The bound whatever the databases are, ``None`` without ``max_user_connections`` for everybody who may come."""
    if any(_unknown_users(wanted, database) != 0 or "user" in database.options for database in databases):
        return None
    total = 0
    for user in {user.name: user for database in databases for user in _pooled_users(wanted, database)}.values():
        limit = _first(user.number("max_user_connections"), wanted.number("max_user_connections", 0))
        if not limit:
            return None
        total += limit
    return total


def _of_database(wanted: Wanted, database: Database) -> int | str:
    limit = _first(database.number("max_db_connections"), wanted.number("max_db_connections", 0))
    pools = [_pool(wanted, database, user) for user in _pooled_users(wanted, database)]
    unknown = _unknown_users(wanted, database)
    if unknown is None:
        return limit or f"auth_query lets any number of users into {database.name}"
    pools += [_pool(wanted, database, None)] * unknown
    if None in pools:
        return limit or f"a pool of {database.name} has size 0, which is no limit"
    total = sum(pool for pool in pools if pool is not None)
    return min(total, limit) if limit else total


def _by_users(wanted: Wanted, databases: list[Database]) -> int | None:
    """The bound by ``max_user_connections``, ``None`` when it bounds nothing."""
    if any(_unknown_users(wanted, database) != 0 for database in databases):
        return None
    total = 0
    for user in wanted.users:
        limit = _first(user.number("max_user_connections"), wanted.number("max_user_connections", 0))
        pools = [_pool(wanted, database, user) for database in databases if user in _pooled_users(wanted, database)]
        if None in pools and not limit:
            return None
        sizes = sum(pool for pool in pools if pool is not None)
        total += limit if None in pools else min(sizes, limit) if limit else sizes
    forced = [database for database in databases if "user" in database.options]
    known = {user.name for user in wanted.users}
    if any(database.options["user"] not in known for database in forced):
        return None
    return total


def _pooled_users(wanted: Wanted, database: Database) -> list[User]:
    forced = database.options.get("user")
    if forced is not None:
        return [user for user in wanted.users if user.name == forced] or [User(forced, "")]
    asking = database.options.get("auth_user") or wanted.settings.get("auth_user")
    # The auth_user has a connection of its own in the databases it asks in.
    return [user for user in wanted.users if user.pooled or user.name == asking]


def _unknown_users(wanted: Wanted, database: Database) -> int | None:
    """How many users come beside the listed ones; ``None`` when nobody can say."""
    if "user" in database.options:
        return 0
    if database.options.get("auth_user") or wanted.settings.get("auth_user"):
        return database.expected_users
    return 0


def _pool(wanted: Wanted, database: Database, user: User | None) -> int | None:
    """The largest size of one pool with its reserve, ``None`` for no limit (``pool_size`` 0)."""
    size = _first(
        user.number("pool_size") if user else None,
        database.number("pool_size"),
        wanted.number("default_pool_size", DEFAULT_POOL_SIZE),
    )
    reserve = _first(
        user.number("reserve_pool_size") if user else None,
        database.number("reserve_pool_size"),
        database.number("reserve_pool"),
        wanted.number("reserve_pool_size", 0),
    )
    return size + reserve if size else None


def _first(*candidates: int | None) -> int:
    return next(candidate for candidate in candidates if candidate is not None)
