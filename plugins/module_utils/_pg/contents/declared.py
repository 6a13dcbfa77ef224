"""From the module's options to the desired contents, refusing what cannot be meant.

Everything here is decided without a server. All problems of one input are reported together.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated
from .. import scram
from ..quoting import PUBLIC
from . import model
from .privileges import KINDS, normalise

FLAGS = ("login", "superuser", "createdb", "createrole", "replication", "bypassrls", "inherit")
FIXED = ("encoding", "lc_collate", "lc_ctype", "locale_provider", "icu_locale", "tablespace")
# NAMEDATALEN - 1: PostgreSQL cuts longer names silently, and the next run would not find them again.
LONGEST_NAME = 63
SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*\Z")

Options = dict[str, t.Any]


def parse(options: Options) -> model.Contents:
    """:raises GroundworkError: with every problem found."""
    untouched = "everything; no session was opened"
    with collected("the input", ErrorCode.INVALID_INPUT, untouched) as problems:
        contents = model.Contents(
            roles=tuple(_role(entry, problems) for entry in options["roles"] or ()),
            databases=tuple(_database(entry, problems) for entry in options["databases"] or ()),
            policy=model.Policy(
                purge_settings=options["purge_settings"],
                purge_memberships=options["purge_memberships"],
                purge_grants=options["purge_grants"],
                purge_default_privileges=options["purge_default_privileges"],
                update_passwords=options["update_password"] == "always",  # noqa: S105 (a choice, not a password)
                report_missing_objects=options["missing_objects"] == "report",
            ),
        )
        _refuse_duplicates("roles", [role.name for role in contents.roles], problems)
        _refuse_duplicates("databases", [database.name for database in contents.databases], problems)
        _refuse_use_of_absent_roles(contents, problems)
    return contents


def _role(entry: Options, problems: Problems) -> model.Role:
    name = entry["name"]
    where = f"role {name}"
    _check_name(where, name, problems)
    if name.lower() in ("public", "none") or name.startswith("pg_"):
        problems.add(where, "this name is reserved by PostgreSQL")
    member_of = entry.get("member_of")
    if member_of is not None:
        _refuse_duplicates(f"{where} member_of", member_of, problems)
        if name in member_of:
            problems.add(where, "a role cannot be a member of itself")
    absent = entry["state"] == "absent"
    if entry.get("reassign_owned_to") and not absent:
        problems.add(where, "reassign_owned_to only goes with state=absent")
    return model.Role(
        name=name,
        absent=absent,
        flags={flag: entry[flag] for flag in FLAGS if entry.get(flag) is not None},
        connection_limit=_connection_limit(where, entry, problems),
        valid_until=_instant(where, entry.get("valid_until"), problems),
        password=_password(where, entry, problems),
        member_of=None if member_of is None else tuple(member_of),
        settings=_settings(where, entry.get("settings"), problems),
        reassign_owned_to=entry.get("reassign_owned_to"),
    )


def _password(where: str, entry: Options, problems: Problems) -> model.Password | None:
    plain, secret = entry.get("password"), entry.get("scram_secret")
    if plain is None and secret is None:
        return None
    # An empty password means "no password" to PostgreSQL; a template that came out empty must not lock it silently.
    if plain is not None and (not plain or "\0" in plain):
        problems.add(where, "password is empty or holds a NUL character")
    elif secret is not None and scram.parse_secret(secret) is None:
        problems.add(
            where, "scram_secret is not a secret of the form SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>"
        )
    elif plain is not None and secret is not None and not scram.matches(plain, secret):
        problems.add(where, "scram_secret does not belong to password")
    return model.Password(plain, secret)


def _connection_limit(where: str, entry: Options, problems: Problems) -> int | None:
    limit = entry.get("connection_limit")
    if limit is not None and limit < -1:
        problems.add(where, f"connection_limit {limit} is not -1 (no limit), 0 or more")
    return limit


def _instant(where: str, text: str | None, problems: Problems) -> float | None:
    """ISO 8601 with a time zone. Without one the server's TimeZone would decide, which differs between environments."""
    if text is None:
        return None
    if text.strip().lower() == "infinity":
        return model.INFINITY
    try:
        # fromisoformat of Python 3.10 does not know "Z", nor offsets without minutes, which PostgreSQL prints.
        iso = re.sub(r"([+-]\d\d)$", r"\1:00", re.sub(r"[zZ]$", "+00:00", text.strip()))
        instant = datetime.datetime.fromisoformat(iso)
    except ValueError:
        problems.add(
            where, f"valid_until {text!r} is neither infinity nor a date and time such as 2027-01-31T00:00:00Z"
        )
        return None
    if instant.tzinfo is None:
        problems.add(where, f"valid_until {text!r} has no time zone; add Z for UTC or an offset such as +02:00")
        return None
    return instant.timestamp()


