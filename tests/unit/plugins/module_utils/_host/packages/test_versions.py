# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's order of versions, and which of them a request means."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages.version import is_meant, sort_key

# Ascending.
SORTED = [
    "0.9", "1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0", "1.0-1", "1.0-1ubuntu1", "1.0-2", "1.0a", "1.0+b1", "1.0.1",
    "1.2", "1.10", "16.14-1.pgdg22.04+1", "16.15~beta1-1", "16.15-1.pgdg22.04+1", "16.15-1.pgdg22.04+2", "1:0.1",
]  # fmt: skip


def test_versions_sort_as_the_manual_says():
    shuffled = SORTED[:]
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=sort_key) == SORTED


def test_versions_sort_as_dpkg_sorts_them():
    if shutil.which("dpkg") is None:
        pytest.skip("there is no dpkg on this machine to compare with")
    generator = random.Random(16)
    alphabet = "0019.+~abZ"
    for _attempt in range(150):
        first, second = (
            generator.choice("12") + "".join(generator.choice(alphabet) for _letter in range(generator.randrange(1, 7)))
            + generator.choice(["", "-1", "-1~x", "-10"])
            for _side in range(2)
        )  # fmt: skip
        ours = (sort_key(first) > sort_key(second)) - (sort_key(first) < sort_key(second))
        for operator, expected in (("lt", ours < 0), ("eq", ours == 0), ("gt", ours > 0)):
            answer = subprocess.run(["dpkg", "--compare-versions", first, operator, second], check=False).returncode
            assert (answer == 0) is expected, (first, operator, second)


@pytest.mark.parametrize(
    ("wanted", "version", "meant"),
    [
        (None, "16.15-1", True),
        ("16.15-1", "16.15-1", True),
        ("16.15", "16.15-1", False),
        ("16.15-*", "16.15-1.pgdg22.04+1", True),
        ("16.15-*", "16.150-1", False),
        ("16.*", "16.15-1", True),
        ("16*", "1:16.15-1", False),
    ],
)
def test_what_a_request_means(wanted, version, meant):
    assert is_meant(wanted, version) is meant
