# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the descriptions of the applications on the controller, for all hosts of the play at once."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

import yaml
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ..module_utils._core.errors import GroundworkError
from ..module_utils._declared import application, check
from ..module_utils._declared.application import Application, Server
from ..module_utils._declared.located import Located
from ..module_utils._declared.resolve import Unresolved

try:
    from ansible.errors import AnsibleValueOmittedError
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 takes every text for a template, and has a text that means omit

    class AnsibleValueOmittedError(Exception):  # type: ignore[no-redef]
        """Never raised."""

    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        return value


# Imported here, once, and not in the worker of each task.
AHEAD = (yaml,)
_HINT = "Correct these lines, then run again. docs/application.md of this collection lists every key."
_NOTED = object()
_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined|has no attribute '([A-Za-z_]\w*)'")
_ENCRYPTED = b"$ANSIBLE_VAULT;"
# What Ansible adds for a play, and hostvars do not have.
_OF_PLAY = ("hostvars", "playbook_dir", "groups", "omit", "ansible_version")


class ActionModule(ActionBase):
    """Runs once for all hosts, so that what is wrong is said once. Nothing is connected to."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("stores",))

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        try:
            self._check(dict(task_vars or {}))
        except GroundworkError as error:
            result.update(failed=True, **error.result())
        return t.cast("dict[str, t.Any]", result)

    def _check(self, task_vars: dict[str, t.Any]) -> None:
        """:raises GroundworkError: with all problems of all applications and hosts."""
        stores: dict[str, list[str]] = self._task.args.get("stores") or {}
        hosts = [_Host(name, task_vars, self._loader) for name in task_vars.get("ansible_play_hosts", [])]
        inputs = [problem for host in hosts for problem in host.problems]
        if inputs:
            _refuse_inputs(inputs)
        read = {key: self._read(*key) for key in dict.fromkeys(key for host in hosts for key in host.applications)}
        work = check.Check()
        work.files(read.values())
        for engine in check.ENGINES:
            holders = [host for host in hosts if host.name in stores.get(engine, [])]
            for host in holders:
                work.server(
                    engine, host.name, [read[key] for key in host.applications], host.server(engine), host.value
                )
            if not holders:
                for keys in dict.fromkeys(tuple(host.applications) for host in hosts):
                    work.unused(engine, [read[key] for key in keys])
        check.refuse(work.problems(), "the descriptions of the applications", _HINT)

    def _read(self, directory: str, name: str) -> Application:
        path = Path(directory, name, "application.yml")
        file, folder = _shown(path), str(path.parent)
        try:
            content = path.read_bytes()
            if content.startswith(_ENCRYPTED):
                content = self._loader._vault.decrypt(content)
        except OSError as error:
            return application.unreadable(name, file, folder, f"the file cannot be read: {error.strerror}")
        except AnsibleError:
            text = "the file cannot be decrypted with the vault passwords of this run"
            return application.unreadable(name, file, folder, text)
        return application.parse(name, content, file, folder)


class _Host:
    """A host of the play with its variables.

    They are read as check mode reads them: the check is before everything that a run makes, as the passwords that it
    generates, and in check mode an inventory can do without those.
    """

    def __init__(self, name: str, task_vars: dict[str, t.Any], loader: t.Any) -> None:
        self.name = name
        self._loader = loader
        of_play = {each: task_vars[each] for each in task_vars if each in _OF_PLAY or each.startswith("ansible_play_")}
        self._variables = {**task_vars["hostvars"].raw_get(name), **of_play, "ansible_check_mode": True}
        self._templar = Templar(loader=loader, variables=self._variables)
        self.problems: list[str] = []
        self.applications = self._applications()

    def _applications(self) -> list[tuple[str, str]]:
        """Directory and name of each application; what is wrong with the variables that say so is noted."""
        directory, names = self._variable("applications_directory"), self._variable("applications")
        if _NOTED in (directory, names) or not self._are_names(names):
            return []
        if not isinstance(directory, str) or not directory:
            self._note("applications_directory is not text; write the path of the folder that holds the applications")
            return []
        folder = os.path.realpath(directory)
        if not Path(folder).is_dir():
            self._note(
                f"applications_directory: there is no folder {folder}; create it, or write the path of another one"
            )
            return []
        missing = [name for name in names if not Path(folder, name, "application.yml").is_file()]
        for name in missing:
            path = Path(folder, name)
            what = f"no file application.yml in {path}" if path.is_dir() else f"no folder {path}"
            self._note(f"applications: there is {what}; create it, or take {name} out of the list")
        return [(folder, name) for name in names if name not in missing]

    def _are_names(self, names: t.Any) -> bool:
        if not isinstance(names, list):
            example = names if isinstance(names, str) and application.NAME.fullmatch(names) else "shop"
            self._note(f"applications is not a list; write applications: [{example}]")
        elif not names:
            self._note("applications is an empty list; write the names of the applications, as in applications: [shop]")
        elif not all(isinstance(name, str) and application.NAME.fullmatch(name) for name in names):
            self._note("applications takes names of folders, of letters, digits, _, - and dots, as in [shop]")
        elif len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            self._note(f"applications has {twice} twice; write it once")
        else:
            return True
        return False

    def _variable(self, name: str) -> t.Any:
        """Its value; ``_NOTED`` when it has none, which is noted."""
        if name not in self._variables:
            example = "[shop]" if name == "applications" else '"{{ inventory_dir }}/../../applications"'
            self._note(f"{name} is not defined; write it in group_vars/all of the inventory, as in {name}: {example}")
            return _NOTED
        try:
            return self._template(self._variables[name])
        except Unresolved as error:
            self._note(f"{name}: {error.reason}")
            return _NOTED

    def _note(self, text: str) -> None:
        self.problems.append(f"{self.name}: {text}")

    def value(self, found: Located) -> t.Any:
        """What a template of a description, or an encrypted text, is on this host.

        :raises Unresolved: it has no value.
        """
        if found.origin == "vault":
            return self._decrypted(found.value)
        return self._template(trust_as_template(found.value))

    def _decrypted(self, text: str) -> str:
        try:
            return t.cast(str, self._loader._vault.decrypt(text.strip().encode()).decode())
        except (AnsibleError, UnicodeDecodeError):
            raise Unresolved("the value cannot be decrypted with the vault passwords of this run") from None

    def _template(self, text: t.Any) -> t.Any:
        """What Ansible says is shown in no part but the name of a variable: it may quote a secret."""
        try:
            value = self._templar.template(text)
        except AnsibleValueOmittedError:
            return None
        except AnsibleUndefinedVariable as error:
            name = _UNDEFINED.search(str(error))
            what = f"needs {name.group(1) or name.group(2)}, which is" if name else "needs a variable that is"
            raise Unresolved(f"the template {what} not defined in the inventory") from None
        except AnsibleError as error:
            if "yntax error" in str(error) or "templating string" in str(error).partition(":")[0].lower():
                raise Unresolved(
                    "the template cannot be read; text with {{ or {% that is not a template is written as"
                    " !unsafe 'text'"
                ) from None
            raise Unresolved(f"the template fails ({type(error).__name__})") from None
        return None if value == self._variables.get("omit", self) else value

    def server(self, engine: str) -> Server:
        """Names that the inventory gives its servers besides those of applications, as far as they are known now."""
        if engine == "mongodb":
            roles = self._quietly("mongodb_7_roles")
            return Server(frozenset(f"{role['name']}@{role.get('database', 'admin')}" for role in _named(roles)))
        clusters = [each for each in self._quietly("postgresql_16_clusters") if isinstance(each, dict)]
        roles = [role["name"] for each in clusters for role in _named(each.get("roles"))]
        databases = [database["name"] for each in clusters for database in _named(each.get("databases"))]
        login = self._quietly("postgresql_16_login_user", default="")
        return Server(frozenset([*roles, str(login)]), frozenset(["postgres", *databases]))

    def _quietly(self, name: str, default: t.Any = ()) -> t.Any:
        try:
            return self._template(self._variables.get(name, default)) or default
        except Unresolved:
            return default


def _named(entries: t.Any) -> list[dict[str, t.Any]]:
    entries = entries if isinstance(entries, (list, tuple)) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def _refuse_inputs(problems: list[str]) -> None:
    """One line for what several hosts have in common.

    :raises GroundworkError: always.
    """
    hosts: dict[str, list[str]] = {}
    for problem in problems:
        host, _colon, text = problem.partition(": ")
        hosts.setdefault(text, []).append(host)
    lines = [f"{', '.join(names)}: {text}" for text, names in hosts.items()]
    check.refuse(lines, "the variables that say which applications there are", "Correct the inventory, then run again.")


def _shown(path: Path) -> str:
    """Relative where that is shorter to read."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