def _settings(where: str, settings: Options | None, problems: Problems) -> Options | None:
    _refuse_duplicates(f"{where} settings", [str(name).lower() for name in settings or {}], problems)
    for name, value in (settings or {}).items():
        if not SETTING_NAME.match(str(name)):
            problems.add(where, f"{name!r} is not the name of a setting")
        if isinstance(value, dict):
            problems.add(where, f"setting {name} is a mapping; give a value or a list")
    return None if settings is None else {str(name): value for name, value in settings.items()}


def _database(entry: Options, problems: Problems) -> model.Database:
    name = entry["name"]
    where = f"database {name}"
    _check_name(where, name, problems)
    absent = entry["state"] == "absent"
    if absent and entry.get("confirm_drop") != name:
        problems.add(where, f"state=absent drops the database with all its data; confirm with confirm_drop: {name}")
    if absent and name in ("postgres", "template0", "template1"):
        problems.add(where, "the server itself needs this database")
    schemas, schema_grants = _schemas(where, entry.get("schemas") or [], problems)
    extensions = tuple(
        model.Extension(e["name"], e.get("schema"), e.get("version"), e["state"] == "absent")
        for e in entry.get("extensions") or []
    )
    role_settings = entry.get("role_settings") or []
    _refuse_duplicates(f"{where} role_settings", [each["role"] for each in role_settings], problems)
    _refuse_duplicates(f"{where} extensions", [extension.name for extension in extensions], problems)
    grants = [_grant(where, grant, problems) for grant in entry.get("grants") or []]
    public = _public_grant(where, "database", "", entry.get("public_privileges"), problems)
    return model.Database(
        name=name,
        absent=absent,
        owner=entry.get("owner"),
        fixed=_fixed(where, entry, problems),
        template=entry.get("template"),
        connection_limit=_connection_limit(where, entry, problems),
        settings=_settings(where, entry.get("settings"), problems),
        role_settings=tuple(
            model.RoleSettings(
                each["role"], _settings(f"{where} role {each['role']}", each["settings"], problems) or {}
            )
            for each in role_settings
        ),
        schemas=schemas,
        extensions=extensions,
        grants=(*public, *schema_grants, *(grant for grant in grants if grant)),
        default_privileges=tuple(
            default
            for each in entry.get("default_privileges") or []
            if (default := _default_privilege(where, each, problems))
        ),
        terminate_sessions=entry.get("terminate_sessions") or False,
    )


def _fixed(where: str, entry: Options, problems: Problems) -> dict[str, str]:
    fixed = {name: entry[name] for name in FIXED if entry.get(name)}
    locale = entry.get("locale")
    for name in ("lc_collate", "lc_ctype"):
        if locale and fixed.setdefault(name, locale) != locale:
            problems.add(where, f"give either locale or {name}")
    if entry.get("icu_locale"):
        fixed.setdefault("locale_provider", "icu")
        if fixed["locale_provider"] != "icu":
            problems.add(where, "icu_locale only goes with locale_provider=icu")
    return fixed


def _schemas(
    where: str, entries: list[Options], problems: Problems
) -> tuple[tuple[model.Schema, ...], tuple[model.Grant, ...]]:
    schemas = tuple(model.Schema(entry["name"], entry.get("owner")) for entry in entries)
    _refuse_duplicates(f"{where} schemas", [schema.name for schema in schemas], problems)
    grants: list[model.Grant] = []
    for entry in entries:
        place = f"{where} schema {entry['name']}"
        _check_name(place, entry["name"], problems)
        if entry["name"].startswith("pg_"):
            problems.add(place, "names that begin with pg_ are reserved by PostgreSQL")
        grants += _public_grant(place, "schema", entry["name"], entry.get("public_privileges"), problems)
    return schemas, tuple(grants)


