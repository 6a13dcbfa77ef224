"""Which privileges exist on which kind of object, and how GRANT names the kind.

Source: the manual's table "ACL Privilege Abbreviations" and the synopsis of GRANT.
"""

from __future__ import annotations

import dataclasses
import typing as t

MAINTAIN_SINCE = 170000


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of object that privileges can be granted on.

    :param name: as users write it under ``on``.
    :param keyword: as GRANT ... ON writes it. ROUTINE covers functions, procedures and aggregates.
    :param plural: as ALTER DEFAULT PRIVILEGES writes it; empty where it knows no such kind.
    :param acldefault: the letter that the function acldefault() takes.
    :param defaclobjtype: the letter in pg_default_acl.
    :param privileges: every privilege of the kind, in the order in which statements list them.
    :param owner: privileges that the owner of a new object has.
    :param public: privileges that PUBLIC has on a new object.
    """

    name: str
    keyword: str
    plural: str
    acldefault: str
    defaclobjtype: str
    privileges: tuple[str, ...]
    public: tuple[str, ...] = ()

    def known(self, version: int) -> tuple[str, ...]:
        """The privileges that a server version (such as 160015) knows."""
        return tuple(name for name in self.privileges if name != "MAINTAIN" or version >= MAINTAIN_SINCE)

    def ordered(self, privileges: t.Iterable[str]) -> list[str]:
        wanted = set(privileges)
        return [name for name in self.privileges if name in wanted]


TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("database", "DATABASE", "", "d", "", ("CREATE", "CONNECT", "TEMPORARY"), ("CONNECT", "TEMPORARY")),
        Kind("schema", "SCHEMA", "", "n", "", ("USAGE", "CREATE")),
        Kind("tables", "TABLE", "TABLES", "r", "r", TABLE_PRIVILEGES),
        Kind("sequences", "SEQUENCE", "SEQUENCES", "s", "S", ("USAGE", "SELECT", "UPDATE")),
        Kind("functions", "ROUTINE", "ROUTINES", "f", "f", ("EXECUTE",), ("EXECUTE",)),
        Kind("types", "TYPE", "TYPES", "T", "T", ("USAGE",), ("USAGE",)),
        Kind("schemas", "", "SCHEMAS", "n", "n", ("USAGE", "CREATE")),
    )
}
GRANT_KINDS = ("database", "schema", "tables", "sequences", "functions", "types")
OBJECT_KINDS = ("tables", "sequences", "functions", "types")
DEFAULT_PRIVILEGE_KINDS = ("tables", "sequences", "functions", "types", "schemas")
ALIASES = {"TEMP": "TEMPORARY"}
EVERY_PRIVILEGE = ("ALL", "ALL PRIVILEGES")


def normalise(kind: Kind, privileges: t.Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Privileges in canonical spelling, and the words that the kind does not know.

    ``ALL`` becomes every privilege of the kind; :meth:`Kind.known` then leaves out what the server is too old for.
    """
    known: set[str] = set()
    unknown: list[str] = []
    for word in privileges:
        name = " ".join(word.upper().split())
        name = ALIASES.get(name, name)
        if name in EVERY_PRIVILEGE:
            known.update(kind.privileges)
        elif name in kind.privileges:
            known.add(name)
        else:
            unknown.append(word)
    return frozenset(known), unknown
