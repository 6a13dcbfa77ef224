"""Runs a module in a Python of its own: for what must be there before anything is imported, such as another driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from module_process import printed_result

RUNNER = Path(__file__).resolve().parent / "module_runner.py"


def run_in_fresh_python(
    name: str, arguments: dict[str, t.Any], *, before: Path | None = None, **options: t.Any
) -> dict[str, t.Any]:
    """Run a module to its end and return its JSON result.

    :param before: a folder that Python searches before all others.
    :param options: more options of ``subprocess.run``.
    """
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", str(RUNNER), name],
        input=json.dumps(arguments),
        env={**os.environ, **({"PYTHONPATH": str(before)} if before else {})},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    return printed_result(name, outcome.stdout, outcome.stderr)
