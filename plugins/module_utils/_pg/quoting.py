"""Names and values as SQL text, without a connection (the plan is made before one exists)."""

from __future__ import annotations

import typing as t

# "public" can never be the name of a role (it is reserved in lower case), so it stands for everybody, as in
# GRANT ... TO PUBLIC.
# The settings whose value is a list of names that double quotes protect; pg_dump keeps the same list (dumputils.c).
NAME_LISTS = frozenset((
    "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries",
    "temp_tablespaces", "unix_socket_directories",
))  # fmt: skip
PUBLIC = "public"


def identifier(name: str) -> str:
    """Always quoted: a name that is bare today may become a keyword of the next major version."""
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    return ".".join(identifier(name) for name in names)


def literal(value: str) -> str:
    """A string constant that means the same whatever standard_conforming_strings says."""
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def grantee(name: str) -> str:
    return "PUBLIC" if name == PUBLIC else identifier(name)


def identifiers(names: t.Iterable[str]) -> str:
    return ", ".join(identifier(name) for name in names)
