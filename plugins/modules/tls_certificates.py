#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_certificates
short_description: Keep a certificate authority and the certificates of servers and clients in a folder
version_added: 1.0.0
description:
  - Meant for the controller (C(delegate_to=localhost), without C(become)); other tasks bring the files to the hosts.
  - Makes an authority once, or uses a given one, and makes every certificate that is missing. A certificate is renewed,
    with a new key, when it ends soon, when what was asked for changed, when another authority signed it, or when its
    files are damaged.
  - The folder (mode 0700) holds C(ca.crt) and C(ca.key), and for every certificate C(NAME.crt), C(NAME.key) and
    C(NAME.pem), which is key and certificate in one file, as MongoDB wants it. C(NAME.pem) is the one that counts; the
    other two are taken from it.
  - Keys are never shown. They have no passphrase, and only their owner can read them (mode 0600).
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - cryptography >= 3.3, which ansible-core itself needs
options:
  directory:
    description: The folder.
    type: path
    required: true
  ca:
    description:
      - The authority that the folder keeps. Its name and kind of key count only when it is made. It is renewed with the
        same key and name, so that what it signed stays valid.
      - An authority that is damaged, or lost its key while something has to be signed, is an error and is never
        replaced.
    type: dict
    default: {}
    suboptions:
      common_name:
        description: Its name.
        type: str
        default: groundwork.databases CA
      organization:
        description: Its organization.
        type: str
      organizational_unit:
        description: Its unit.
        type: str
      key_type:
        description: V(ec) is the curve P-256.
        type: str
        choices: [ec, rsa]
        default: ec
      rsa_bits:
        description: Length of an RSA key.
        type: int
        choices: [2048, 3072, 4096]
        default: 3072
      valid_days:
        description: How long it is valid.
        type: int
        default: 3650
      renew_before_days:
        description: How long before its end it is renewed.
        type: int
        default: 365
  ca_cert:
    description:
      - Certificate of an authority of your own, in PEM form; the first of several signs. It is copied to C(ca.crt).
    type: path
  ca_key:
    description: Key of O(ca_cert). It is needed only when something has to be signed, and is never copied.
    type: path
  ca_key_passphrase:
    description: Passphrase of O(ca_key).
    type: str
  certificates:
    description: The certificates. A certificate that is no longer named is left.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files.
        type: str
        required: true
      common_name:
        description: Common name. Without it, O(certificates[].name).
        type: str
      organization:
        description: Organization. MongoDB takes servers of one organization and unit for members of one set.
        type: str
      organizational_unit:
        description: Unit of the organization.
        type: str
      dns_names:
        description: Host names that it is valid for.
        type: list
        elements: str
        default: []
      ip_addresses:
        description: IP addresses that it is valid for.
        type: list
        elements: str
        default: []
      usage:
        description: What it may be used for. Members of a MongoDB replica set need both.
        type: list
        elements: str
        choices: [server, client]
        default: [server]
      key_type:
        description: V(ec) is the curve P-256.
        type: str
        choices: [ec, rsa]
        default: ec
      rsa_bits:
        description: Length of an RSA key.
        type: int
        choices: [2048, 3072, 4096]
        default: 2048
      valid_days:
        description: How long it is valid, at most as long as the authority.
        type: int
        default: 365
      renew_before_days:
        description: How long before its end it is renewed.
        type: int
        default: 30
"""

EXAMPLES = r"""
- name: Have certificates for the database hosts
  groundwork.databases.tls_certificates:
    directory: "{{ lookup('groundwork.databases.secrets_directory', 'site') }}"
    certificates:
      - name: "{{ inventory_hostname }}"
        dns_names: ["{{ inventory_hostname }}"]
        ip_addresses: ["{{ ansible_facts['default_ipv4']['address'] }}"]
        usage: [server, client]
  delegate_to: localhost
  become: false
  register: tls

- name: Bring the key to the host
  groundwork.databases.host_files:
    files:
      - path: /etc/postgresql/server.key
        content: "{{ lookup('ansible.builtin.file', tls.certificates[inventory_hostname].key) }}\n"
        owner: postgres
        group: postgres
        mode: "0600"
        secret: true
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done; C(statement) is the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: renew, kind: certificate, name: db1, statement: its host names changed}
certificates:
  description: The files of each certificate by name. Never a key itself.
  returned: success
  type: dict
  contains:
    certificate:
      description: Path of the certificate.
      type: str
    key:
      description: Path of the key.
      type: str
    pem:
      description: Path of the file that holds both.
      type: str
    ca:
      description: Path of the authority's certificate.
      type: str
    fingerprint:
      description: SHA-256 fingerprint as openssl prints it; null in check mode for one that would be made.
      type: str
    not_after:
      description: End of validity in UTC; null in check mode for one that would be made.
      type: str
      sample: "2027-11-21T15:00:00Z"
ca:
  description: The authority.
  returned: success
  type: dict
  contains:
    certificate:
      description: Path of its certificate.
      type: str
    fingerprint:
      description: SHA-256 fingerprint; null in check mode for one that would be made.
      type: str
    not_after:
      description: End of validity in UTC; null in check mode for one that would be made.
      type: str
"""

import datetime
import typing as t
from pathlib import Path

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._host.certificates import x509
from ..module_utils._host.certificates.declared import read
from ..module_utils._host.certificates.live import Folder
from ..module_utils._host.certificates.run import converge


def key_options(rsa_bits: int, valid_days: int, renew_before_days: int) -> dict[str, t.Any]:
    return {
        "organization": {"type": "str"},
        "organizational_unit": {"type": "str"},
        "key_type": {"choices": ["ec", "rsa"], "default": "ec", "no_log": False},
        "rsa_bits": {"type": "int", "choices": [2048, 3072, 4096], "default": rsa_bits},
        "valid_days": {"type": "int", "default": valid_days},
        "renew_before_days": {"type": "int", "default": renew_before_days},
    }


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    authority, leaves = read(params)
    folder = Folder(Path(params["directory"]), authority, params["ca_key_passphrase"])
    now = datetime.datetime.now(datetime.timezone.utc)
    outcome = converge(folder, leaves, now, module.check_mode)
    return {
        "changed": outcome.plan.changed,
        "actions": outcome.plan.actions(),
        "diff": outcome.plan.diff(),
        "certificates": outcome.certificates,
        "ca": outcome.authority,
    }


def main() -> None:
    run_module(
        run,
        {
            "directory": {"type": "path", "required": True},
            "ca": {
                "type": "dict",
                "default": {},
                "apply_defaults": True,
                "options": {
                    "common_name": {"type": "str", "default": "groundwork.databases CA"},
                    **key_options(3072, 3650, 365),
                },
            },
            "ca_cert": {"type": "path"},
            "ca_key": {"type": "path", "no_log": False},
            "ca_key_passphrase": {"type": "str", "no_log": True},
            "certificates": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "common_name": {"type": "str"},
                    "dns_names": {"type": "list", "elements": "str", "default": []},
                    "ip_addresses": {"type": "list", "elements": "str", "default": []},
                    "usage": {
                        "type": "list",
                        "elements": "str",
                        "choices": ["server", "client"],
                        "default": ["server"],
                    },
                    **key_options(2048, 365, 30),
                },
            },
        },
        required_by={"ca_key": ["ca_cert"], "ca_key_passphrase": ["ca_key"]},
        require=x509.require_cryptography,
    )


if __name__ == "__main__":
    main()
