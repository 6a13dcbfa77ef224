# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's contents as CredForge has them."""

from __future__ import annotations

import typing as t

# What gets lost on the way, between two words that a search finds however the rest is written.
ODD = "\\ ' \" \t \u00a0 \u200b %s %41 {{ no }} $1 ä"
PASSWORD = f"begin7391{ODD}end7391"
DML = ["SELECT", "INSERT", "UPDATE", "DELETE"]


def contents(password: str = PASSWORD) -> dict[str, t.Any]:
    user = {"role": "credforge_user"}
    creator = {"creator": "cred_forge_owner", "schema": "public", **user}
    return {
        "roles": [
            {"name": "cred_forge_owner", "login": False},
            {"name": "credforge_user", "login": True, "password": password},
        ],
        "databases": [
            {
                "name": "cred_forge_db",
                "owner": "cred_forge_owner",
                "public_privileges": [],
                "grants": [
                    {**user, "type": "database", "privileges": ["CONNECT"]},
                    {**user, "type": "schema", "schema": "public", "privileges": ["USAGE"]},
                    {
                        **user,
                        "type": "tables",
                        "schema": "public",
                        "objects": ["all"],
                        "except": ["flyway_schema_history"],
                        "privileges": DML,
                    },
                    {**user, "type": "sequences", "schema": "public", "privileges": ["USAGE", "SELECT"]},
                ],
                "default_privileges": [
                    {**creator, "type": "tables", "privileges": DML},
                    {**creator, "type": "sequences", "privileges": ["USAGE", "SELECT"]},
                ],
            }
        ],
    }
