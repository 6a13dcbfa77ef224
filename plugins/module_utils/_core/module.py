"""The frame of every module of this collection: Ansible's own, which keeps secrets out of logs and results."""

from __future__ import annotations

import json
import re
import typing as t
from urllib.parse import quote, quote_plus

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from .errors import GroundworkError

# Options of which the user chooses the names: settings of a server or a driver. One with such a name holds a secret.
_FREE_OPTIONS = frozenset(
    {"settings", "base_settings", "files", "options", "connection_options", "placeholders", "custom_data", "primary"}
)
_SECRET_NAME = re.compile(
    r"(passw(or)?d|passphrase|secrets?|tokens?|credentials?|(api|access|private|encryption|signing)_?key"
    r"|authmechanismproperties)$",
    re.IGNORECASE,
)

_LONGEST_QUOTED = 65536
# Shorter ones would blacken every other word and number of the result.
_SHORTEST_HIDDEN = 6


class GroundworkModule(AnsibleModule):
    """``AnsibleModule`` that logs no arguments, and hides a secret however a message spells it.

    Ansible writes the arguments of each call into the journal or syslog of the host. It masks what is ``no_log`` by a
    search for the text, in the ``repr()`` of lists and dictionaries. A value with a backslash, a quotation mark, a tab
    or any other character that ``repr()`` escapes is not found there.
    """

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.hide(*self.no_log_values, *secrets_by_name(self.argument_spec, self.params))

    def hide(self, *values: str) -> None:
        """Mask these values in the result, as they are and as SQL, JSON, Python or a URL would quote them.

        Those of less than six characters are left to Ansible, which masks what is ``no_log`` as it is.
        """
        for value in (value for value in values if len(value) >= _SHORTEST_HIDDEN):
            self.no_log_values.update(spellings(value))

    def warn(self, warning: str, **details: t.Any) -> None:
        """Ansible masks results only: its newer releases show a warning as it was given."""
        super().warn(remove_values(warning, self.no_log_values), **details)

    def _log_invocation(self) -> None:
        super().log("Invoked")

    def log(self, msg: str, log_args: dict[str, t.Any] | None = None) -> None:
        """Write nothing: what Ansible would log are warnings and commands, and both may quote arguments."""

    def log_progress(self, line: str) -> None:
        """Write a line without any argument's value into the log of the host, for those who wait for a long step."""
        super().log(line)


def run_module(
    run: t.Callable[[GroundworkModule], dict[str, t.Any]],
    argument_spec: dict[str, t.Any],
    *,
    require: t.Callable[[GroundworkModule], None] | None = None,
    **options: t.Any,
) -> None:
    """What ``main`` of every module does: read the arguments, run, and end with a result or with a failure.

    :param run: returns the result; a ``GroundworkError`` that it raises is the failure.
    :param require: fails with installation advice where a library is missing.
    :param options: what else ``AnsibleModule`` takes, such as ``required_if``.
    """
    module = GroundworkModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    if require:
        require(module)
    try:
        result = run(module)
    except GroundworkError as error:
        module.fail_json(**error.result())
    module.exit_json(**result)


def spellings(value: str) -> set[str]:
    """A text as it is, and as it looks inside the quotation marks of SQL, JSON, Python, a shell, and in a URL.

    A whole file, such as a packed folder, is in no message.
    """
    if len(value) > _LONGEST_QUOTED:
        return {value}
    doubled = value.replace("'", "''")
    return {
        value,
        doubled,
        doubled.replace("\\", "\\\\"),
        value.replace("\\", "\\\\").replace("'", "\\'"),
        value.replace("'", "'\"'\"'"),
        repr(value)[1:-1],
        repr(value + "'\"")[1:-4],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
    } - {""}


def secrets_by_name(specification: dict[str, t.Any], params: dict[str, t.Any]) -> set[str]:
    """Values of free-form options whose names, such as ``net.tls.clusterPassword``, say that they are secret."""
    found: set[str] = set()
    for name, option in specification.items():
        value = params.get(name)
        entries = value if isinstance(value, list) else [value]
        for entry in entries:
            if isinstance(entry, dict) and option.get("options"):
                found |= secrets_by_name(option["options"], entry)
            elif isinstance(entry, dict) and name in _FREE_OPTIONS:
                found |= _named_secrets(entry)
    return found


def _named_secrets(settings: dict[str, t.Any]) -> set[str]:
    found: set[str] = set()
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _named_secrets(value)
        elif _SECRET_NAME.search(str(name)):
            values = value if isinstance(value, list) else [value]
            found |= {str(item) for item in values if item is not None and not isinstance(item, (bool, dict, list))}
    return found


def default_options(argument_spec: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The options as a module sees them when its user gives none."""
    return {name: option.get("default") for name, option in argument_spec.items()}
