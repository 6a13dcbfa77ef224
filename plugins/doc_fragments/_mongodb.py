# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/groundwork.databases.mongodb) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - groundwork.databases.mongodb
options:
  login_uri:
    description:
      - Connection string, C(mongodb://) or C(mongodb+srv://). It takes the place of O(login_host) and O(login_port).
      - Other connection options that are set, such as O(login_user), win over the same ones in the string.
    type: str
  login_host:
    description: Host of the MongoDB server, or a comma-separated list of C(host:port) of a replica set's members.
    type: str
    default: localhost
  login_port:
    description: Port of the MongoDB server.
    type: int
    default: 27017
  login_user:
    description: User to connect as. Without one the connection is not authenticated.
    type: str
  login_password:
    description: Password of O(login_user).
    type: str
  login_database:
    description: Database that holds the credentials of O(login_user).
    type: str
    default: admin
  replica_set:
    description:
      - Name of the replica set. With it the driver finds the primary; without it the one given host is used directly.
    type: str
  ssl:
    description: Whether to connect through TLS.
    type: bool
    default: false
    aliases: [tls]
  ssl_ca_certs:
    description: File with the certificates of the authorities that may have signed the server's certificate.
    type: path
    aliases: [tls_ca_certs]
  ssl_certfile:
    description: File with the client's certificate and private key.
    type: path
    aliases: [tls_certfile]
  ssl_cert_reqs:
    description: Whether the server's certificate is verified.
    type: str
    choices: [CERT_REQUIRED, CERT_NONE]
    default: CERT_REQUIRED
    aliases: [tls_cert_reqs]
  auth_mechanism:
    description: How to authenticate. Unset lets the driver negotiate.
    type: str
    choices: [SCRAM-SHA-256, SCRAM-SHA-1, MONGODB-X509]
  connection_options:
    description:
      - Further options of the MongoDB connection string, for example C(retryWrites=false) for Amazon DocumentDB.
      - They win over what the other options imply. Write and read concern are C(majority) unless they are named here.
      - A password is refused here. It belongs to O(login_password), which is shown to no one.
    type: dict
    default: {}
  connect_timeout:
    description: Seconds to wait for a server that can take writes.
    type: int
    default: 10
requirements:
  - pymongo >= 3.11
"""
