#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_huge_pages_info
short_description: Ask how many huge pages the servers of a host's PostgreSQL 16 clusters take
version_added: 1.0.0
description:
  - Adds up C(shared_memory_size_in_huge_pages) of the clusters. A server that runs is asked; for one that does not, its
    programs work it out from its configuration.
  - A cluster that is not there yet counts nothing.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes.info_module
  - groundwork.databases._attributes
options:
  clusters:
    description: Names of the clusters.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Ask how many huge pages both servers take
  groundwork.databases.pg_huge_pages_info:
    clusters: [shop, archive]
  register: huge_pages
"""

RETURN = r"""
pages:
  description: The sum.
  returned: success
  type: int
  sample: 1118
clusters:
  description: The share of each cluster.
  returned: success
  type: dict
  sample: {shop: 1065, archive: 53}
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg.clusters.huge_pages import read_huge_pages


def run(module: GroundworkModule) -> dict[str, t.Any]:
    clusters = {name: read_huge_pages(name) for name in module.params["clusters"]}
    return {"changed": False, "pages": sum(clusters.values()), "clusters": clusters}


def main() -> None:
    run_module(run, {"clusters": {"type": "list", "elements": "str", "required": True}})


if __name__ == "__main__":
    main()
