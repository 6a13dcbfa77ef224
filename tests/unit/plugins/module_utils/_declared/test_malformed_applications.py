"""Malformed descriptions of applications, each with all that the check says about it."""

# ruff: noqa: E501 -- a case of the tables is one line
from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._declared import application, check

FILE = "shop/application.yml"


@pytest.fixture
def folder(tmp_path):
    """An application's folder, with its migrations."""
    for name in ("postgresql", "mongodb"):
        (tmp_path / name).mkdir()
    return tmp_path


def lines(folder, *contents):
    """What the check says of one or several applications that no server of the run holds."""
    names = ["shop", "mail", "desk"]
    read = [
        application.parse(name, content if isinstance(content, bytes) else content.encode(), f"{name}/application.yml", str(folder))
        for name, content in zip(names, contents, strict=False)
    ]
    work = check.Check()
    work.files(read)
    for engine in check.ENGINES:
        work.unused(engine, read)
    return work.problems()


def pg(text):
    return "postgresql:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def mongo(text):
    return "mongodb:\n" + "".join(f"  {line}\n" for line in text.splitlines())


ROLES = "roles: [{name: shop_owner}]\n"
DATABASE = ROLES + "databases:\n  - name: shop\n    owner: shop_owner\n"
MIGRATIONS = DATABASE + "migrations:\n  - database: shop\n    locations: [postgresql]\n"
CARTS = "databases:\n  - name: shop\n    collections:\n      - name: carts\n"

