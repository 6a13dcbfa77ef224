"""The catalogue queries, each one round trip that answers with one JSON document, and its translation into values.

One document for the server and one for each database replace the many small queries that a task per role, database and
grant would make.
"""

from __future__ import annotations

import typing as t

from . import live
from .model import INFINITY, Contents, Database
from .privileges import DEFAULT_PRIVILEGE_KINDS, KINDS, OBJECT_KINDS


class Ask(t.Protocol):
    """Run one query with a value for each ``%s`` and return the first column of its first row."""

    def __call__(self, sql: str, *values: t.Any) -> t.Any: ...


def _acl(expression: str) -> str:
    return f"""(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
        CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
        pg_catalog.pg_get_userbyid(a.grantor), a.privilege_type, a.is_grantable))
      FROM pg_catalog.aclexplode({expression}) a)"""  # noqa: S608 (only constants of this file)


# to_jsonb() on a row lets one text serve all versions: a column that a version lacks is just null.
CLUSTER = f"""
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::int,
  'version_text', pg_catalog.current_setting('server_version'),
  'in_recovery', pg_catalog.pg_is_in_recovery(),
  'reads_secrets', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT'),
  'session', (SELECT pg_catalog.json_build_array(rolname, rolsuper, rolcreaterole)
    FROM pg_catalog.pg_roles WHERE rolname = current_user),
  'roles', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', rolname, 'login', rolcanlogin, 'superuser', rolsuper, 'createdb', rolcreatedb,
      'createrole', rolcreaterole, 'replication', rolreplication, 'bypassrls', rolbypassrls,
      'inherit', rolinherit, 'connection_limit', rolconnlimit,
      'valid_until', CASE WHEN rolvaliduntil = '-infinity' THEN -1e15
        WHEN pg_catalog.isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil) END,
      'expired', coalesce(rolvaliduntil < pg_catalog.now(), false),
      'usable', pg_catalog.pg_has_role(oid, 'USAGE'),
      'settable', pg_catalog.pg_has_role(oid,
        CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END),
      'administrable', pg_catalog.pg_has_role(oid, 'MEMBER WITH ADMIN OPTION'))) FROM pg_catalog.pg_roles),
  'memberships', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.pg_get_userbyid(roleid),
      pg_catalog.pg_get_userbyid(member), pg_catalog.pg_get_userbyid(grantor))) FROM pg_catalog.pg_auth_members),
  'settings', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      coalesce(d.datname, ''), coalesce(r.rolname, ''), s.setconfig))
    FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole),
  'databases', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', d.datname, 'owner', pg_catalog.pg_get_userbyid(d.datdba),
      'encoding', pg_catalog.pg_encoding_to_char(d.encoding), 'lc_collate', d.datcollate, 'lc_ctype', d.datctype,
      'provider', pg_catalog.to_jsonb(d) ->> 'datlocprovider',
      'icu_locale', coalesce(pg_catalog.to_jsonb(d) ->> 'daticulocale', pg_catalog.to_jsonb(d) ->> 'datlocale'),
      'tablespace', s.spcname, 'connection_limit', d.datconnlimit, 'is_template', d.datistemplate,
      'allows_connections', d.datallowconn,
      'acl', {_acl("coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))")}))
    FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace s ON s.oid = d.dattablespace),
  'extensions', (SELECT pg_catalog.json_object_agg(name, default_version) FROM pg_catalog.pg_available_extensions
    WHERE name = ANY(%s)))
"""  # noqa: S608 (only constants of this file)

SECRETS = """
SELECT pg_catalog.json_object_agg(rolname, rolpassword) FROM pg_catalog.pg_authid WHERE rolname = ANY(%s)
"""

DEPENDENCIES = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(role, database, owned, other)) FROM (
  SELECT r.rolname AS role, coalesce(d.datname, '') AS database,
    count(*) FILTER (WHERE s.deptype = 'o') AS owned, count(*) FILTER (WHERE s.deptype <> 'o') AS other
  FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
  WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname = ANY(%s)
  GROUP BY 1, 2 ORDER BY 1, 2) x
