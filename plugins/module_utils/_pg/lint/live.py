"""What the linter knows about the database that the files are meant for."""

from __future__ import annotations

import dataclasses
import typing as t

from ..sql.cursor import Name


class TableSize(t.NamedTuple):
    """Rows and bytes (with indexes and TOAST) of a table, as of its last VACUUM or ANALYZE."""

    rows: int
    bytes: int


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """Which table is too small to matter, and which too large to be careless with.

    Both limits of a kind are read with "or": one row or byte too many decides.
    """

    small_rows: int = 10_000
    small_bytes: int = 16 * 1024 * 1024
    large_rows: int = 1_000_000
    large_bytes: int = 1024 * 1024 * 1024

    def level(self, size: TableSize) -> str:
        """The level of a finding whose harm grows with the table."""
        if size.rows >= self.large_rows or size.bytes >= self.large_bytes:
            return "error"
        if size.rows >= self.small_rows or size.bytes >= self.small_bytes:
            return "warning"
        return "info"


@dataclasses.dataclass(frozen=True)
class LiveObjects:
    """The live catalogue as far as rules ask for it; everything may be left empty, verdicts are coarser then.

    Keys are ``schema.name``, as the catalogue spells them, without quotes.

    :ivar tables: size of each table.
    :ivar columns: type of each column, as ``format_type`` writes it: ``{"public.a": {"id": "bigint"}}``.
    :ivar indexes: the table of each index.
    :ivar invalid_indexes: indexes that a failed CONCURRENTLY left behind.
    :ivar not_null_checks: validated constraints ``CHECK (column IS NOT NULL)`` with their column, per table.
    :ivar search_path: schemas in which unqualified names are looked up; the first one is where they are created.
    :ivar utc: whether the server's TimeZone is UTC (timestamp and timestamptz then convert without a rewrite).
    """

    tables: t.Mapping[str, TableSize] = dataclasses.field(default_factory=dict)
    columns: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    indexes: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    invalid_indexes: t.Collection[str] = ()
    not_null_checks: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    search_path: t.Sequence[str] = ("public",)
    utc: bool = False

    def key(self, name: Name, known: t.Container[str], search_path: t.Sequence[str] | None = None) -> str:
        """Resolve a name: the first schema of the search path that has it, else where it would be created."""
        if name.schema:
            return f"{name.schema}.{name.last}"
        path = self.search_path if search_path is None else search_path
        for schema in path:
            if f"{schema}.{name.last}" in known:
                return f"{schema}.{name.last}"
        return f"{path[0] if path else 'public'}.{name.last}"


#: One row, one column: the catalogue as JSON for ``from_catalogue``. User schemas only. Reads catalogues and nothing
#: else: functions such as pg_total_relation_size or pg_get_constraintdef would wait behind whoever has locked a table.
#: So sizes are those of the last VACUUM or ANALYZE, a partitioned table's are its partitions', and a table that was
#: never analysed is left out: its size is unknown.
CATALOGUE_QUERY = """
WITH RECURSIVE
files AS (
  SELECT c.oid, greatest(c.reltuples, 0)::bigint AS rows, c.reltuples >= 0 AS known,
         (c.relpages + coalesce(t.relpages, 0) + coalesce(
           (SELECT sum(i.relpages) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid), 0)
         ) * current_setting('block_size')::bigint AS bytes
  FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relkind IN ('r', 'm')),
members AS (
  SELECT oid AS root, oid AS member FROM pg_class WHERE relkind IN ('r', 'p', 'm')
  UNION ALL
  SELECT m.root, i.inhrelid FROM members m JOIN pg_class c ON c.oid = m.member AND c.relkind = 'p'
  JOIN pg_inherits i ON i.inhparent = m.member),
sizes AS (
  SELECT m.root, sum(f.rows)::bigint AS rows, sum(f.bytes)::bigint AS bytes
  FROM members m JOIN files f ON f.oid = m.member GROUP BY 1 HAVING bool_or(f.known))
SELECT json_build_object(
  'tables', (SELECT coalesce(json_object_agg(n.nspname || '.' || c.relname, json_build_array(s.rows, s.bytes)), '{}')
     FROM sizes s JOIN pg_class c ON c.oid = s.root JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  'columns', (SELECT coalesce(json_object_agg(relation, types), '{}') FROM (
     SELECT n.nspname || '.' || c.relname AS relation,
            json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) AS types
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' GROUP BY 1) t),
  'indexes', (SELECT coalesce(json_object_agg(n.nspname || '.' || i.relname, tn.nspname || '.' || c.relname), '{}')
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace tn ON tn.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_'),
  'invalid_indexes', (SELECT coalesce(json_agg(n.nspname || '.' || i.relname), '[]')
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
     WHERE NOT x.indisvalid AND i.relkind = 'i' AND n.nspname !~ '^pg_'),
  'not_null_checks', (SELECT coalesce(json_object_agg(relation, names), '{}') FROM (
     SELECT n.nspname || '.' || c.relname AS relation, json_object_agg(k.conname, a.attname) AS names
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
     WHERE k.contype = 'c' AND k.convalidated AND cardinality(k.conkey) = 1
       AND k.conbin::text ~ '^{NULLTEST :arg {VAR [^{}]*} :nulltesttype 1 ' GROUP BY 1) t),
  'search_path', current_schemas(false),
  'utc', current_setting('TimeZone') IN ('UTC', 'Etc/UTC', 'GMT', 'Etc/GMT'))
"""


def from_catalogue(row: t.Mapping[str, t.Any]) -> LiveObjects:
    """Build from the decoded JSON that ``CATALOGUE_QUERY`` returns."""
    return LiveObjects(
        tables={name: TableSize(*size) for name, size in row["tables"].items()},
        columns=row["columns"],
        indexes=row["indexes"],
        invalid_indexes=frozenset(row["invalid_indexes"]),
        not_null_checks=row["not_null_checks"],
        search_path=tuple(row["search_path"]),
        utc=row["utc"],
    )
