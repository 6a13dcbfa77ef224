# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  data_directory:
    description: Data folder of the server on this host. It need not exist yet.
    type: path
    required: true
  bin_directory:
    description: Folder of the server's programs.
    type: path
    default: /usr/lib/postgresql/16/bin
  port:
    description: Port of the server on this host.
    type: int
    default: 5432
  login_host:
    description: Folder of the server's Unix socket, or a host name.
    type: str
    default: /var/run/postgresql
  login_user:
    description: Superuser to connect as.
    type: str
    default: postgres
  login_password:
    description: Password of O(login_user), where the server does not trust its own account (peer authentication).
    type: str
  account:
    description: Operating-system account that owns the server. The module has to run as root or as this account.
    type: str
    default: postgres
  service:
    description: Systemd unit that runs the server, such as C(postgresql@16-main). Without one C(pg_ctl) starts it.
    type: str
  config_file:
    description: The server's C(postgresql.conf), when that is not in the data folder.
    type: path
  connect_timeout:
    description: Seconds to wait for a connection.
    type: int
    default: 10
requirements:
  - psycopg2 >= 2.8, where there is a server to ask
"""
