"""Which connections a rule of pg_hba.conf matches, as ``check_hba`` of hba.c decides it."""

from __future__ import annotations

import itertools
import typing as t

from .rule import Rule

# What else each type matches: a plain TCP rule takes encrypted connections too, and a GSSAPI one is not a TLS one.
_ALSO = {
    "local": {"local"},
    "host": {"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"},
    "hostssl": {"hostssl"},
    "hostnossl": {"hostnossl", "hostgssenc"},
    "hostgssenc": {"hostgssenc"},
    "hostnogssenc": {"hostnogssenc", "hostssl"},
}


class Shadow(t.NamedTuple):
    """A rule that no connection ever reaches, and the earlier rules that take all of its connections."""

    rule: Rule
    earlier: tuple[Rule, ...]


def shadows(rules: t.Sequence[Rule]) -> list[Shadow]:
    """Rules that can never match, because every database and user of them is taken by an earlier rule."""
    found = []
    for index, rule in enumerate(rules):
        takers = [_taker(rules[:index], rule, pair) for pair in itertools.product(rule.databases, rule.users)]
        if takers and all(takers):
            found.append(Shadow(rule, tuple(dict.fromkeys(taker for taker in takers if taker))))
    return found


def first_match(rules: t.Sequence[Rule], database: str, user: str) -> Rule | None:
    """The rule that decides about a connection over the Unix socket; group members are not known, so never match."""
    for rule in rules:
        if rule.is_local and _database_covers(rule.databases, database) and _user_covers(rule.users, user):
            return rule
    return None


def _taker(earlier: t.Sequence[Rule], rule: Rule, pair: tuple[str, str]) -> Rule | None:
    for other in earlier:
        if (
            rule.type in _ALSO[other.type]
            and _database_covers(other.databases, pair[0])
            and _user_covers(other.users, pair[1])
            and _address_covers(other, rule)
        ):
            return other
    return None


def _database_covers(names: t.Sequence[str], name: str) -> bool:
    # "all" does not include physical replication.
    return name in names or ("all" in names and name != "replication")


def _user_covers(names: t.Sequence[str], name: str) -> bool:
    return name in names or "all" in names


def _address_covers(other: Rule, rule: Rule) -> bool:
    if other.is_local or other.address == "all" or other.address == rule.address:
        return True
    wide, narrow = other.network, rule.network
    if wide is None or narrow is None or wide.version != narrow.version:
        return False
    return narrow.subnet_of(wide)  # type: ignore[arg-type]
