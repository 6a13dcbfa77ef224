# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/lint-rules.md lists every rule as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint import engine
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.live import Thresholds
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.rule import LEVELS, RULES, Rule

PAGE = (Path(__file__).parents[6] / "docs/lint-rules.md").read_text()


def row(rule: Rule) -> str:
    level = f"{rule.level}, by size" if rule.scales else rule.level
    cells = [f"`{rule.id}`", level, rule.lock or "–", rule.title, rule.instead]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_row(rule: Rule) -> None:
    assert row(rule) in PAGE.splitlines()


def test_nothing_else_is_listed() -> None:
    assert PAGE.count("\n| `") == len(RULES)
    assert f"these {len(RULES)} rules" in PAGE


def test_limits_are_as_written() -> None:
    limits = Thresholds()
    assert (limits.small_rows, limits.small_bytes) == (10_000, 16 << 20)
    assert (limits.large_rows, limits.large_bytes) == (1_000_000, 1 << 30)


def test_rules_are_well_formed() -> None:
    for rule in RULES.values():
        assert rule.id == rule.id.lower().replace("_", "-")
        assert rule.level in LEVELS
        assert not rule.title.endswith(".")
        assert not rule.instead.endswith(".")
    squawk = [name for rule in RULES.values() for name in rule.squawk]
    assert len(squawk) == len(set(squawk))
    assert engine.UNUSED_IGNORE in RULES
