"""The proof that this module began the concurrent detach of a partition in order to drop it.

A concurrent detach is two transactions, with the partition "pending detach" in between; the drop is part of the second
one. Until then a comment on the row type of the partition names the table, its parent and the first transaction. Only
together with the pending detach of just that transaction in ``pg_inherits`` it proves anything: a detach by hand is
another transaction, a finished detach is not pending any more, and a copied or restored comment names other tables.
A table that is not a partition any more is never dropped. On the row type, because the comment on the table belongs to
people, and because the detach locks the table.
"""

from __future__ import annotations

from ..quoting import literal, qualified

_PREFIX = "pg_partitions drops this partition: "

# What the comment must say, with the aliases i of pg_inherits and c of pg_class.
EXPECTED = f"'{_PREFIX}table ' || c.oid || ' of ' || i.inhparent || ', detached by transaction ' || i.xmin::text"
# Whether it says so, in its first line; a comment that was there before follows.
PROVEN = f"""(i.inhdetachpending AND {EXPECTED}
  = pg_catalog.split_part(COALESCE(pg_catalog.obj_description(c.reltype, 'pg_type'), ''), E'\\n', 1))"""

VOID = f"""
SELECT n.nspname, c.relname, r.rolname, d.description
FROM pg_catalog.pg_description d
JOIN pg_catalog.pg_class c ON c.reltype = d.objoid AND d.classoid = 'pg_catalog.pg_type'::regclass AND d.objsubid = 0
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE pg_catalog.starts_with(d.description, '{_PREFIX}')
  AND substring(d.description FROM ' of ([0-9]+), ') = %s::text
  AND pg_catalog.pg_has_role(c.relowner, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND {PROVEN})
ORDER BY 1, 2
"""  # noqa: S608 - a constant

# Written on the table by versions before 1.0, ahead of the detach: it proves nothing.
EARLIER_VERSIONS = "being dropped by pg_partitions, formerly a partition of "


def clear(schema: str, name: str, description: str) -> str:
    """The statement that leaves the comment on the row type as it was before the proof."""
    before = description.partition("\n")[2]
    return f"COMMENT ON TYPE {qualified(schema, name)} IS {literal(before) if before else 'NULL'}"


def clear_earlier_versions(schema: str, name: str) -> str:
    """The statement that takes an earlier version's mark off."""
    return f"COMMENT ON TABLE {qualified(schema, name)} IS NULL"
