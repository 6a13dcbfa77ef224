"""The history that a real Flyway 9.22.3 wrote for one folder of files, and these files."""

from __future__ import annotations

import csv
from pathlib import Path

BOM = "\ufeff"
ONE = "SELECT 1;\n"
SCHEMAS = ["app", "aux"]
PLACEHOLDERS = {"who": "bob"}


def vectors() -> list[dict[str, str]]:
    """The rows, by rank."""
    with (Path(__file__).parent / "flyway_history_vectors.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def files() -> dict[str, str]:
    """Content by path."""
    long_name = next(row["script"] for row in vectors() if row["script"].startswith("V4_1"))
    return {
        "V1_0_0__initial_schema.sql": "CREATE TABLE a(id int);\nCREATE TABLE b(id int);\n",
        "V1_0_1__crlf_lines.sql": "CREATE TABLE c(id int);\r\nCREATE TABLE d(id int);\r\n",
        "V1_0_2__bom_and_odd_separators.sql": (
            f"{BOM}CREATE TABLE e(id int);\n-- café \u2028 ls \v vt \f ff \x85 nel \x1c fs\nSELECT 1;"
        ),
        "V1.0.3__Cr_only.sql": "CREATE TABLE f(id int);\rCREATE TABLE g(id int);\r",
        "V001.0.4__leading_zeros.sql": ONE,
        "V1_1.sql": ONE,
        "V1_2__empty.sql": "",
        "V1_2_1__only_newline.sql": "\n",
        "V2__.sql": ONE,
        "sub/deep/V2_1__in_subdir_with_space__and_double.sql": ONE,
        "V3__upper_suffix.SQL": ONE,
        "V4__desc with space.sql": ONE,
        long_name: ONE,
        "R__View_A.sql": "CREATE OR REPLACE VIEW v2 AS SELECT '${who}'::text AS x;",
        "R__view_b.sql": "CREATE OR REPLACE VIEW v1 AS SELECT 1 AS x;",
        "sub/R__zeta.sql": "CREATE OR REPLACE VIEW v3 AS SELECT 3 AS x;",
    }
