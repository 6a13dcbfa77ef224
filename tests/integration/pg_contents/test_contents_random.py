# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever was granted before, by whomever: one run makes it as listed, a second one finds nothing to do."""

from __future__ import annotations

import contextlib
import random
import typing as t

import psycopg2
import pytest
from servers import Postgresql

Run = t.Callable[..., t.Any]
Dump = t.Callable[[], str]

ROLES = ["ann", "bob", "cat", "dan"]
TABLES = ["one", "two", "three"]
PRIVILEGES = ["SELECT", "INSERT", "UPDATE"]


def scatter(server: Postgresql, chance: random.Random) -> None:
    """Random owners, random grants by random grantors, many with grant option; what the server refuses is left out."""
    for role in ROLES:
        server.query(f"CREATE ROLE {role}")
    server.create_database("shop")
    with contextlib.closing(server.connect("shop")) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TABLE {table} (x int); ALTER TABLE {table} OWNER TO {chance.choice(ROLES)}")
        for _grant in range(60):
            grantor, role = chance.sample(ROLES, 2)
            privilege, table = chance.choice(PRIVILEGES), chance.choice(TABLES)
            option = " WITH GRANT OPTION" if chance.random() < 0.7 else ""
            with contextlib.suppress(psycopg2.Error):
                cursor.execute(f"SET ROLE {grantor}; GRANT {privilege} ON {table} TO {role}{option}")
            cursor.execute("RESET ROLE")


def held(server: Postgresql, role: str, table: str) -> dict[str, bool]:
    """Privileges and whether they may be passed on, from the catalogue."""
    rows = server.query(
        f"SELECT privilege_type, bool_or(is_grantable) FROM pg_class, aclexplode(relacl) "
        f"WHERE relname = '{table}' AND grantee = '{role}'::regrole GROUP BY 1",
        "shop",
    )
    return dict(rows)


@pytest.mark.parametrize("seed", range(12))
def test_random_grants(server: Postgresql, contents: Run, catalogues: Dump, seed: int) -> None:
    chance = random.Random(seed)
    scatter(server, chance)
    listed = {
        (role, table): chance.sample(PRIVILEGES, chance.randint(0, 3))
        for role in chance.sample(ROLES, 3)
        for table in chance.sample(TABLES, 2)
    }
    grantable = {pair: chance.random() < 0.4 for pair in listed}
    given: dict[str, t.Any] = {
        "databases": [
            {
                "name": "shop",
                "grants": [
                    {
                        "role": role, "type": "tables", "schema": "public", "objects": [table],
                        "privileges": privileges, "grantable": grantable[role, table],
                    }
                    for (role, table), privileges in listed.items()
                ],
            }
        ]
    }  # fmt: skip
    before = catalogues()
    predicted = contents(**given, check=True)
    assert catalogues() == before
    if predicted.get("failed"):
        assert predicted["error_code"] == "GRANTED_ONWARD", predicted["msg"]
        assert contents(**given)["error_code"] == "GRANTED_ONWARD"
        assert catalogues() == before
        given["purge_grants"] = True
        predicted = contents(**given, check=True)
    done = contents(**given)
    assert not done.get("failed"), done["msg"]
    assert done["actions"] == predicted["actions"]
    again = contents(**given)
    assert again["changed"] is False
    owners = dict(server.query("SELECT tablename::text, tableowner::text FROM pg_tables", "shop"))
    for (role, table), privileges in listed.items():
        if owners[table] != role:
            assert held(server, role, table) == dict.fromkeys(privileges, grantable[role, table])
