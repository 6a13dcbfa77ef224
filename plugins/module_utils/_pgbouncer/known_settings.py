"""What each version of PgBouncer knows: settings, keys of databases and users, and the security holes it still has.

Sources: the settings of 1.16.1 and 1.24.1 are those of ``src/main.c`` and ``src/loader.c``, those of 1.18, 1.25.2 and
1.26.1 what ``SHOW CONFIG`` of the real program lists, the versions between are from upstream's NEWS.
"""

from __future__ import annotations

import dataclasses
import difflib
import re

Version = tuple[int, int, int]

OLDEST: Version = (1, 16, 0)
PEERS_SINCE: Version = (1, 19, 0)
WAIT_FOR_CLIENTS_SINCE: Version = (1, 23, 0)
ADDRESS_ALL_SINCE: Version = (1, 23, 0)

_SINCE_THE_OLDEST = """
admin_users application_name_add_host auth_file auth_hba_file auth_query auth_type auth_user autodb_idle_timeout
client_idle_timeout client_login_timeout client_tls_ca_file client_tls_cert_file client_tls_ciphers
client_tls_dheparams client_tls_ecdhcurve client_tls_key_file client_tls_protocols client_tls_sslmode conffile
default_pool_size disable_pqexec dns_max_ttl dns_nxdomain_ttl dns_zone_check_period idle_transaction_timeout
ignore_startup_parameters job_name listen_addr listen_backlog listen_port log_connections log_disconnections
log_pooler_errors log_stats logfile max_client_conn max_db_connections max_packet_size max_user_connections
min_pool_size pidfile pkt_buf pool_mode query_timeout query_wait_timeout reserve_pool_size reserve_pool_timeout
resolv_conf sbuf_loopcnt server_check_delay server_check_query server_connect_timeout server_fast_close
server_idle_timeout server_lifetime server_login_retry server_reset_query server_reset_query_always
server_round_robin server_tls_ca_file server_tls_cert_file server_tls_ciphers server_tls_key_file
server_tls_protocols server_tls_sslmode service_name so_reuseport stats_period stats_users suspend_timeout syslog
syslog_facility syslog_ident tcp_defer_accept tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl
tcp_socket_buffer tcp_user_timeout unix_socket_dir unix_socket_group unix_socket_mode user verbose
"""

_DATABASE_KEYS_SINCE_THE_OLDEST = """
dbname host port user password auth_user client_encoding datestyle timezone pool_size min_pool_size reserve_pool_size
max_db_connections pool_mode connect_query application_name
"""

SETTINGS: dict[str, Version] = {
    **dict.fromkeys(_SINCE_THE_OLDEST.split(), OLDEST),
    "auth_dbname": (1, 19, 0),
    "cancel_wait_timeout": (1, 19, 0),
    "peer_id": (1, 19, 0),
    "track_extra_parameters": (1, 20, 0),
    "max_prepared_statements": (1, 21, 0),
    "auth_ident_file": (1, 23, 0),
    "max_db_client_connections": (1, 24, 0),
    "max_user_client_connections": (1, 24, 0),
    "auth_ldap_options": (1, 25, 0),
    "client_tls13_ciphers": (1, 25, 0),
    "server_tls13_ciphers": (1, 25, 0),
    "query_wait_notify": (1, 25, 0),
    "scram_iterations": (1, 25, 0),
    "transaction_timeout": (1, 25, 0),
    "login_notify_message": (1, 26, 0),
    "pool_idle_timeout": (1, 26, 0),
}
REMOVED: dict[str, Version] = {"suspend_timeout": (1, 26, 0)}

DATABASE_KEYS: dict[str, Version] = {
    **dict.fromkeys(_DATABASE_KEYS_SINCE_THE_OLDEST.split(), OLDEST),
    "auth_dbname": (1, 19, 0),
    "auth_query": (1, 22, 0),
    "server_lifetime": (1, 23, 0),
    "max_db_client_connections": (1, 24, 0),
    "load_balance_hosts": (1, 24, 0),
    "query_wait_timeout": (1, 26, 0),
}
# Until 1.24 the key had another name, which later versions still take.
RESERVE_POOL_SIZE_SINCE: Version = (1, 24, 0)

