# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mongo_tls_stages
short_description: Say which stages of TLS the members of a replica set take together
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Decides on the controller, from the present stage of every running member and from the description. Every member
    takes one stage before any takes the next.
  - No stage leads a member out of what lies between its present stage and the described one. Members that are further
    apart than a run leaves them are refused, so that what one host answers never weakens the others.
positional: mode, cluster_auth_mode
options:
  _input:
    description:
      - Facts of the members, as P(groundwork.databases.host_answer#filter) takes them of
        M(groundwork.databases.mongo_tls).
    type: list
    elements: dict
    required: true
  mode:
    description: Stage of TLS that is described.
    type: str
    required: true
    choices: [disabled, allowTLS, preferTLS, requireTLS]
  cluster_auth_mode:
    description: How members are described to prove to each other who they are.
    type: str
    required: true
    choices: [keyFile, sendKeyFile, sendX509, x509]
"""

EXAMPLES = r"""
- name: Say which stages come
  ansible.builtin.debug:
    msg: "{{ members | groundwork.databases.mongo_tls_stages('requireTLS', 'keyFile') }}"
"""

RETURN = r"""
_value:
  description: Stages that are left, in order; the described one when there is nothing left.
  type: list
  elements: dict
  sample:
    - {mode: requireTLS, cluster_auth_mode: keyFile}
"""

import importlib
import typing as t

from ansible.errors import AnsibleFilterError

# Imported when it is called: Ansible imports every filter of a collection to find one, in every worker.
UTILS = "ansible_collections.groundwork.databases.plugins.module_utils"


def mongo_tls_stages(
    members: t.Sequence[dict[str, t.Any]], mode: str, cluster_auth_mode: str
) -> list[dict[str, t.Any]]:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: the description contradicts itself, or the members are too far apart.
    """
    answers, errors = importlib.import_module(f"{UTILS}._answer"), importlib.import_module(f"{UTILS}._errors")
    answer, stages = (importlib.import_module(f"{UTILS}._mongo.tls.{name}") for name in ("answer", "stages"))
    for value, known in ((mode, stages.MODES), (cluster_auth_mode, stages.CLUSTER_AUTH_MODES)):
        if value not in known:
            raise AnsibleFilterError(f"{value} is none of {', '.join(known)}. Nothing was written.")
    try:
        found = [answer.parse(answers.Answer(str(member["host"]), "mongo_tls", member)) for member in members]
        way = answer.way_of_set(found, stages.Stage(mode, cluster_auth_mode))
    except errors.GroundworkError as error:
        raise AnsibleFilterError(error.message) from None
    return [stage._asdict() for stage in way]


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"mongo_tls_stages": mongo_tls_stages}