"""


def _objects(table: str, alias: str, columns: str, condition: str) -> str:
    """A JSON list of [schema, name, identity, sql, owner, acl, whether an extension brought it]."""
    return f"""(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, {columns}, EXISTS (
        SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.{table}'::pg_catalog.regclass
          AND e.objid = {alias}.oid AND e.deptype = 'e')) ORDER BY {alias}.oid)
      FROM pg_catalog.{table} {alias} JOIN pg_catalog.pg_namespace n ON n.oid = {condition})"""  # noqa: S608 (only constants of this file)


def _relations(kind: str, relkinds: str) -> str:
    acl = _acl(f"coalesce(c.relacl, pg_catalog.acldefault('{KINDS[kind].acldefault}', c.relowner))")
    name = "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)"
    return _objects(
        "pg_class",
        "c",
        f"c.relname, c.relname, {name}, pg_catalog.pg_get_userbyid(c.relowner), {acl}",
        f"c.relnamespace WHERE n.nspname = ANY(%s) AND c.relkind IN ({relkinds})",
    )


def _functions() -> str:
    acl = _acl("coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))")
    return _objects(
        "pg_proc",
        "p",
        "p.proname, p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', "
        "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' "
        "|| pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', "
        f"pg_catalog.pg_get_userbyid(p.proowner), {acl}",
        "p.pronamespace WHERE n.nspname = ANY(%s)",
    )


def _types() -> str:
    # Array, multirange and row types cannot carry privileges of their own.
    acl = _acl("coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))")
    name = "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)"
    return _objects(
        "pg_type",
        "t",
        f"t.typname, t.typname, {name}, pg_catalog.pg_get_userbyid(t.typowner), {acl}",
        "t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid "
        "WHERE n.nspname = ANY(%s) AND t.typtype <> 'm' AND (c.oid IS NULL OR c.relkind = 'c') "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_type b WHERE b.typarray = t.oid)",
    )


INSIDE = f"""
SELECT pg_catalog.json_build_object(
  'schemas', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, pg_catalog.pg_get_userbyid(n.nspowner),
      {_acl("coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))")}))
    FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
  'extensions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(e.extname, e.extversion, n.nspname))
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace),
  'defaults', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.pg_get_userbyid(d.defaclrole),
      coalesce(n.nspname, ''), d.defaclobjtype, {_acl("d.defaclacl")}))
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace),
  'tables', {_relations("tables", "'r', 'p', 'v', 'm', 'f'")},
  'sequences', {_relations("sequences", "'S'")},
  'functions', {_functions()},
  'types', {_types()})
"""  # noqa: S608 (only constants of this file)


def read_cluster(ask: Ask, contents: Contents) -> live.Cluster:
    """The server's roles, databases, memberships and settings; stored secrets only where the session may read them."""
    extensions = sorted({e.name for database in contents.databases for e in database.extensions})
    found = ask(CLUSTER, extensions)
    absent = [role.name for role in contents.roles if role.absent]
    dependencies = ask(DEPENDENCIES, absent) if absent else None
    with_password = [role.name for role in contents.roles if role.password]
    verifiers: dict[str, str | None] | None = None
    if found["reads_secrets"]:
        verifiers = (ask(SECRETS, with_password) or {}) if with_password else {}
    return live.Cluster(
        version=found["version"],
        version_text=found["version_text"],
        session=live.Session(*found["session"]),
        roles={row["name"]: _role(row) for row in found["roles"]},
        databases={row["name"]: _database(row) for row in found["databases"]},
        memberships=tuple(live.Membership(*row) for row in found["memberships"] or ()),
        settings={(database, role): _settings(items) for database, role, items in found["settings"] or ()},
        extensions=found["extensions"] or {},
        verifiers=verifiers,
        dependencies=tuple(live.Dependency(*row) for row in dependencies or ()),
        in_recovery=found["in_recovery"],
    )


def read_inside(ask: Ask, database: Database) -> live.Inside:
    """What one database holds, as far as its description is about it."""
    scopes = database.object_scopes()
    # In the order of the placeholders.
    found = ask(INSIDE, *(sorted(schema for each, schema in scopes if each == kind) for kind in OBJECT_KINDS))
    objects: dict[tuple[str, str], list[live.Object]] = {scope: [] for scope in scopes}
    for kind in OBJECT_KINDS:
        for schema, name, identity, sql, owner, acl, of_extension in found[kind] or ():
            acl = live.acl_from_rows(acl)
            objects[(kind, schema)].append(live.Object(name, identity, sql, owner, acl, of_extension))
    letters = {KINDS[name].defaclobjtype: name for name in DEFAULT_PRIVILEGE_KINDS}
    return live.Inside(
        schemas={row[0]: live.Schema(row[0], row[1], live.acl_from_rows(row[2])) for row in found["schemas"] or ()},
        extensions={row[0]: live.Extension(*row) for row in found["extensions"] or ()},
        objects={scope: tuple(members) for scope, members in objects.items()},
        defaults={
            (creator, schema, letters[letter]): live.acl_from_rows(acl)
            for creator, schema, letter, acl in found["defaults"] or ()
            if letter in letters
        },
    )


def _role(row: dict[str, t.Any]) -> live.Role:
    flags = ("login", "superuser", "createdb", "createrole", "replication", "bypassrls", "inherit")
    valid_until = row["valid_until"]
    return live.Role(
        name=row["name"],
        flags={flag: row[flag] for flag in flags},
        connection_limit=row["connection_limit"],
        valid_until=INFINITY if valid_until is None else float(valid_until),
        expired=row["expired"],
        usable=row["usable"],
        settable=row["settable"],
        administrable=row["administrable"],
    )


def _database(row: dict[str, t.Any]) -> live.Database:
    fixed = {
        "encoding": row["encoding"],
        "lc_collate": row["lc_collate"],
        "lc_ctype": row["lc_ctype"],
        "locale_provider": {"i": "icu", "b": "builtin"}.get(row["provider"], "libc"),
        "icu_locale": row["icu_locale"] or "",
        "tablespace": row["tablespace"],
    }
    acl = live.acl_from_rows(row["acl"])
    return live.Database(
        row["name"], row["owner"], fixed, row["connection_limit"], acl, row["is_template"], row["allows_connections"]
    )


def _settings(items: list[str]) -> dict[str, str]:
    return {name.lower(): value for name, _equals, value in (item.partition("=") for item in items)}
