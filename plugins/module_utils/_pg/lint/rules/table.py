"""Rules about tables, schemas and databases as a whole."""

from __future__ import annotations

import typing as t

from ...sql.cursor import Name, quoted
from ...sql.model import AlterTable, CreateTable, Ddl, Drop, Lock, RenameSchema, Rewrite
from ..context import Context
from ..rule import Hit, rule

REWRITES = {
    "set logged": "SET LOGGED",
    "set unlogged": "SET UNLOGGED",
    "set tablespace": "SET TABLESPACE",
    "set access method": "SET ACCESS METHOD",
}


@rule(
    "rename-table",
    AlterTable,
    title="RENAME of a table or view",
    instead="Rename, and in the same transaction CREATE VIEW under the old name",
    squawk=("renaming-table",),
)
def rename_table(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind != "rename" or ddl.relation in ("index", "sequence") or context.is_new(ddl.name):
            continue
        if context.old_name_returns(ddl.name):
            continue
        new = Name((*ddl.name.parts[:-1], action.new_name))
        yield Hit(
            str(ddl.name),
            f"programs that still say {ddl.name} fail from this moment, programs that say {new} failed until now",
            f"In the same file: CREATE VIEW {ddl.name} over {new}; drop the view in a later release",
            start=action.start,
        )


@rule(
    "set-schema",
    AlterTable,
    title="SET SCHEMA of a table or view",
    instead="Move it, and in the same transaction CREATE VIEW under the old name",
    squawk=("ban-set-schema",),
)
def set_schema(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "set schema" and not context.is_new(ddl.name) and not context.old_name_returns(ddl.name):
            yield Hit(
                str(ddl.name),
                f"programs that find {ddl.name} through its schema fail from this moment",
                f"In the same file: CREATE VIEW {ddl.name} over {Name((action.name, ddl.name.last))}",
                start=action.start,
            )


@rule(
    "rename-schema",
    RenameSchema,
    title="RENAME SCHEMA",
    instead="A new schema, and views or moved tables one after the other",
)
def rename_schema(ddl: RenameSchema, context: Context) -> t.Iterator[Hit]:
    yield Hit(
        str(ddl.name),
        f"every program and search_path that says {ddl.name} fails from this moment",
        f"CREATE SCHEMA {quoted(ddl.new_name)}; move reads, then writes; drop {ddl.name} in a later release",
    )


@rule(
    "drop-table",
    Drop,
    lock="ACCESS EXCLUSIVE",
    title="DROP TABLE",
    instead="Rename it first, keep a backup, drop it in a later release",
    squawk=("ban-drop-table",),
)
def drop_table(ddl: Drop, context: Context) -> t.Iterator[Hit]:
    if ddl.kind not in ("table", "foreign table", "materialized view"):
        return
    for name in ddl.names:
        size = context.size(name)
        if context.is_new(name):
            continue
        rows = f"about {size.rows} rows" if size and size.rows else "its rows"
        yield Hit(
            str(name),
            f"{name} and {rows} are gone for good",
            f"ALTER TABLE {name} RENAME TO {quoted(name.last + '_old')} now; DROP TABLE in a later release, after a "
            "backup",
        )


@rule(
    "drop-schema",
    Drop,
    level="error",
    title="DROP SCHEMA",
    instead="Not in a migration; by hand, after a backup",
    squawk=("ban-drop-schema",),
)
def drop_schema(ddl: Drop, context: Context) -> t.Iterator[Hit]:
    if ddl.kind == "schema":
        for name in ddl.names:
            yield Hit(
                str(name),
                f"schema {name} goes, with CASCADE everything in it" if ddl.cascade else f"schema {name} goes",
                f"Drop its tables one by one in reviewed files, schema {name} last",
                level="error" if ddl.cascade else "warning",
            )


@rule(
    "drop-database",
    Drop,
    level="error",
    title="DROP DATABASE",
    instead="Not in a migration; by hand, after a backup",
    squawk=("ban-drop-database",),
)
def drop_database(ddl: Drop, context: Context) -> t.Iterator[Hit]:
    if ddl.kind == "database":
        for name in ddl.names:
            yield Hit(str(name), f"database {name} is gone for good", "Take the statement out of the migration")


@rule("drop-cascade", Drop, AlterTable, title="DROP ... CASCADE", instead="Name every dependent object and drop each")
def drop_cascade(ddl: Drop | AlterTable, context: Context) -> t.Iterator[Hit]:
    if isinstance(ddl, AlterTable):
        for action in ddl.actions:
            if action.cascade:
                yield _cascades(f"{ddl.name}.{quoted(action.name)}", action.start)
    elif ddl.cascade and not (ddl.names and all(context.is_new(name) for name in ddl.names)):
        yield _cascades(", ".join(map(str, ddl.names)) or f"the {ddl.kind}")


def _cascades(what: str, start: int = 0) -> Hit:
    return Hit(
        what,
        f"whatever depends on {what} goes with it, unnamed and unseen: views, foreign keys, functions",
        f"Run it without CASCADE: the server names what depends on {what}; then drop each by name",
        start=start,
    )


@rule(
    "table-rewrite-command",
    Rewrite,
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="VACUUM FULL, CLUSTER, SET LOGGED, SET TABLESPACE and the like: the whole table is written anew",
    instead="pg_repack, or a maintenance window",
    squawk=("prefer-repack",),
)
def rewrite(ddl: Rewrite | AlterTable, context: Context) -> t.Iterator[Hit]:
    if isinstance(ddl, AlterTable):
        for action in ddl.actions:
            if action.kind in REWRITES and ddl.relation == "table" and not context.is_new(ddl.name):
                yield _rewrites(REWRITES[action.kind], ddl.name, action.start)
        return
    for name in ddl.tables:
        if not context.is_new(name):
            yield _rewrites(ddl.command, name)
    if not ddl.tables:
        yield Hit(
            "the database",
            f"{ddl.command} rewrites every table, each while nobody can use it",
            "pg_repack for the tables that need it",
            level="error",
        )


def _rewrites(command: str, name: Name, start: int = 0) -> Hit:
    return Hit(
        str(name),
        f"{command} writes the whole of {name} anew while nobody can read or write it",
        f"pg_repack --table={name}, or a maintenance window",
        table=name,
        start=start,
    )


@rule(
    "recreate-table",
    CreateTable,
    level="error",
    title="DROP TABLE and CREATE TABLE of the same name",
    instead="ALTER TABLE, or a new table, a copy and a swap of names",
)
def recreate(ddl: CreateTable, context: Context) -> t.Iterator[Hit]:
    if context.key(ddl.name) in context.state.dropped_tables:
        yield Hit(
            str(ddl.name),
            f"{ddl.name} is dropped and created again: its rows, grants and foreign keys are lost",
            f"ALTER TABLE {ddl.name}, or CREATE TABLE {quoted(ddl.name.last + '_new')}, copy, then swap the names",
        )


@rule(
    "explicit-table-lock",
    Lock,
    lock="as written",
    scales=True,
    title="LOCK TABLE in a mode that blocks writers",
    instead="Let each statement take its own lock",
)
def lock_table(ddl: Lock, context: Context) -> t.Iterator[Hit]:
    if ddl.mode in ("ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"):
        return
    for name in ddl.tables:
        if not context.is_new(name):
            yield Hit(
                str(name),
                f"{ddl.mode} on {name} blocks writers until the whole file is done",
                "Leave LOCK TABLE out, or put it last, right before the statement that needs it",
                table=name,
            )


@rule(
    "unqualified-table",
    CreateTable,
    AlterTable,
    level="off",
    title="A table without its schema",
    instead="Write schema.table",
    squawk=("require-table-schema",),
)
def unqualified(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    name = getattr(ddl, "name", None)
    if isinstance(name, Name) and not name.schema and not getattr(ddl, "temporary", False):
        yield Hit(str(name), f"search_path decides which {name} is meant", f"{context.key(name)}")
