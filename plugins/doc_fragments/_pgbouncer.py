# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DATABASES = r"""
options:
  databases:
    description: Databases that clients can connect to, exactly these.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name that clients use; V(*) for every name that is not listed.
        type: str
        required: true
      host:
        description:
          - Server; several separated by commas; a folder for a Unix socket. Unset means the default Unix socket.
        type: str
      port:
        description: Port of the server.
        type: int
      dbname:
        description: Name of the database on the server, if it is another one.
        type: str
      user:
        description:
          - Every client is this user on the server. A SCRAM secret cannot be used for it, give O(databases[].password).
        type: str
      password:
        description: Password of O(databases[].user).
        type: str
      pool_mode:
        description: When a server connection is given back.
        type: str
        choices: [session, transaction, statement]
      pool_size:
        description: Server connections per user and process.
        type: int
      min_pool_size:
        description: Server connections that are kept open.
        type: int
      reserve_pool_size:
        description: Further connections when clients have waited for C(reserve_pool_timeout).
        type: int
      max_db_connections:
        description: Server connections of all users together, per process.
        type: int
      max_db_client_connections:
        description: Client connections of all users together, per process.
        type: int
      server_lifetime:
        description: Seconds after which an unused server connection is closed.
        type: int
      query_wait_timeout:
        description: Seconds that a client waits for a server connection.
        type: int
      connect_query:
        description: SQL to run on every new server connection.
        type: str
      application_name:
        description: Name that the server sees.
        type: str
      client_encoding:
        description: Encoding asked from the server.
        type: str
      datestyle:
        description: C(DateStyle) asked from the server.
        type: str
      timezone:
        description: C(TimeZone) asked from the server.
        type: str
      load_balance_hosts:
        description: How several hosts are used.
        type: str
        choices: [disable, round-robin]
      auth_user:
        description: User that asks this database for the secrets of users who are not listed.
        type: str
      auth_dbname:
        description: Database that is asked for them.
        type: str
      auth_query:
        description: The question, see M(groundwork.databases.pgbouncer_auth_query).
        type: str
      expected_users:
        description:
          - With an auth_user, how many users will use this database, for the sum of the pools. Unset needs
            C(max_db_connections).
        type: int
"""

    USERS = r"""
options:
  users:
    description: Contents of C(userlist.txt), exactly these.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name.
        type: str
        required: true
      scram_secret:
        description: The SCRAM-SHA-256 secret, the identical string that the server holds (same salt and iterations).
        type: str
      password:
        description: The password itself, for a user whom the pooler logs in on its own, such as an auth_user.
        type: str
      admin:
        description: Whether the user may do everything on the admin console.
        type: bool
        default: false
      stats:
        description: Whether the user may read the admin console.
        type: bool
        default: false
      pooled:
        description: Whether the user has pools, for their sum. By default those do who are neither admin nor stats.
        type: bool
      pool_mode:
        description: Overrides that of the database.
        type: str
        choices: [session, transaction, statement]
      pool_size:
        description: Overrides that of the database.
        type: int
      reserve_pool_size:
        description: Overrides that of the database.
        type: int
      max_user_connections:
        description: Server connections of the user in all databases, per process.
        type: int
      max_user_client_connections:
        description: Client connections of the user, per process.
        type: int
      query_timeout:
        description: Seconds after which a query is cut off.
        type: int
      query_wait_timeout:
        description: Seconds that a client waits for a server connection.
        type: int
      idle_transaction_timeout:
        description: Seconds after which a client is cut off that does nothing in a transaction.
        type: int
      transaction_timeout:
        description: Seconds after which a client is cut off whose transaction is still open.
        type: int
      client_idle_timeout:
        description: Seconds after which a client is cut off that does nothing.
        type: int
"""

    HBA = r"""
options:
  hba:
    description:
      - Who may come from where, and how they prove who they are. The first rule that fits decides; without one the
        client is refused.
    type: list
    elements: dict
    default:
      - {type: local, databases: [all], users: [all], method: scram-sha-256}
      - {type: hostssl, databases: [all], users: [all], address: 0.0.0.0/0, method: scram-sha-256}
      - {type: hostssl, databases: [all], users: [all], address: "::/0", method: scram-sha-256}
    suboptions:
      type:
        description:
          - V(local) is the Unix socket, V(hostssl) TCP with TLS, V(host) TCP with or without, V(hostnossl) without.
        type: str
        choices: [local, host, hostssl, hostnossl]
        required: true
      databases:
        description: Names, or V(all), V(sameuser), V(replication).
        type: list
        elements: str
        default: [all]
      users:
        description: Names, or V(all). There are no groups.
        type: list
        elements: str
        default: [all]
      address:
        description: IP address or network; V(all) from PgBouncer 1.23 on. There are no host names.
        type: str
      method:
        description:
          - V(scram-sha-256), V(cert), V(peer) or V(reject); V(md5) with O(accept_risks). V(trust) is always refused.
        type: str
        required: true
      map:
        description: Map of names for V(cert) and V(peer), from C(auth_ident_file).
        type: str
"""

    SERVERS = r"""
options:
  servers:
    description: What the servers behind the pooler have. A server that is not listed is not counted against.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: As in O(databases[].host); empty for the default Unix socket.
        type: str
        required: true
      port:
        description: As in O(databases[].port).
        type: int
        default: 5432
      max_connections:
        description: The server's C(max_connections). Unset asks the server, when O(servers[].login_user) is given.
        type: int
      reserve_connections:
        description:
          - Connections that are not for the poolers (administrators, replication, backups, migrations). At least what
            the server reserves for superusers, when it is asked.
        type: int
        default: 10
      login_user:
        description: Role that asks. It needs no rights.
        type: str
      login_password:
        description: Its password.
        type: str
      login_db:
        description: Database to connect to.
        type: str
        default: postgres
      ssl_mode:
        description: As libpq's C(sslmode).
        type: str
        choices: [allow, disable, prefer, require, verify-ca, verify-full]
      ca_cert:
        description: File with the authorities that may have signed the server's certificate.
        type: path
"""
