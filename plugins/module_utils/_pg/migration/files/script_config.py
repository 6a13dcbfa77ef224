"""The ``.conf`` file beside a script."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._core.problems import collected

_LINE = re.compile(r"\s*([^=:\s]+)\s*[=:]\s*(.*?)\s*$")


@dataclasses.dataclass(frozen=True)
class ScriptConfig:
    """Settings of one script; ``None`` means that the run's own setting counts."""

    execute_in_transaction: bool | None = None
    encoding: str | None = None
    placeholder_replacement: bool | None = None
    should_execute: str | None = None


_NAMES = {
    "executeInTransaction": "execute_in_transaction",
    "encoding": "encoding",
    "placeholderReplacement": "placeholder_replacement",
    "shouldExecute": "should_execute",
}


def parse(text: str, where: str) -> ScriptConfig:
    """Read ``key=value`` lines; ``#`` and ``!`` start comments.

    :raises GroundworkError: unknown keys, and values that are neither true nor false where one is needed.
    """
    values: dict[str, t.Any] = {}
    with collected(where, ErrorCode.INVALID_INPUT, "the database") as problems:
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.lstrip()[0] in "#!":
                continue
            match = _LINE.match(line)
            key, value = (match.group(1), match.group(2)) if match else (line.strip(), "")
            if key not in _NAMES:
                hint = f"Known properties are {', '.join(_NAMES)}."
                problems.add(f"{where}:{number}", f"Unknown configuration property: {key}.", hint)
            elif key in _FLAGS and value.lower() not in ("true", "false"):
                problems.add(f"{where}:{number}", f"{key} is neither true nor false: {value}")
            else:
                values[_NAMES[key]] = value.lower() == "true" if key in _FLAGS else value
    return ScriptConfig(**values)


#: What is no operand; empty stands for the end of the expression.
_OPERATORS = ("", "==", "!=", "&&", "||", "(", ")")
_FLAGS = ("executeInTransaction", "placeholderReplacement")


def should_execute(expression: str, where: str) -> bool:
    """Decide a ``shouldExecute`` expression whose placeholders have been replaced.

    It knows ``true``, ``false``, ``a==b``, ``a!=b``, ``&&``, ``||`` and parentheses; ``&&`` binds closer.

    :raises GroundworkError: anything else.
    """
    tokens = re.findall(r"==|!=|&&|\|\||\(|\)|[^\s=!&|()]+", expression)
    position = 0

    def peek() -> str:
        return tokens[position] if position < len(tokens) else ""

    def take() -> str:
        nonlocal position
        position += 1
        return tokens[position - 1] if position <= len(tokens) else ""

    def either() -> bool:
        result = both()
        while peek() == "||":
            take()
            result = both() or result
        return result

    def both() -> bool:
        result = single()
        while peek() == "&&":
            take()
            result = single() and result
        return result

    def single() -> bool:
        if peek() == "(":
            take()
            result = either()
            if take() != ")":
                raise _bad_expression(expression, where)
            return result
        left = take()
        if peek() in ("==", "!="):
            equal, right = take() == "==", take()
            if right in _OPERATORS or left in _OPERATORS:
                raise _bad_expression(expression, where)
            return (left == right) is equal
        if left.lower() not in ("true", "false"):
            raise _bad_expression(expression, where)
        return left.lower() == "true"

    result = either()
    if position < len(tokens):
        raise _bad_expression(expression, where)
    return result


def _bad_expression(expression: str, where: str) -> GroundworkError:
    return GroundworkError(
        f"shouldExecute cannot be decided: {expression}",
        where=where,
        untouched="the database",
        hint="Write true, false, a==b or a!=b, joined by && and ||.",
    )
