# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options shared by every MongoDB module: keep in step with doc_fragments/_mongodb.py.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t


def connection_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Options named as community.mongodb 1.7 names them, so that ``module_defaults`` can be shared."""
    return {
        "login_host": {"type": "str", "default": "localhost"},
        "login_port": {"type": "int", "default": 27017},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_database": {"type": "str", "default": "admin"},
        "replica_set": {"type": "str"},
        "ssl": {"type": "bool", "default": False, "aliases": ["tls"]},
        "ssl_ca_certs": {"type": "path", "aliases": ["tls_ca_certs"]},
        "ssl_certfile": {"type": "path", "aliases": ["tls_certfile"]},
        "ssl_cert_reqs": {
            "type": "str",
            "default": "CERT_REQUIRED",
            "choices": ["CERT_REQUIRED", "CERT_NONE"],
            "aliases": ["tls_cert_reqs"],
        },
        "auth_mechanism": {"type": "str", "choices": ["SCRAM-SHA-256", "SCRAM-SHA-1", "MONGODB-X509"]},
        "connection_options": {"type": "dict", "default": {}},
        "connect_timeout": {"type": "int", "default": 10},
    }
