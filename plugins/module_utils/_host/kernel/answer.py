"""The facts in what host_kernel returns, as the controller takes them."""

from __future__ import annotations

import typing as t

from ..._core.answer import Answer


class NotPermitted(t.NamedTuple):
    """A setting of the kernel that the platform does not let be set; see RETURN of host_kernel."""

    kind: str
    name: str
    found: str
    wanted: str
    why: str


def not_permitted(answer: Answer) -> list[NotPermitted]:
    """Of an answer without it, the task was skipped."""
    return [
        NotPermitted(
            kind=value.sentence("kind", default=""),
            name=value.sentence("name"),
            found=value.sentence("found", default=""),
            wanted=value.sentence("wanted"),
            why=value.sentence("why", default=""),
        )
        for value in answer.records("not_permitted", default=())
    ]
