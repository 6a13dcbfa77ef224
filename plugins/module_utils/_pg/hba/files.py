"""The rules that hold by default, and the text of pg_hba.conf and pg_ident.conf."""

from __future__ import annotations

import re
import typing as t

from .rule import DEFAULT, Rule, quoted

HEADER = "# Written by groundwork.databases; changes made here are undone by its next run.\n"
_COLUMNS = "# TYPE  DATABASE  USER  ADDRESS  METHOD\n"


def layered(
    superuser: str, extra: t.Sequence[Rule], own: t.Sequence[Rule], client_networks: t.Sequence[str], require_tls: bool
) -> list[Rule]:
    """The whole file: the way in for the superuser, what other parts of the host need, the user's, the defaults.

    The first rule that matches decides. A superuser from the network is turned away before anything else, replication
    for the superuser too; clients come from the networks they are expected from and from nowhere else.
    """
    net = "hostssl" if require_tls else "host"
    scram = "scram-sha-256"
    first = [
        Rule("local", ("all",), (superuser,), "peer", comment="the superuser, from its own account only"),
        Rule("local", ("replication",), (superuser,), "peer"),
        Rule("host", ("all", "replication"), (superuser,), "reject", "all", comment="never over the network"),
    ]
    last = [
        Rule("local", ("all",), ("all",), scram),
        *(Rule(net, ("all",), ("all",), scram, network, source="client_networks") for network in client_networks),
    ]
    return [*(_default(rule) for rule in first), *extra, *own, *(_default(rule) for rule in last)]


def _default(rule: Rule) -> Rule:
    return rule if rule.source else Rule(**{**vars(rule), "source": DEFAULT})


def hba_text(rules: t.Sequence[Rule], hide: bool = False) -> str:
    """pg_hba.conf, in columns; with ``hide`` for diffs, without secrets."""
    rows = [rule.fields(hide) for rule in rules]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines = [HEADER, _COLUMNS]
    for rule, row in zip(rules, rows, strict=True):
        if rule.comment:
            lines.append(f"# {_one_line(rule.comment)}\n")
        padded = [field.ljust(width) for field, width in zip(row[:4], widths, strict=True)]
        lines.append("  ".join([*padded, row[4]]).rstrip() + "\n")
    return "".join(lines)


def ident_text(lines: t.Sequence[dict[str, t.Any]]) -> str:
    """pg_ident.conf."""
    text = [HEADER, "# MAP  SYSTEM-USER  DATABASE-USER\n"]
    for line in lines:
        if line.get("comment"):
            text.append(f"# {_one_line(line['comment'])}\n")
        fields = (line["map"], line["system_user"], line["database_user"])
        text.append("  ".join(quoted(field) for field in fields) + "\n")
    return "".join(text)


def _one_line(comment: str) -> str:
    return " ".join(comment.split())


_SECRET = re.compile(r"\b(ldapbindpasswd|radiussecrets)=(\"(?:[^\"]|\"\")*\"|\S+)")


def without_secrets(text: str) -> str:
    """A pg_hba.conf that somebody wrote, fit to be shown."""
    return _SECRET.sub(r"\1=(hidden)", text)
