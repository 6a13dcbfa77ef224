"""What the catalogue says about partitioned tables, read in one session."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ..quoting import identifier, literal, qualified
from ..session import Session
from . import proof

_PARENT = """
SELECT c.oid, c.relkind = 'p', COALESCE(p.partstrat::text, ''), COALESCE(p.partnatts, 0),
  COALESCE(p.partdefid, 0), a.attname, pg_catalog.format_type(a.atttypid, NULL), r.rolname,
  c.relrowsecurity, c.relforcerowsecurity, pg_catalog.pg_has_role(c.relowner, 'MEMBER')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
WHERE n.nspname = %s AND c.relname = %s
"""
# The constraint is the one with which a concurrent detach keeps what the bounds said.
_CHILDREN = f"""
SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_get_expr(c.relpartbound, c.oid), i.inhdetachpending,
  pg_catalog.pg_total_relation_size(c.oid), GREATEST(c.reltuples, 0)::bigint, {proof.PROVEN},
  COALESCE(pg_catalog.obj_description(c.reltype, 'pg_type'), ''),
  pg_catalog.starts_with(COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), ''), %s),
  (SELECT k.conname FROM pg_catalog.pg_constraint k
    WHERE i.inhdetachpending AND k.conrelid = c.oid AND k.contype = 'c' AND k.xmin = i.xmin),
  pg_catalog.pg_has_role(p.relowner, c.relowner, 'USAGE'), r.rolname
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE i.inhparent = %s
"""  # noqa: S608 - a constant
_LEFTOVERS = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_description d
JOIN pg_catalog.pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.description = %s AND NOT c.relispartition
ORDER BY 1, 2
"""
_SAME_NAMES = """
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
"""
_BOUND = re.compile(r"FOR VALUES FROM \((.+)\) TO \((.+)\)")
_INSTANT = re.compile(r"'(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(\.\d+)?)?(?:[+-]\d\d(?::\d\d){0,2})?'")


@dataclasses.dataclass(frozen=True)
class Partition:
    """:param begin: first instant, as the wall clock of the module's time zone shows it.
    :param end: first instant after it.
    :param bound: ``FOR VALUES FROM ... TO ...``.
    :param detaching: a concurrent detach was interrupted.
    :param proven: this module began that detach in order to drop the partition.
    :param description: the comment on its row type.
    :param marked_before: a version before 1.0 wrote on the table that it was being dropped.
    :param constraint: the check constraint that the interrupted detach added, if any.
    """

    oid: int
    schema: str
    name: str
    begin: datetime.datetime
    end: datetime.datetime
    bound: str
    detaching: bool
    size_bytes: int
    rows: int
    proven: bool
    description: str
    marked_before: bool
    constraint: str | None
    is_owned: bool
    owner: str

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


class VoidProof(t.NamedTuple):
    """A proof whose detach is not pending any more: a person completed it."""

    schema: str
    name: str
    owner: str
    description: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A relation that is listed.

    :param partitioned: it is a partitioned table at all.
    :param strategy: ``r``, ``l`` or ``h``: by range, list or hash.
    :param key_type: type of the only key column; empty when the key is an expression or has several columns.
    :param default: its default partition, as SQL; ``None`` when there is none.
    :param void_proofs: proofs that outlived the detach that they were about.
    :param leftovers: former partitions of which a version before 1.0 wrote that they were being dropped.
    :param taken: names of the schema's other relations.
    """

    oid: int
    schema: str
    name: str
    partitioned: bool
    strategy: str
    key: str
    key_type: str
    owner: str
    may_act_as_owner: bool
    row_security: bool
    forced_row_security: bool
    default: str | None
    partitions: tuple[Partition, ...]
    void_proofs: tuple[VoidProof, ...]
    leftovers: tuple[str, ...]
    taken: frozenset[str]

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)


def prepare(session: Session, timezone: str) -> None:
    """Let the server speak dates in one way, in the time zone that the bounds are meant in."""
    session.run(
        f"SET TimeZone = {literal(timezone)}; SET DateStyle = 'ISO, YMD';"
        " SET search_path = pg_catalog; SET client_min_messages = warning"
    )


def today(session: Session) -> datetime.date:
    """The server's day in the time zone of ``prepare``."""
    return t.cast(datetime.date, session.value("SELECT current_date"))


def read(session: Session, schema: str, name: str) -> Table | None:
    """The table, ``None`` when there is no such relation."""
    rows = session.rows(_PARENT, schema, name)
    if not rows:
        return None
    oid, partitioned, strategy, columns, default_oid, key, key_type, owner, secured, forced, member = rows[0]
    single = partitioned and columns == 1 and key is not None
    partitions, default = [], None
    for child in session.rows(_CHILDREN, proof.EARLIER_VERSIONS, oid):
        if child[0] == default_oid:
            default = qualified(child[1], child[2])
        elif strategy == "r" and single:
            partitions.append(_partition(child))
    earlier = session.rows(_LEFTOVERS, proof.EARLIER_VERSIONS + qualified(schema, name))
    return Table(
        oid=oid,
        schema=schema,
        name=name,
        partitioned=partitioned,
        strategy=strategy,
        key=key if single else "",
        key_type=key_type if single else "",
        owner=owner,
        may_act_as_owner=member,
        row_security=secured,
        forced_row_security=forced,
        default=default,
        partitions=tuple(sorted(partitions, key=lambda each: each.begin)),
        void_proofs=tuple(VoidProof(*row) for row in session.rows(proof.VOID, oid)),
        leftovers=tuple(f"{row[0]}.{row[1]}" for row in earlier),
        taken=frozenset(row[0] for row in session.rows(_SAME_NAMES, schema)),
    )


def has_rows(session: Session, partition_sql: str, key: str, begin: str, end: str) -> bool:
    """Whether a default partition holds rows of a range that is about to get a partition of its own."""
    column = identifier(key)
    table = f"SELECT 1 FROM ONLY {partition_sql}"  # noqa: S608 - a quoted name
    return bool(session.rows(f"{table} WHERE {column} >= {literal(begin)} AND {column} < {literal(end)} LIMIT 1"))


def _partition(child: tuple[t.Any, ...]) -> Partition:
    oid, schema, name, bound, detaching, *rest = child
    match = _BOUND.fullmatch(bound or "")
    begin, end = (instant(match[1]), instant(match[2])) if match else (datetime.datetime.min, datetime.datetime.min)
    return Partition(oid, schema, name, begin, end, bound or "", detaching, *rest)


def instant(bound: str) -> datetime.datetime:
    """One side of a bound as ``pg_get_expr`` writes it, without its offset from UTC.

    ``MINVALUE``, ``-infinity`` and years before 1 become the earliest instant; the other end likewise.
    """
    match = _INSTANT.fullmatch(bound)
    if not match:
        early = bound == "MINVALUE" or "-infinity" in bound or " BC" in bound
        return datetime.datetime.min if early else datetime.datetime.max
    year, month, day, hour, minute, second, fraction = match.groups()
    if int(year) > datetime.MAXYEAR:
        return datetime.datetime.max
    return datetime.datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        round(float(fraction or 0) * 1_000_000),
    )
