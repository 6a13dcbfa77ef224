"""Calls of filters into module_utils, imported when they are called: Ansible imports every filter of a collection to
find one, in every worker.
"""

from __future__ import annotations

import importlib
import operator
import typing as t

from ansible.errors import AnsibleFilterError

_UTILS = "ansible_collections.groundwork.databases.plugins.module_utils"


def call(function: str, *arguments: t.Any) -> t.Any:
    """:param function: its module below module_utils and its name, as in ``_core.answer:Answer.of``.

    :raises AnsibleFilterError: instead of a GroundworkError.
    """
    module, _colon, name = function.partition(":")
    found = operator.attrgetter(name)(importlib.import_module(f"{_UTILS}.{module}"))
    errors = importlib.import_module(f"{_UTILS}._core.errors")
    try:
        return found(*arguments)
    except errors.GroundworkError as error:
        raise AnsibleFilterError(error.message) from None
