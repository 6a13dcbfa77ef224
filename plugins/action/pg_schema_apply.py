# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the controller's migration folders along with the module, as one archive."""

from __future__ import annotations

import base64
import os
import tempfile
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils._core.errors import GroundworkError
from ..module_utils._migration import source

#: Archives up to this size travel inside the module's arguments: no transfer of their own is needed then.
EMBEDDED_BYTES = 512 * 1024


class ActionModule(ActionBase):
    """Packs, runs the module of the same name, cleans up."""

    MODULE = "groundwork.databases.pg_schema_apply"
    SUFFIXES: tuple[str, ...] = (".sql",)
    TRANSFERS_FILES = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            if arguments.get("locations") and not boolean(arguments.get("remote_src", False), strict=False):
                self._send(arguments)
            result.update(self._execute_module(module_name=self.MODULE, module_args=arguments, task_vars=task_vars))
        except GroundworkError as error:
            result.update(failed=True, **error.result())
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _send(self, arguments: dict[str, t.Any]) -> None:
        folders = self._folders(arguments)
        suffixes = _as_list(arguments.get("sql_migration_suffixes", self.SUFFIXES))
        with tempfile.SpooledTemporaryFile(max_size=EMBEDDED_BYTES) as archive:
            source.write_archive(archive, folders, suffixes)
            size = archive.tell()
            archive.seek(0)
            if size <= EMBEDDED_BYTES:
                arguments["_archive_data"] = base64.b64encode(archive.read()).decode()
            else:
                arguments["_archive_path"] = self._transfer(archive)

    def _folders(self, arguments: dict[str, t.Any]) -> list[tuple[str, str]]:
        """Find the folders, as ``files`` are found: in the role, beside the playbook, in the working folder."""
        strict = boolean(arguments.get("fail_on_missing_locations", True), strict=False)
        folders = []
        for location in _as_list(arguments["locations"]):
            path = source.location_path(location)
            found = self._find(path)
            if found:
                folders.append((found, found))
            elif strict:
                raise source.missing_location(location, self._searched(path))
        return folders

    def _find(self, path: str) -> str | None:
        try:
            found = self._find_needle("files", path)
        except AnsibleError:
            working = os.path.abspath(path)  # noqa: PTH100
            found = working
        return found if os.path.isdir(found) else None  # noqa: PTH112

    def _searched(self, path: str) -> list[str]:
        if os.path.isabs(path):  # noqa: PTH117
            return [path]
        return [f"{folder}/files/{path}" for folder in self._task.get_search_path()] + [os.path.abspath(path)]  # noqa: PTH100

    def _transfer(self, archive: t.IO[bytes]) -> str:
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "migrations.zip")
        with tempfile.NamedTemporaryFile() as local:
            while chunk := archive.read(1 << 20):
                local.write(chunk)
            local.flush()
            self._transfer_file(local.name, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return t.cast(str, remote)


def _as_list(value: t.Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [str(item) for item in value]