USER_KEYS: dict[str, Version] = {
    "pool_mode": OLDEST,
    "max_user_connections": OLDEST,
    "pool_size": (1, 23, 0),
    "query_timeout": (1, 24, 0),
    "idle_transaction_timeout": (1, 24, 0),
    "reserve_pool_size": (1, 24, 0),
    "client_idle_timeout": (1, 24, 0),
    "max_user_client_connections": (1, 24, 0),
    "transaction_timeout": (1, 25, 0),
    "query_wait_timeout": (1, 26, 0),
}


@dataclasses.dataclass(frozen=True)
class Hole:
    """A security hole.

    :param since: the first version that has it.
    :param fixed: the first version that does not.
    """

    name: str
    since: Version
    fixed: Version
    text: str

    def summary(self) -> str:
        return f"{self.name} (fixed in {text_of(self.fixed)}): {self.text}"


HOLES = (
    Hole(
        "CVE-2021-3935",
        (0, 0, 0),
        (1, 16, 1),
        "data sent before TLS was negotiated is taken as if it had been encrypted, with cert authentication",
    ),
    Hole("CVE-2025-2291", (0, 0, 0), (1, 24, 1), "the default auth_query lets expired passwords (VALID UNTIL) in"),
    Hole(
        "CVE-2025-12819",
        (0, 0, 0),
        (1, 25, 1),
        "with search_path in track_extra_parameters, an unauthenticated client runs SQL as auth_user in auth_query",
    ),
    Hole(
        "CVE-2026-6664",
        (0, 0, 0),
        (1, 25, 2),
        "a malformed SCRAM packet of an unauthenticated client crashes the pooler",
    ),
    Hole("CVE-2026-6665", (0, 0, 0), (1, 25, 2), "a malicious server overflows the stack with a long SCRAM nonce"),
    Hole("CVE-2026-6666", (0, 0, 0), (1, 25, 2), "an error without SQLSTATE from a server can crash the pooler"),
    Hole("CVE-2026-6667", (0, 0, 0), (1, 25, 2), "stats users can run KILL_CLIENT on the admin console"),
    Hole(
        "CVE-2026-19888",
        (1, 11, 0),
        (1, 26, 0),
        "an unauthenticated client crashes the pooler with a SCRAM message that lacks its nonce",
    ),
    # Seen with 1.25.1 and 1.25.2; fixed by the pull request of that number.
    Hole(
        "pgbouncer#1504",
        (1, 25, 1),
        (1, 26, 0),
        "a wrong password, or a login that is begun and not finished, can lock a user with a scram_secret out of a "
        "process until that is restarted, unless a login with the right password came before; users whom auth_query "
        "finds are not affected",
    ),
    Hole("CVE-2026-6668", (0, 0, 0), (1, 26, 0), "an unauthenticated client hangs the pooler with a very large packet"),
    Hole(
        "CVE-2026-6669",
        (0, 0, 0),
        (1, 26, 0),
        "a malicious server keeps the pooler busy with a huge SCRAM iteration count",
    ),
    Hole(
        "CVE-2026-107350",
        (1, 17, 0),
        (1, 26, 1),
        "who knows the password of one user of auth_file can log in as any other SCRAM user, also as an administrator",
    ),
    Hole(
        "CVE-2026-107349",
        (1, 20, 0),
        (1, 26, 1),
        "an unauthenticated client makes the pooler spin, where ignore_startup_parameters is set without options",
    ),
    Hole(
        "CVE-2026-107348",
        (1, 21, 0),
        (1, 26, 1),
        "a huge packet length hangs the pooler, where max_packet_size is above 2147483648",
    ),
)


def known_holes(version: Version) -> list[str]:
    """What is known of this upstream version; a distribution may have mended some without changing the number."""
    return [hole.summary() for hole in HOLES if hole.since <= version < hole.fixed]


def parse_version(text: str) -> Version | None:
    """The version in ``PgBouncer 1.25.2`` or ``1.25``; ``None`` when there is none."""
    found = re.search(r"\b(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def text_of(version: Version) -> str:
    return ".".join(str(part) for part in version)


def why_unknown(name: str, known: dict[str, Version], version: Version) -> str | None:
    """Why this version does not take a setting or key; ``None`` when it does."""
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        return f"PgBouncer knows no {name!r}" + (f"; did you mean {close[0]!r}" if close else "")
    if version < known[name]:
        return f"{name!r} needs PgBouncer {text_of(known[name])}, this is {text_of(version)}"
    if known is SETTINGS and name in REMOVED and version >= REMOVED[name]:
        return f"{name!r} was removed in PgBouncer {text_of(REMOVED[name])}"
    return None
