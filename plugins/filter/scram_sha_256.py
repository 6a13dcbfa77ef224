# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scram_sha_256
short_description: The SCRAM-SHA-256 secret of a password, as PostgreSQL and PgBouncer store it
version_added: 1.0.0
description:
  - Makes the one string that a PostgreSQL role (option C(scram_secret) of M(groundwork.databases.pg_contents)) and
    PgBouncer's C(userlist.txt) must share to the letter. Only then can PgBouncer log its clients in to the server
    without knowing a password. This is also the only way where the server's own secrets cannot be read, as on RDS.
  - "The result is the same in every run for the same password and salt. The salt comes from O(salt), or is derived
    from O(user) and O(seed): a random text of the site, made once and kept with the secrets."
  - "A salt must never be derived from the password. It is stored beside the secret in plain sight: whoever reads it
    could try passwords against the salt, past the thousands of iterations that are there to make trying slow, and
    would see which roles have the same password."
author:
  - The groundwork.databases maintainers (@groundwork)
positional: _input
options:
  _input:
    description: The password.
    type: str
    required: true
  user:
    description: Role that the salt is derived for, together with O(seed).
    type: str
  seed:
    description: Random text of the site, at least 16 characters. It need not be as secret as a password.
    type: str
  salt:
    description: The salt itself in base64, instead of O(user) and O(seed). At least 8 bytes, 16 are usual.
    type: str
  iterations:
    description: How often the password is hashed. PostgreSQL's own number is the default.
    type: int
    default: 4096
seealso:
  - module: groundwork.databases.pg_contents
  - module: groundwork.databases.pgbouncer_configuration
"""

EXAMPLES = r"""
- name: One secret for the server and for the pooler
  ansible.builtin.set_fact:
    shop_app_secret: "{{ shop_app_password | groundwork.databases.scram_sha_256(user='shop_app', seed=site_seed) }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The secret, C(SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY).
  type: str
"""

import base64
import binascii
import hmac
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram

SHORTEST_SEED = 16
SHORTEST_SALT = 8


def scram_sha_256(
    password: str,
    user: str | None = None,
    seed: str | None = None,
    salt: str | None = None,
    iterations: int = scram.DEFAULT_ITERATIONS,
) -> str:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: without a password, or without something to take the salt from.
    """
    if not isinstance(password, str) or not password:
        raise AnsibleFilterError("scram_sha_256 needs a password as text.")
    if int(iterations) < 1:
        raise AnsibleFilterError("scram_sha_256: iterations must be 1 or more.")
    return scram.make_secret(password, salt=_salt(user, seed, salt), iterations=int(iterations))


def _salt(user: str | None, seed: str | None, salt: str | None) -> bytes:
    if salt is not None:
        try:
            raw = base64.b64decode(salt, validate=True)
        except (binascii.Error, ValueError):
            raise AnsibleFilterError("scram_sha_256: salt must be base64.") from None
        if len(raw) < SHORTEST_SALT:
            raise AnsibleFilterError(f"scram_sha_256: a salt has at least {SHORTEST_SALT} bytes.")
        return raw
    if not user or not seed:
        raise AnsibleFilterError("scram_sha_256 needs user and seed, or salt: a random salt would differ in every run.")
    if len(seed) < SHORTEST_SEED:
        raise AnsibleFilterError(f"scram_sha_256: a seed has at least {SHORTEST_SEED} characters.")
    derived = hmac.digest(str(seed).encode(), b"groundwork SCRAM salt\0" + str(user).encode(), "sha256")
    return derived[: scram.DEFAULT_SALT_LENGTH]


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scram_sha_256": scram_sha_256}