def _public_grant(
    where: str, kind: str, schema: str, words: list[str] | None, problems: Problems
) -> tuple[model.Grant, ...]:
    if words is None:
        return ()
    privileges = _privileges(f"{where} public_privileges", kind, words, problems)
    return (model.Grant(PUBLIC, kind, schema, None, (), privileges),)


def _grant(where: str, entry: Options, problems: Problems) -> model.Grant | None:
    kind, role = entry["type"], _grantee(entry["role"])
    schema = entry.get("schema") or ""
    place = f"{where} grant to {entry['role']} on {kind}"
    names = list(entry["objects"])
    everything = names == ["all"]
    if kind == "database" and schema:
        problems.add(place, "a grant on the database itself has no schema")
    if kind != "database" and not schema:
        problems.add(place, "schema is missing")
        return None
    if kind in ("database", "schema") and (not everything or entry.get("except")):
        problems.add(place, "objects and except only go with tables, sequences, functions and types")
    if not everything and entry.get("except"):
        problems.add(place, "except only goes with objects: all")
    if entry["grantable"] and role == PUBLIC:
        problems.add(place, "PUBLIC cannot hold a grant option")
    privileges = _privileges(place, kind, entry["privileges"], problems)
    excluded = tuple(entry.get("except") or [])
    return model.Grant(
        role, kind, schema, None if everything else tuple(names), excluded, privileges, entry["grantable"]
    )


def _default_privilege(where: str, entry: Options, problems: Problems) -> model.DefaultPrivilege | None:
    kind, schema = entry["type"], entry.get("schema") or ""
    place = f"{where} default privileges of {entry['creator']} for {entry['role']} on {kind}"
    if kind == "schemas" and schema:
        problems.add(place, "schemas are not created in a schema; leave schema out")
        return None
    privileges = _privileges(place, kind, entry["privileges"], problems)
    return model.DefaultPrivilege(entry["creator"], schema, kind, _grantee(entry["role"]), privileges)


def _grantee(name: str) -> str:
    return PUBLIC if name in ("PUBLIC", "public") else name


def _privileges(where: str, kind: str, words: list[str], problems: Problems) -> frozenset[str]:
    known, unknown = normalise(KINDS[kind], words)
    for word in unknown:
        problems.add(where, f"unknown privilege {word!r}; known for {kind}: {', '.join(KINDS[kind].privileges)}, ALL")
    return known


def _check_name(where: str, name: str, problems: Problems) -> None:
    if not name or "\0" in name:
        problems.add(where, "the name is empty or holds a NUL character")
    if len(name.encode("utf-8")) > LONGEST_NAME:
        problems.add(where, f"the name is longer than PostgreSQL's {LONGEST_NAME} bytes")


def _refuse_duplicates(where: str, names: list[str], problems: Problems) -> None:
    for name in repeated(names):
        problems.add(where, f"{name!r} is listed {names.count(name)} times")


def _refuse_use_of_absent_roles(contents: model.Contents, problems: Problems) -> None:
    absent = {role.name for role in contents.roles if role.absent}
    for role in contents.roles:
        for group in role.member_of or ():
            if group in absent and not role.absent:
                problems.add(f"role {role.name}", f"member_of names {group}, which is listed with state=absent")
        if role.reassign_owned_to in absent:
            problems.add(
                f"role {role.name}",
                f"reassign_owned_to names {role.reassign_owned_to}, which is listed with state=absent",
            )
    for database in contents.databases:
        if database.absent:
            continue
        for name, use in references(database):
            if name in absent:
                problems.add(f"database {database.name}", f"{use} names {name}, which is listed with state=absent")


def references(database: model.Database) -> t.Iterator[tuple[str, str]]:
    """Every role that a database's description names, with what it is named for."""
    if database.owner:
        yield database.owner, "owner"
    for schema in database.schemas:
        if schema.owner:
            yield schema.owner, f"owner of schema {schema.name}"
    for grant in database.grants:
        if grant.role != PUBLIC:
            yield grant.role, f"grant on {grant.kind}"
    for default in database.default_privileges:
        yield default.creator, "creator of default privileges"
        if default.role != PUBLIC:
            yield default.role, "default privileges"
    for each in database.role_settings:
        yield each.role, "role_settings"
