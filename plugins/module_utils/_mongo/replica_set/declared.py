"""The options of ``mongo_replica_set``, and what must hold between them."""

from __future__ import annotations

import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from .. import scram


def argument_spec() -> dict[str, dict[str, t.Any]]:
    return {
        "name": {"type": "str"},
        "member": {"type": "str"},
        "members": {"type": "list", "elements": "dict", "options": _member_spec()},
        "purge_members": {"type": "bool", "default": False},
        "settings": {"type": "dict", "options": _settings_spec()},
        "step_down_primary": {"type": "bool", "default": False},
        "initiate": {
            "type": "str", "choices": ["when_all_answer", "always", "never"], "default": "when_all_answer",
        },
        "administrator_roles": {"type": "list", "elements": "str", "default": ["root"]},
        "degraded": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "feature_compatibility_version": {"type": "str"},
        "confirm_feature_compatibility_version": {"type": "bool", "default": False},
        "settle_timeout": {"type": "int", "default": 20},
        "wait_timeout": {"type": "int", "default": 600},
        "sync_timeout": {"type": "int"},
        "assume_empty": {"type": "bool", "default": False},
        "assume_started": {"type": "list", "elements": "str", "default": []},
    }


def _member_spec() -> dict[str, dict[str, t.Any]]:
    return {
        "host": {"type": "str", "required": True},
        "previous_host": {"type": "str"},
        "priority": {"type": "float"},
        "votes": {"type": "int", "choices": [0, 1]},
        "hidden": {"type": "bool"},
        "secondary_delay_secs": {"type": "int"},
        "tags": {"type": "dict"},
        "arbiter_only": {"type": "bool"},
        "build_indexes": {"type": "bool"},
    }


def _settings_spec() -> dict[str, dict[str, t.Any]]:
    return {
        "chaining_allowed": {"type": "bool"},
        "heartbeat_interval_millis": {"type": "int"},
        "heartbeat_timeout_secs": {"type": "int"},
        "election_timeout_millis": {"type": "int"},
        "catch_up_timeout_millis": {"type": "int"},
        "catch_up_takeover_delay_millis": {"type": "int"},
        "get_last_error_modes": {"type": "dict"},
    }


def checked(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The module's parameters.

    :raises GroundworkError: options contradict each other.
    """
    problems = Problems()
    if not options["login_user"]:
        problems.add("login_user", "the administrator has to be named: it is created when the server has no users")
    if options["auth_mechanism"] != "MONGODB-X509" and not options["login_password"]:
        problems.add("login_password", "the administrator needs a password")
    elif options["auth_mechanism"] in (None, scram.SHA_256):
        try:
            scram.saslprep(options["login_password"])
        except scram.ForbiddenCharactersError as error:
            problems.add("login_password", f"{scram.SHA_256} refuses it: {error}")
    if not options["name"] and (options["members"] or options["settings"]):
        problems.add("name", "members and settings belong to a replica set; name it")
    problems.raise_if_any("the options", ErrorCode.INVALID_DECLARATION)
    return options
