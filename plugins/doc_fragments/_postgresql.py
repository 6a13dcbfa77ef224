# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/groundwork.databases.postgresql) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - groundwork.databases.postgresql
options:
  login_host:
    description: Host of the database server. Empty means the Unix socket.
    type: str
    default: ''
  login_port:
    description: Port of the database server.
    type: int
    default: 5432
  login_user:
    description: Role to connect as.
    type: str
    default: postgres
  login_password:
    description: Password of O(login_user).
    type: str
  login_unix_socket:
    description: Folder of the Unix socket, for local connections.
    type: str
    default: ''
  ssl_mode:
    description: How TLS is negotiated with the server, see the manual of libpq for the meanings.
    type: str
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description:
      - File with the certificates of the authorities that may have signed the server's certificate.
      - Must be given with O(ssl_mode=verify-ca) and O(ssl_mode=verify-full) where libpq's default file does not exist.
    type: path
  ssl_cert:
    description: File with the client's certificate.
    type: path
  ssl_key:
    description: File with the client's private key.
    type: path
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 10
requirements:
  - psycopg2 >= 2.8
"""
