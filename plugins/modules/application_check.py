#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: application_check
short_description: Check the descriptions of all applications of a run
version_added: 1.0.0
description:
  - Reads the C(application.yml) of each application that the hosts of the play hold, and refuses, before anything is
    touched, what is wrong in any of them. Every problem is reported at once, with file, line and path. Changes nothing.
  - Checks keys, types and choices, names that are there twice, roles and databases that are used and not declared,
    folders of migrations that are not there, versions, and templates that do not resolve.
  - Templates are resolved with the variables of each host whose server holds the application. The check is before
    everything that a run makes, so C(ansible_check_mode) is true in them, and a password that a run will generate may
    be what an inventory says in check mode. Facts that a run sets later are not defined.
  - Values are shown in no message, except where a choice in the file is wrong.
  - Runs once, on the controller, for all hosts of the play. Nothing is connected to.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._attributes.info_module
options:
  stores:
    description:
      - The hosts that hold what each store of an application describes, by C(postgresql) and C(mongodb).
      - Hosts that are not in the play are left out. A store that no host holds is checked without its templates.
    type: dict
    required: true
notes:
  - The variables C(applications), a list of names, and C(applications_directory), the folder that holds theirs, say
    which applications a host has.
"""

EXAMPLES = r"""
- name: Check the applications
  hosts: postgresql:mongodb
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Check the descriptions of all applications
      groundwork.databases.application_check:
        stores:
          postgresql: "{{ groups.postgresql | default([]) }}"
          mongodb: "{{ groups.mongodb | default([]) }}"
"""

RETURN = r""" # """
