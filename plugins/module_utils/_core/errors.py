"""The one exception that modules turn into ``fail_json``."""

from __future__ import annotations

import typing as t

from .error_codes import ErrorCode


class GroundworkError(Exception):
    """A failure told to the person on call.

    :param what: what is wrong, one sentence.
    :param where: the object, ``file:line`` or address it happened at.
    :param untouched: what was left as it was.
    :param hint: what to do next.
    :param code: a stable, machine-readable name, registered with its meaning.
    :param details: further JSON-able facts for the module's result; never a secret.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        untouched: str | None = None,
        hint: str | None = None,
        code: ErrorCode | None = None,
        details: dict[str, t.Any] | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.untouched = untouched
        self.hint = hint
        self.code = code
        self.details = dict(details or {})
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The parts that are known, one a line."""
        lines = [self.what]
        for label, text in (("where", self.where), ("untouched", self.untouched), ("hint", self.hint)):
            if text:
                lines.append(f"{label}: {text}")
        return "\n".join(lines)

    def result(self) -> dict[str, t.Any]:
        """Arguments for ``fail_json``."""
        result: dict[str, t.Any] = {"msg": self.message, **self.details}
        if self.code:
            result["error_code"] = self.code.value
        return result
