# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of ``mongo_collections`` work on."""

from __future__ import annotations

import copy
import typing as t


class Subject:
    """One MongoDB database under ``mongo_collections``."""

    def __init__(self, server: t.Any, client: t.Any, name: str, run: t.Callable[..., t.Any]) -> None:
        self.server = server
        self.client = client
        self.name = name
        self.db = client[name]
        self._run = run

    def declare(self, *collections: dict[str, t.Any], check: bool = False, **options: t.Any) -> t.Any:
        """Run the module, always in diff mode."""
        arguments = {
            **self.server.login,
            "database": self.name,
            "collections": copy.deepcopy(list(collections)),
            **options,
        }
        return self._run("mongo_collections", arguments, check=check, diff=True)

    def indexes(self, collection: str) -> dict[str, dict[str, t.Any]]:
        """Live indexes without the one on ``_id``, by name, as the server shows them."""
        rows = self.db.command({"listIndexes": collection})["cursor"]["firstBatch"]
        return {row["name"]: {**row, "key": dict(row["key"])} for row in rows if row["name"] != "_id_"}

    def options(self, collection: str) -> dict[str, t.Any]:
        rows = self.db.command({"listCollections": 1, "filter": {"name": collection}})["cursor"]["firstBatch"]
        return dict(rows[0]["options"])


def verbs(result: t.Any) -> list[str]:
    """The actions of a result as ``verb name``, the database left out of the name."""
    assert not result.get("failed"), result.get("msg")
    return [f"{item['action']} {item['name'].partition('.')[2]}" for item in result["actions"]]