TEXTS = [
    ("empty", "", "1: the file is empty; write postgresql: or mongodb: with its contents"),
    ("only comments", "---\n# nothing\n", "1: the file is empty; write postgresql: or mongodb: with its contents"),
    ("empty mapping", "{}\n", "1: the file is empty; write postgresql: or mongodb: with its contents"),
    ("null", "---\nnull\n", "1: the file is empty; write postgresql: or mongodb: with its contents"),
    ("list", "- postgresql\n", "1: the file is a list, a mapping with postgresql: or mongodb: is expected"),
    ("scalar", "\nshop\n", "2: the file is text, a mapping with postgresql: or mongodb: is expected"),
    ("number", "12\n", "1: the file is a number, a mapping with postgresql: or mongodb: is expected"),
    ("two documents", "postgresql: {}\n---\nmongodb: {}\n", "2: malformed YAML: expected a single document in the stream, but found another document"),
    ("tabs", "postgresql:\n\troles: []\n", "2: malformed YAML: while scanning for the next token, found character that cannot start any token"),
    ("unclosed", "postgresql:\n  roles: [{name: a}\n", "3: malformed YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
    ("a secret that begins with a star", "postgresql:\n  roles: [{name: a, password: *hunter2}]\n", "2: malformed YAML: found undefined alias"),
    ("indentation", "postgresql:\n  roles: []\n databases: []\n", "3: malformed YAML: while parsing a block mapping, did not find expected key"),
    ("control character", "postgresql: {roles: [{name: a\x07}]}\n", "1: the character U+0007 is not allowed in YAML"),
    ("latin-1", "# caf\xe9\npostgresql: {}\n".encode("latin-1"), "1: the byte 0xE9 is not UTF-8, the file is probably Latin-1; save it as UTF-8"),
    ("latin-1 further down", "postgresql: {}\n# ok\n# \xfc\n".encode("latin-1"), "3: the byte 0xFC is not UTF-8, the file is probably Latin-1; save it as UTF-8"),
    ("utf-16", "postgresql: {}\n".encode("utf-16"), "1: the file is UTF-16; save it as UTF-8"),
    ("utf-32", "postgresql: {}\n".encode("utf-32"), "1: the file is UTF-32; save it as UTF-8"),
    ("contains itself", "postgresql: &a\n  roles: *a\n", "1: postgresql.roles: the value contains itself"),
    ("merge of text", "postgresql:\n  <<: roles\n", "2: postgresql: << takes a mapping, or a list of mappings"),
    ("unknown tag", pg("roles: [{name: !Ref a}]"), "2: postgresql.roles[0].name: the tag !Ref is unknown; !vault and !unsafe are known"),
    ("python tag", pg("roles: [{name: !!python/name:os.system a}]"), "2: postgresql.roles[0].name: the value cannot be read as python/name:os.system; put it in quotes"),
    ("tag on a list", pg("roles: !secret\n  - name: a"), "2: postgresql.roles: the tag !secret is unknown"),
    ("impossible date", pg("roles: [{name: a, valid_until: 2026-13-45}]"), "2: postgresql.roles[0].valid_until: the value cannot be read as timestamp; put it in quotes"),
]  # fmt: skip

KEYS = [
    ("postgre", "postgre: {}\n", "1: postgre: unknown key, did you mean postgresql?"),
    ("mongo", "mongo: {}\n", "1: mongo: unknown key, did you mean mongodb?"),
    ("capitals", "PostgreSQL: {}\n", "1: PostgreSQL: unknown key, did you mean postgresql?"),
    ("redis", "redis: {users: []}\n", "1: redis: it is not supported by this version"),
    ("elasticsearch", "elasticsearch: {}\n", "1: elasticsearch: it is not supported by this version"),
    ("backup", "backup: {}\n", "1: backup: it is not supported by this version"),
    ("backups", "backups: {}\n", "1: backups: unknown key; backup: it is not supported by this version"),
    ("monitoring of a store", pg("monitoring: {}"), "2: postgresql.monitoring: it is not supported by this version"),
    ("pools of a store", pg("pools: []"), "2: postgresql.pools: it is not supported by this version"),
    ("a store of its own name", "orders:\n  engine: postgresql\n", "1: orders: stores with a name of their own are not supported by this version; write postgresql: or mongodb:"),
    ("nothing like it", "zzz: 1\n", "1: zzz: unknown key; known are mongodb, postgresql"),
    ("role", pg("role: []"), "2: postgresql.role: unknown key, did you mean roles?"),
    ("migration", pg("migration: []"), "2: postgresql.migration: unknown key, did you mean migrations?"),
    ("user", mongo("user: []"), "2: mongodb.user: unknown key, did you mean users?"),
    ("key of a role", pg("roles:\n  - name: a\n    pasword: x"), "4: postgresql.roles[0].pasword: unknown key, did you mean password?"),
    ("key of a database", pg("databases:\n  - name: a\n    ownr: b"), "4: postgresql.databases[0].ownr: unknown key, did you mean owner?"),
    ("key of a grant", pg(DATABASE + "    grants:\n      - {role: shop_owner, type: database, privilege: [ALL], privileges: [ALL]}"), "7: postgresql.databases[0].grants[0].privilege: unknown key, did you mean privileges?"),
    ("key of a migration", pg(MIGRATIONS + "    base_line_version: '1'"), "9: postgresql.migrations[0].base_line_version: unknown key, did you mean baseline_version?"),
    ("key of lint", pg(MIGRATIONS + "    lint: {lvl: error}"), "9: postgresql.migrations[0].lint.lvl: unknown key, did you mean level?"),
    ("key of an index", mongo(CARTS + "        indexes:\n          - keys: {a: 1}\n            uniqe: true"), "8: mongodb.databases[0].collections[0].indexes[0].uniqe: unknown key, did you mean unique?"),
    ("key of a user's role", mongo("users:\n  - name: a\n    roles:\n      - rol: read\n        role: read"), "5: mongodb.users[0].roles[0].rol: unknown key, did you mean role?"),
    ("login of an environment", pg("login_host: db1"), "2: postgresql.login_host: it belongs to the inventory, which says how a server is reached"),
    ("login of an environment, mongodb", mongo("login_password: x"), "2: mongodb.login_password: it belongs to the inventory, which says how a server is reached"),
    ("login of a migration", pg(MIGRATIONS + "    login_user: x"), "9: postgresql.migrations[0].login_user: it belongs to the inventory, which says how a server is reached"),
    ("option's own name", pg(MIGRATIONS + "    login_db: x"), "9: postgresql.migrations[0].login_db: write database"),
    ("of the run only", pg(MIGRATIONS + "    assume_empty: true"), "9: postgresql.migrations[0].assume_empty: the run decides it from the state of the server"),
    ("clean", pg(MIGRATIONS + "    clean_disabled: false"), "9: postgresql.migrations[0].clean_disabled: use the module groundwork.databases.pg_schema_apply for that, in a playbook of its own"),
    ("of all applications", mongo("unmanaged: drop"), "2: mongodb.unmanaged: one application does not know the users of the others"),
    ("twice", "postgresql: {}\nmongodb: {}\npostgresql: {}\n", "3: postgresql: the key is there twice, first in line 1"),
    ("twice, further down", pg("roles:\n  - name: a\n    login: true\n    login: false"), "5: postgresql.roles[0].login: the key is there twice, first in line 4"),
    ("twice in free values", pg("roles:\n  - name: a\n    settings:\n      work_mem: 4MB\n      work_mem: 8MB"), "6: postgresql.roles[0].settings.work_mem: the key is there twice, first in line 5"),
    ("two spellings", mongo(CARTS + "        indexes:\n          - keys: {a: 1}\n            expireAfterSeconds: 1\n            expire_after_seconds: 1"), "9: mongodb.databases[0].collections[0].indexes[0].expire_after_seconds: it is expire_after_seconds, which is already given as expireAfterSeconds"),
    ("on is true in YAML", pg(DATABASE + "    grants:\n      - {role: shop_owner, on: database, privileges: [ALL]}"), "7: postgresql.databases[0].grants[0]: YAML does not read the key on as text; put it in quotes"),
    ("no is false in YAML", mongo(CARTS + "        indexes:\n          - keys:\n              no: 1"), "8: mongodb.databases[0].collections[0].indexes[0].keys: YAML does not read the key no as text; put it in quotes"),
    ("a list as key", pg("? [a]\n: b"), "2: postgresql: a key is text, not a list or a mapping"),
]  # fmt: skip

VALUES = [
    ("no value", "postgresql:\n", "1: postgresql: it has no value; give it a mapping, or remove the key"),
    ("list without value", pg("roles:"), "2: postgresql.roles: it has no value; give it a list, or remove the key"),
    ("name without value", pg("roles: [{name: }]"), "2: postgresql.roles[0].name: it has no value; give it text, or remove the key"),
    ("store is text", "mongodb: shop\n", "1: mongodb: the value is text, a mapping is expected"),
    ("store is a list", "mongodb: []\n", "1: mongodb: the value is a list, a mapping is expected"),
    ("mapping for a list", pg("roles:\n  name: a"), "3: postgresql.roles: the value is a mapping, a list is expected; begin each item with a dash"),
    ("text for a list", pg("roles: shop_user"), "2: postgresql.roles: the value is text, a list is expected; write it as [...]"),
    ("text for an item", pg("roles: [shop_user]"), "2: postgresql.roles[0]: the value is text, a mapping is expected"),
    ("commas", pg(DATABASE + "    grants:\n      - role: shop_owner\n        type: database\n        privileges: CONNECT, CREATE"), "9: postgresql.databases[0].grants[0].privileges: the value is text, a list is expected; write it as [...]"),
    ("number for text", pg("roles: [{name: 12}]"), "2: postgresql.roles[0].name: the value is a number, text is expected; put it in quotes"),
    ("octal password", pg("roles: [{name: a, password: 0123}]"), "2: postgresql.roles[0].password: the value is a number, text is expected; put it in quotes"),
    ("yes for text", pg("roles: [{name: a, password: yes}]"), "2: postgresql.roles[0].password: the value is true or false, text is expected; put it in quotes"),
    ("version is a number", pg(MIGRATIONS + "    baseline_version: 1.10"), "9: postgresql.migrations[0].baseline_version: the value is a number, text is expected; put it in quotes"),
    ("quoted truth", pg("roles: [{name: a, login: 'yes'}]"), "2: postgresql.roles[0].login: the value is text, true or false is expected; write it without quotes"),
    ("number for truth", pg("roles: [{name: a, login: 1}]"), "2: postgresql.roles[0].login: the value is a number, true or false is expected"),
    ("text for a number", pg("roles: [{name: a, connection_limit: many}]"), "2: postgresql.roles[0].connection_limit: the value is text, a whole number is expected; write it without quotes"),
    ("fraction", pg("roles: [{name: a, connection_limit: 1.5}]"), "2: postgresql.roles[0].connection_limit: the value is a fraction, a whole number is expected"),
    ("list for text", pg("roles: [{name: [a]}]"), "2: postgresql.roles[0].name: the value is a list, text is expected"),
    ("settings are a list", pg("roles: [{name: a, settings: [work_mem]}]"), "2: postgresql.roles[0].settings: the value is a list, a mapping is expected"),
    ("name is missing", pg("roles:\n  - login: true"), "3: postgresql.roles[0]: the key name is missing"),
    ("locations are missing", pg(DATABASE + "migrations: [{database: shop}]"), "6: postgresql.migrations[0]: the key locations is missing"),
    ("collections are missing", mongo("databases: [{name: shop}]"), "2: mongodb.databases[0]: the key collections is missing"),
    ("type of a grant is missing", pg(DATABASE + "    grants: [{role: shop_owner, privileges: [ALL]}]"), "6: postgresql.databases[0].grants[0]: the key type is missing"),
    ("keys of an index are missing", mongo(CARTS + "        indexes: [{name: a}]"), "6: mongodb.databases[0].collections[0].indexes[0]: the key keys is missing"),
    ("choice", pg("roles: [{name: a, state: presnt}]"), "2: postgresql.roles[0].state: 'presnt' is not one of present, absent, did you mean present?"),
    ("choice without likeness", pg("update_password: zzz"), "2: postgresql.update_password: 'zzz' is not one of always, on_create"),
    ("profile", mongo("databases: [{name: shop, collections: [], profile: mongodb-5.0}]"), "2: mongodb.databases[0].profile: 'mongodb-5.0' is not one of auto, mongodb-7.0, mongodb-6.0, documentdb-8.0, documentdb-5.0, portable, did you mean mongodb-7.0?"),
    ("level is off in YAML", pg(MIGRATIONS + "    lint: {level: off}"), "9: postgresql.migrations[0].lint.level: the value is true or false, text is expected; put it in quotes"),
    ("cleaned", pg(MIGRATIONS + "    state: cleaned"), "9: postgresql.migrations[0].state: 'cleaned' is not one of migrated, validated, baselined, repaired, undone"),
    ("mechanism", mongo("users: [{name: a, mechanisms: [SCRAM]}]"), "2: mongodb.users[0].mechanisms[0]: 'SCRAM' is not one of SCRAM-SHA-1, SCRAM-SHA-256, did you mean SCRAM-SHA-1?"),
]  # fmt: skip

REFERENCES = [
    ("two roles", pg("roles:\n  - name: a\n  - name: b\n  - name: a"), "5: postgresql.roles[2]: the role a is already declared in line 3"),
    ("two databases", pg("databases: [{name: a}, {name: a}]"), "2: postgresql.databases[1]: the database a is already declared in line 2"),
    ("two schemas", pg(DATABASE + "    schemas: [{name: a}, {name: a}]"), "6: postgresql.databases[0].schemas[1]: the schema a is already declared in line 6"),
    ("two extensions", pg(DATABASE + "    extensions: [{name: a}, {name: a}]"), "6: postgresql.databases[0].extensions[1]: the extension a is already declared in line 6"),
    ("two partitioned tables", pg(DATABASE + "partitions: [{database: shop, tables: [{name: a}, {name: a, schema: b}, {name: a}]}]"), "6: postgresql.partitions[0].tables[2]: the table a is already declared in line 6"),
    ("two users", mongo("users: [{name: a}, {name: a, database: shop}, {name: a, database: admin}]"), "2: mongodb.users[2]: the user a@admin is already declared in line 2"),
    ("two mongodb databases", mongo("databases: [{name: a, collections: []}, {name: a, collections: []}]"), "2: mongodb.databases[1]: the database a is already declared in line 2"),
    ("two collections", mongo(CARTS + "      - name: carts"), "6: mongodb.databases[0].collections[1]: the collection carts is already declared in line 5"),
    ("grant to an undeclared role", pg(DATABASE + "    grants: [{role: shop_ownr, type: database, privileges: [ALL]}]"), "6: postgresql.databases[0].grants[0].role: no application of this run declares the role shop_ownr, did you mean shop_owner?"),
    ("grant to a role unlike any", pg("databases: [{name: a, grants: [{role: zzz, type: database, privileges: [ALL]}]}]"), "2: postgresql.databases[0].grants[0].role: no application of this run declares the role zzz; declare it under postgresql.roles, where a name alone leaves an existing role as it is"),
    ("undeclared owner", pg("databases: [{name: a, owner: zzz}]"), "2: postgresql.databases[0].owner: no application of this run declares the role zzz; declare it under postgresql.roles, where a name alone leaves an existing role as it is"),
    ("undeclared owner of a schema", pg(DATABASE + "    schemas: [{name: a, owner: shop_ower}]"), "6: postgresql.databases[0].schemas[0].owner: no application of this run declares the role shop_ower, did you mean shop_owner?"),
    ("undeclared group", pg("roles: [{name: shop_a, member_of: [pg_monitor, shop_b]}]"), "2: postgresql.roles[0].member_of[1]: no application of this run declares the role shop_b, did you mean shop_a?"),
    ("undeclared creator", pg(DATABASE + "    default_privileges: [{creator: shop_own, role: PUBLIC, type: tables, privileges: []}]"), "6: postgresql.databases[0].default_privileges[0].creator: no application of this run declares the role shop_own, did you mean shop_owner?"),
    ("undeclared role of settings", pg(DATABASE + "    role_settings: [{role: shop_ownr, settings: {}}]"), "6: postgresql.databases[0].role_settings[0].role: no application of this run declares the role shop_ownr, did you mean shop_owner?"),
    ("undeclared session role", pg(MIGRATIONS + "    session_role: shop_ownr"), "9: postgresql.migrations[0].session_role: no application of this run declares the role shop_ownr, did you mean shop_owner?"),
    ("undeclared role of a policy", pg(DATABASE + "row_security: [{database: shop, policies: [{name: a, using: 'true', roles: [shop_ownr]}]}]"), "6: postgresql.row_security[0].policies[0].roles[0]: no application of this run declares the role shop_ownr, did you mean shop_owner?"),
    ("undeclared database of migrations", pg(DATABASE + "migrations: [{database: shopp, locations: postgresql}]"), "6: postgresql.migrations[0].database: no application of this run declares the database shopp, did you mean shop?"),
    ("undeclared database of a target", pg(MIGRATIONS + "    targets: [{database: shop}, {database: shop2}]"), "9: postgresql.migrations[0].targets[1].database: no application of this run declares the database shop2, did you mean shop?"),
    ("undeclared database of partitions", pg("partitions: [{database: zzz, tables: []}]"), "2: postgresql.partitions[0].database: no application of this run declares the database zzz; declare it under postgresql.databases"),
    ("undeclared database of policies", pg("row_security: [{database: zzz, policies: []}]"), "2: postgresql.row_security[0].database: no application of this run declares the database zzz; declare it under postgresql.databases"),
    ("undeclared database of change files", mongo(CARTS + "migrations: [{database: shopp, locations: [mongodb]}]"), "6: mongodb.migrations[0].database: no application of this run declares the database shopp, did you mean shop?"),
    ("undeclared role of a user", mongo("users: [{name: a, roles: [{role: readwrite}]}]"), "2: mongodb.users[0].roles[0].role: no application of this run declares the role readwrite; declare it under mongodb.roles, in the database admin"),
    ("role of another database", mongo("roles: [{name: order_reader, database: shop}]\nusers: [{name: a, roles: [{role: order_readr, db: shop}]}]"), "3: mongodb.users[0].roles[0].role: no application of this run declares the role order_readr, did you mean order_reader?"),
    ("location of another kind", pg(DATABASE + "migrations: [{database: shop, locations: ['classpath:db']}]"), "6: postgresql.migrations[0].locations[0]: Locations of the kind classpath: cannot be read"),
    ("target", pg(MIGRATIONS + "    target: newest"), "9: postgresql.migrations[0].target: it is not a version such as 1.2.0, latest, next, current"),
    ("target of change files", mongo(CARTS + "migrations: [{database: shop, locations: [mongodb], target: next}]"), "6: mongodb.migrations[0].target: it is not a version such as 1.2.0, latest"),
    ("baseline", pg(MIGRATIONS + "    baseline_version: one"), "9: postgresql.migrations[0].baseline_version: it is not a version such as 1.2.0"),
]  # fmt: skip

MALFORMED = [*TEXTS, *KEYS, *VALUES, *REFERENCES]


def test_the_table_is_long_and_names_each_case_once():
    names = [name for name, _content, _line in MALFORMED]
    assert len(names) >= 60 and len(set(names)) == len(names)


@pytest.mark.parametrize(("content", "line"), [pytest.param(*rest, id=name) for name, *rest in MALFORMED])
def test_a_malformed_description_has_its_one_message(folder, content, line):
    assert lines(folder, content) == [f"{FILE}:{line}"]


def test_a_folder_of_migrations_that_is_not_there_is_named(folder):
    content = pg(DATABASE + "migrations:\n  - database: shop\n    locations:\n      - postgresql\n      - sql")
    assert lines(folder, content) == [
        f"{FILE}:10: postgresql.migrations[0].locations[1]: there is no folder {folder}/sql; relative ones begin next to"
        " the application.yml"
    ]


def test_all_problems_are_reported_in_the_order_of_their_lines(folder):
    content = "redis: {}\npostgresql:\n  role: []\n  roles: [{name: a, login: 1}]\nmongodb: []\n"
    assert [line.split(":")[1] for line in lines(folder, content)] == ["1", "3", "4", "5"]


def test_what_stands_under_a_wrong_key_is_not_called_undeclared(folder):
    content = pg("role: [{name: shop_owner}]\ndatabases: [{name: shop, owner: shop_owner}]")
    assert lines(folder, content) == [f"{FILE}:2: postgresql.role: unknown key, did you mean roles?"]


def test_one_server_cannot_hold_the_same_database_for_two_applications(folder):
    assert lines(folder, pg("databases: [{name: a}]"), pg("roles: []\ndatabases: [{name: a}]")) == [
        f"mail/application.yml:3: postgresql.databases[0]: the application shop already declares the database a, in {FILE}:2"
    ]


def test_one_server_cannot_hold_the_same_user_for_two_applications(folder):
    assert lines(folder, mongo("users: [{name: a}]"), mongo("users: [{name: a, roles: []}]")) == [
        f"mail/application.yml:2: mongodb.users[0]: the application shop already declares the user a@admin, in {FILE}:2"
    ]


@pytest.mark.parametrize("given", [("[{name: r, login: false}]", "[{name: r}]"), ("[{name: r}]", "[{name: r, login: true}]")])
def test_a_role_with_nothing_but_a_name_is_one_that_another_application_has_too(folder, given):
    assert lines(folder, *(pg(f"roles: {roles}") for roles in given)) == []


def test_a_role_of_another_application_may_get_a_grant(folder):
    grant = "databases: [{name: a, grants: [{role: reader, type: database, privileges: [CONNECT]}]}]"
    assert lines(folder, pg(grant), pg("roles: [{name: reader, login: true}]")) == []
