# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Empties the server whose roles and databases belong to these tests."""

from __future__ import annotations

from servers import Postgresql


def remove_everything(server: Postgresql) -> None:
    for (name,) in server.query(
        "SELECT quote_ident(datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
    ):
        server.query(f"DROP DATABASE {name} WITH (FORCE)")
    roles = server.query("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'")
    for (name,) in roles:
        server.query(f"DROP OWNED BY {name} CASCADE")
    for (name,) in roles:
        server.query(f"DROP ROLE {name}")
