"""What the poolers of a host must be, read from a module's options and held against all that needs no server."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated
from ..._pg.scram import parse_secret
from .. import known_settings
from ..known_settings import Version
from . import hba

UNTOUCHED = "everything; the running pooler was not touched"
CONSOLE = "pgbouncer"
FALLBACK = "*"
# Written from options of their own, because processes, files and rights depend on them.
DECIDED_ELSEWHERE = {
    "listen_addr": "listen_addresses",
    "listen_port": "listen_port",
    "unix_socket_dir": "runtime_directory",
    "pidfile": "runtime_directory",
    "logfile": "log_directory",
    "auth_type": "hba",
    "auth_hba_file": "hba",
    "auth_file": "users",
    "admin_users": "users[].admin",
    "stats_users": "users[].stats",
    "so_reuseport": "processes",
    "peer_id": "processes",
    "user": "account",
    "conffile": "directory",
    "job_name": "processes",
    "service_name": "processes",
}
POOL_MODES = ("session", "transaction", "statement")
ENCRYPTED = ("require", "verify-ca", "verify-full")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclasses.dataclass(frozen=True)
class Database:
    """One line of ``[databases]``; ``options`` are its keys in PgBouncer's own names."""

    name: str
    options: dict[str, str]
    expected_users: int | None = None

    @property
    def server(self) -> tuple[str, int]:
        return self.options.get("host", ""), int(self.options.get("port", 5432))

    def number(self, key: str) -> int | None:
        return int(self.options[key]) if key in self.options else None


