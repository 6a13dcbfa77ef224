"""A plan: the ordered steps from the live state to the desired one.

Every module builds one plan, shows it as its diff and, outside check mode, applies it. As there is only one plan,
``--check --diff`` cannot promise anything else than what a run does.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t


@dataclasses.dataclass(frozen=True)
class Step:
    """One change of one object.

    :param action: the verb, such as ``create``, ``alter``, ``drop``, ``apply``.
    :param kind: the kind of object, such as ``index``, ``role``, ``migration``.
    :param name: the object's full name, such as ``cred_forge_db.clients.client_id_1``.
    :param before: JSON-able description of the object now; ``None`` when it does not exist. Never a secret.
    :param after: the same for the object afterwards; ``None`` when it is dropped.
    :param statement: what is sent to the server, with secrets left out; ``None`` when there is no useful text.
    """

    action: str
    kind: str
    name: str
    before: t.Any = None
    after: t.Any = None
    statement: str | None = None

    def diff(self) -> dict[str, str]:
        """The step in the form that Ansible's ``--diff`` prints."""
        header = f"{self.kind} {self.name}"
        return {
            "before_header": header,
            "after_header": f"{header} ({self.action})",
            "before": _as_text(self.before),
            "after": _as_text(self.after),
        }

    def summary(self) -> dict[str, t.Any]:
        """The step in the form that modules return under ``actions``."""
        summary: dict[str, t.Any] = {"action": self.action, "kind": self.kind, "name": self.name}
        if self.statement is not None:
            summary["statement"] = self.statement
        return summary


@dataclasses.dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are applied."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __iter__(self) -> t.Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    def diff(self) -> list[dict[str, str]]:
        return [step.diff() for step in self.steps]

    def actions(self) -> list[dict[str, t.Any]]:
        return [step.summary() for step in self.steps]


def _as_text(value: t.Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.endswith("\n") else value + "\n"
    return json.dumps(value, indent=2, default=str) + "\n"
