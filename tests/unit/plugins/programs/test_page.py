# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that exporters answer with."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.programs._exporter.page import Page


def test_samples_of_a_metric_stay_together():
    page = Page()
    page.gauge("up", 1, process="1")
    page.counter("bytes_total", 2.5)
    page.gauge("up", False, process="2")
    assert page.text() == (
        '# TYPE up gauge\nup{process="1"} 1\nup{process="2"} 0\n# TYPE bytes_total counter\nbytes_total 2.5\n'
    )


def test_what_a_server_does_not_have_is_left_out():
    page = Page()
    page.gauge("size", None, database="shop")
    assert page.text() == ""


@pytest.mark.parametrize("labels", [{"self": "x", "name": 'a"b\\c\nd'}])
def test_labels_are_escaped_and_may_have_any_name(labels):
    page = Page()
    page.gauge("up", "12", **labels)
    assert page.text() == '# TYPE up gauge\nup{self="x",name="a\\"b\\\\c\\nd"} 12\n'


def test_large_numbers_keep_their_digits():
    page = Page()
    page.counter("bytes_total", 9007199254740991)
    assert page.text().endswith(" 9007199254740991\n")