@dataclasses.dataclass(frozen=True, repr=False)
class User:
    """One line of userlist.txt, and of ``[users]`` where it has limits of its own."""

    name: str
    secret: str
    admin: bool = False
    stats: bool = False
    pooled: bool = True
    options: dict[str, str] = dataclasses.field(default_factory=dict)

    def number(self, key: str) -> int | None:
        return int(self.options[key]) if key in self.options else None


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The poolers of one host.

    :param version: the PgBouncer that the description was held against.
    """

    version: Version
    processes: int
    listen_addresses: tuple[str, ...]
    listen_port: int
    settings: dict[str, str]
    databases: tuple[Database, ...]
    users: tuple[User, ...]
    rules: tuple[hba.Rule, ...]

    def number(self, setting: str, default: int) -> int:
        return int(self.settings.get(setting, default))

    @property
    def peers(self) -> bool:
        """Whether the processes pass cancellations on to each other."""
        return self.version >= known_settings.PEERS_SINCE

    @property
    def files_read(self) -> list[str]:
        """Certificates, keys and maps that the pooler reads beside its own files."""
        return [value for name, value in self.settings.items() if name.endswith("_file") and value]


def parse(options: dict[str, t.Any], version: Version) -> Wanted:
    """The description in the module's options.

    :raises GroundworkError: with everything that this version of PgBouncer would not take, or that is not safe.
    """
    with collected("the description", ErrorCode.INVALID_INPUT, UNTOUCHED) as problems:
        return _Reader(version, options["accept_risks"], problems).read(options)


class _Reader:
    """Reads a description for one version of PgBouncer.

    :param accepted: risks that the user has accepted.
    """

    def __init__(self, version: Version, accepted: t.Collection[str], problems: Problems) -> None:
        self._version = version
        self._accepted = accepted
        self._problems = problems

    def read(self, options: dict[str, t.Any]) -> Wanted:
        wanted = Wanted(
            version=self._version,
            processes=self._processes(options["processes"]),
            listen_addresses=tuple(options["listen_addresses"]),
            listen_port=options["listen_port"],
            settings=self._settings(options["settings"]),
            databases=self._databases(options["databases"]),
            users=self._users(options["users"]),
            rules=hba.parse(options["hba"], self._version, self._accepted, self._problems),
        )
        self._check_console(wanted)
        self._check_client_encryption(wanted)
        self._check_server_encryption(wanted)
        self._check_auth_query(wanted)
        return wanted

    def _processes(self, number: int) -> int:
        if not 1 <= number <= 16383:
            self._problems.add("processes", f"{number} processes cannot be.", "Peer ids go from 1 to 16383.")
        if number > 1 and self._version < known_settings.PEERS_SINCE and "lost_cancels" not in self._accepted:
            self._problems.add(
                "processes",
                f"PgBouncer {known_settings.text_of(self._version)} cannot pass a cancellation on to the process it is"
                " for.",
                f"Install {known_settings.text_of(known_settings.PEERS_SINCE)} or later, run one process, or list "
                "lost_cancels in accept_risks.",
            )
        return number

    def _settings(self, given: dict[str, t.Any]) -> dict[str, str]:
        settings = {}
        for name, value in given.items():
            where = f"settings.{name}"
            if name in DECIDED_ELSEWHERE:
                option = DECIDED_ELSEWHERE[name]
                self._problems.add(where, f"{name!r} is not set here.", f"It follows from the option {option}.")
                continue
            problem = known_settings.why_unknown(name, known_settings.SETTINGS, self._version)
            if problem:
                hint = "See the reference of that version: man 5 pgbouncer."
                self._problems.add(where, f"{problem}.", hint, ErrorCode.UNKNOWN_SETTING)
            elif value is not None:
                settings[name] = self._text(value, where)
        self._check_pool_mode(settings.get("pool_mode"), "settings.pool_mode")
        return settings

    def _check_pool_mode(self, mode: t.Any, where: str) -> None:
        if mode is not None and mode not in POOL_MODES:
            self._problems.add(where, f"There is no pool mode {mode!r}.", f"Use {', '.join(POOL_MODES)}.")

    def _databases(self, given: list[dict[str, t.Any]]) -> tuple[Database, ...]:
        self._check_unique([entry["name"] for entry in given], "databases")
        databases = []
        for entry in given:
            where = f"databases: {entry['name']}"
            if entry["name"] == CONSOLE:
                self._problems.add(
                    where, "The name pgbouncer belongs to the admin console.", "Choose another name and set dbname."
                )
            options = self._keys(entry, {"name", "expected_users"}, known_settings.DATABASE_KEYS, where)
            if options.get("host", "").startswith("/") and "port" not in options:
                options["port"] = "5432"
            databases.append(Database(entry["name"], options, entry.get("expected_users")))
        return tuple(databases)

    def _users(self, given: list[dict[str, t.Any]]) -> tuple[User, ...]:
        self._check_unique([entry["name"] for entry in given], "users")
        users = []
        for entry in given:
            where = f"users: {entry['name']}"
            secret, password = entry.get("scram_secret"), entry.get("password")
            if bool(secret) == bool(password):
                self._problems.add(
                    where,
                    "A user needs either scram_secret or password.",
                    "Give the SCRAM secret that the server holds; a password only where the pooler itself logs in with"
                    " it.",
                )
            if secret and parse_secret(secret) is None:
                self._check_hash(secret, where)
            value = str(secret or password)
            if "\n" in value or "\0" in value:
                self._problems.add(
                    where, "A password with a line break cannot be written to userlist.txt.", "Choose another one."
                )
            skipped = {"name", "scram_secret", "password", "admin", "stats", "pooled"}
            options = self._keys(entry, skipped, known_settings.USER_KEYS, where)
            console_only = entry["admin"] or entry["stats"]
            if console_only and any(character in entry["name"] for character in ", \t"):
                self._problems.add(
                    where,
                    "PgBouncer would take this name for several ones in admin_users and stats_users.",
                    "Choose a name without spaces and commas for whoever may use the console.",
                )
            pooled = entry["pooled"] if entry.get("pooled") is not None else not console_only
            users.append(User(entry["name"], value, entry["admin"], entry["stats"], pooled, options))
        return tuple(users)

    def _check_hash(self, secret: str, where: str) -> None:
        if not secret.startswith("md5"):
            self._problems.add(
                where,
                "This is no SCRAM-SHA-256 secret.",
                "Make one with the filter groundwork.databases.scram_sha_256, and give it to the server too.",
            )
        elif "md5" not in self._accepted:
            self._problems.add(
                where,
                "md5 hashes are refused: whoever reads one can log in with it.",
                "Give a SCRAM secret, or list md5 in accept_risks for as long as old clients need it.",
            )

    def _keys(
        self, entry: dict[str, t.Any], skipped: set[str], known: dict[str, Version], where: str
    ) -> dict[str, str]:
        options = {}
        for key, value in entry.items():
            if key in skipped or value is None:
                continue
            problem = known_settings.why_unknown(key, known, self._version)
            if problem:
                self._problems.add(
                    f"{where}: {key}",
                    f"{problem}.",
                    "Leave it out, or install a newer PgBouncer.",
                    ErrorCode.UNKNOWN_SETTING,
                )
                continue
            if key == "pool_mode":
                self._check_pool_mode(value, f"{where}: {key}")
            is_older_name = key == "reserve_pool_size" and self._version < known_settings.RESERVE_POOL_SIZE_SINCE
            name = "reserve_pool" if is_older_name else key
            options[name] = self._text(value, f"{where}: {key}")
        return options

    def _text(self, value: t.Any, where: str) -> str:
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, (list, tuple)):
            return ",".join(self._text(entry, where) for entry in value)
        if isinstance(value, dict):
            self._problems.add(
                where, "A setting is a text, a number, a switch or a list.", "Write it as PgBouncer's manual does."
            )
            return ""
        text = str(value)
        if any(character in text for character in "\n\r\0"):
            self._problems.add(where, "A line break would begin a setting of its own.", "Write the value in one line.")
        return text

    def _check_unique(self, names: list[str], where: str) -> None:
        twice = sorted(repeated(names))
        if twice:
            self._problems.add(
                where,
                f"{', '.join(twice)} is there more than once.",
                "The last one would win silently: keep one.",
                ErrorCode.DUPLICATE_NAME,
            )
        for name in names:
            if not name or any(character in name for character in "\n\r\0"):
                hint = "Names have at least one character, and no line breaks."
                self._problems.add(where, f"{name!r} is no name.", hint)

    def _check_console(self, wanted: Wanted) -> None:
        if any(user.name == CONSOLE for user in wanted.users):
            self._problems.add(
                "users: pgbouncer",
                "The user pgbouncer belongs to whoever runs the process: it enters the console without a password.",
                "Choose another name.",
            )

    def _check_client_encryption(self, wanted: Wanted) -> None:
        remote = [address for address in wanted.listen_addresses if address not in LOOPBACK]
        mode = wanted.settings.get("client_tls_sslmode", "disable")
        if "plaintext_clients" not in self._accepted and remote:
            open_rules = [rule.line() for rule in wanted.rules if rule.without_tls]
            if mode not in ENCRYPTED and (mode in ("disable", "allow", "prefer") and (open_rules or mode == "disable")):
                self._problems.add(
                    "settings.client_tls_sslmode",
                    f"Clients could come without TLS: client_tls_sslmode is {mode} on {', '.join(remote)}.",
                    "Set it to require or verify-full with a certificate, or list plaintext_clients in accept_risks.",
                    ErrorCode.PLAINTEXT,
                )
        if mode != "disable":
            for name in ("client_tls_key_file", "client_tls_cert_file"):
                if name not in wanted.settings:
                    what = f"client_tls_sslmode={mode} needs {name}."
                    self._problems.add(f"settings.{name}", what, "Give both files.")

    def _check_server_encryption(self, wanted: Wanted) -> None:
        verified = wanted.settings.get("server_tls_sslmode") == "verify-full"
        if verified or "unverified_servers" in self._accepted:
            return
        for database in wanted.databases:
            far = [
                host
                for host in database.options.get("host", "/").split(",")
                if not host.startswith("/") and host not in LOOPBACK
            ]
            if far:
                self._problems.add(
                    f"databases: {database.name}",
                    f"Whoever answers as {far[0]} would get the application's queries: server_tls_sslmode is "
                    f"{wanted.settings.get('server_tls_sslmode', 'not set')}.",
                    "Set server_tls_sslmode=verify-full and server_tls_ca_file, or accept_risks: [unverified_servers].",
                    ErrorCode.UNVERIFIED_SERVER,
                )

    def _check_auth_query(self, wanted: Wanted) -> None:
        of_databases = {database.options.get("auth_user") for database in wanted.databases}
        for name in sorted(name for name in {wanted.settings.get("auth_user"), *of_databases} if name):
            user = next((user for user in wanted.users if user.name == name), None)
            if user is None:
                self._problems.add("users", f"The auth_user {name} has no password.", f"List {name} with its password.")
            elif parse_secret(user.secret) is not None:
                self._problems.add(
                    f"users: {name}",
                    f"The auth_user {name} cannot log in with a SCRAM secret: nobody hands the pooler its password.",
                    "Give its password instead; userlist.txt can be read by the pooler's account only.",
                )
