"""Runs one module of the checkout with arguments from standard input: ``python module_runner.py NAME < args.json``.

What Ansible's payload does, without packing it: the tests stay fast and can kill the very process that works.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

# Puts the checkout on the ansible_collections path.
import conftest  # noqa: F401  pylint: disable=unused-import
from ansible.module_utils import basic


def main(name: str) -> None:
    arguments = json.load(sys.stdin)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    runpy.run_module(f"ansible_collections.groundwork.databases.plugins.modules.{name}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
