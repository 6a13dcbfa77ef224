"""A local PostgreSQL: how its state is read and how each planned step is done."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

from .._core.errors import GroundworkError
from .._core.module import default_options
from .._host import filesystem
from .._host.account import Account
from .._host.service import PgCtl
from .._pg.postmaster import noted
from . import artifact, library
from .layout import Layout
from .login import SUPERUSERS
from .plan import Data
from .process import end_process, is_process

PRODUCT = f"PostgreSQL {artifact.POSTGRESQL.version.rsplit('.', 1)[0]}"
PREFERRED_PORT = 15432
# What initdb writes last matters: with these three a cluster can start.
ESSENTIAL_FILES = ("PG_VERSION", "global/pg_control", "postgresql.conf")
# After a kill -9 of the postmaster, its children hold the shared memory until they notice, and its number is taken
# until its parent has collected it. Both pass by themselves.
REMNANTS_OF_A_KILL = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class PostgresqlServer:
    """One cluster under ``layout.home``, listening on 127.0.0.1 only."""

    engine = "postgresql"
    superuser = SUPERUSERS["postgresql"]
    product = PRODUCT
    preferred_port = PREFERRED_PORT

    def __init__(self, layout: Layout, account: Account, bin_directory: str | None) -> None:
        self.layout = layout
        self.account = account
        self.given_bin = Path(bin_directory) if bin_directory else None

    @property
    def bin(self) -> Path:
        return self.given_bin or artifact.installed_path(artifact.POSTGRESQL, self.layout.servers) / "bin"

    @property
    def binary(self) -> Path:
        return self.bin / "postgres"

    @property
    def config_file(self) -> Path:
        return self.layout.home / "local.conf"

    def is_installed(self) -> bool:
        return self.binary.is_file()

    def install(self) -> None:
        if self.given_bin:
            raise GroundworkError(
                "There is no PostgreSQL in the given folder.",
                where=str(self.given_bin),
                untouched="everything",
                hint="Point local_servers_postgresql_bin at a folder with postgres, initdb and pg_ctl, or unset it.",
            )
        artifact.install(artifact.POSTGRESQL, self.layout.servers, self.layout.cache)

    def missing_libraries(self) -> list[str]:
        own = self.bin.parent / "lib"
        # PL/Python is linked with the libpython of one distribution and has no package on the others.
        modules = [module for module in own.glob("**/*.so") if "plpython3" not in module.name]
        missing = library.missing_libraries([self.binary, self.bin / "psql", self.bin / "initdb", *modules])
        # Libraries of the tree itself are found through the executables that use them.
        return [name for name in missing if not (own / name).exists()]

    def data_state(self, initialised: bool) -> Data:
        data = self.layout.data
        if not data.exists():
            return "incomplete" if self.layout.new_data.exists() else "absent"
        if all((data / name).is_file() for name in ESSENTIAL_FILES):
            return "complete"
        return "damaged" if initialised else "incomplete"

    def is_running(self) -> bool:
        return is_process(self.pid(), self.layout.data)

    def pid(self) -> int | None:
        return noted(self.layout.data).pid

    def render_config(self, port: int, settings: dict[str, str]) -> str:
        """The settings file; ``settings`` come last, as PostgreSQL lets the last one win."""
        chosen = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            # A socket's path may hold 107 bytes, which a deep checkout exceeds.
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "shared_preload_libraries": "pg_stat_statements",
            "log_line_prefix": "%m [%p] %q%u@%d/%a ",
            **{name: str(value) for name, value in settings.items()},
        }
        quoted = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in chosen.items())
        return "\n".join(quoted) + "\n"

    def initialise(self, superuser: str, password: str) -> None:
        filesystem.remove_tree(self.layout.new_data)
        self.layout.clear_data("global/pg_control")
        argv = [
            str(self.bin / "initdb"), "--pgdata", str(self.layout.new_data), "--username", superuser,
            "--auth", "scram-sha-256", "--data-checksums", "--encoding", "UTF8", "--locale", "C.UTF-8",
        ]  # fmt: skip
        files = {"password": f"{password}\n".encode()}
        with filesystem.temporary_folder(lambda _folder: files, readers=self.account.gid) as folder:
            result = self.account.run([*argv, "--pwfile", str(folder / "password")])
        if not result.ok:
            raise GroundworkError(
                f"initdb failed: {result.stderr.strip()}",
                where=str(self.layout.new_data),
                untouched="everything outside that folder",
                hint="Fix the cause and run again; the folder is made anew.",
            )
        with self.account.acting():
            main_file = self.layout.new_data / "postgresql.conf"
            filesystem.write(main_file, main_file.read_bytes() + b"\ninclude '../local.conf'\n")
            filesystem.rename(self.layout.new_data, self.layout.data.name)

    def create_first_user(self, port: int, name: str, password: str) -> None:
        """Nothing to do: initdb makes the first user together with the cluster."""

    def login_version(self, port: int, name: str, password: str) -> str:
        """Version that the server reports to its superuser: the proof that it serves and that the password is right."""
        from .._pg import api
        from .._pg import connection as options

        login = default_options(options.connection_argument_spec()) | {
            "login_host": "127.0.0.1",
            "login_port": port,
            "login_user": name,
            "login_password": password,
        }
        connection = api.connect(login, "postgres", "groundwork local_server")
        try:
            return str(connection.get_parameter_status("server_version")).split()[0]
        finally:
            connection.close()

    def start(self) -> None:
        service = PgCtl(self.bin / "pg_ctl", self.layout.data, self.account, self.layout.log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(GroundworkError):
                service.start()
                return
            log = self.layout.tail_of_log(self.account, lines=3)
            if not any(remnant in log for remnant in REMNANTS_OF_A_KILL) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        raise GroundworkError(
            f"{self.product} does not start. Its log ends with:\n{self.layout.tail_of_log(self.account)}",
            where=str(self.layout.log),
            untouched="the data folder",
            hint="Fix the cause that the log names and run again.",
        )

    def stop(self) -> None:
        # SIGINT is PostgreSQL's fast shutdown: sessions are ended, the data is left clean.
        end_process(self, signal.SIGINT)
