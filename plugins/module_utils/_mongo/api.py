"""The only file that imports the MongoDB driver. Works with pymongo 3.11 and with 4.x."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import sys
import time
import traceback
import typing as t

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .connection import client_parameters, server_address

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

try:
    import bson.errors
    import pymongo
    import pymongo.errors
    from bson import encode, json_util

    DRIVER_IMPORT_ERROR = None
except ImportError:
    DRIVER_IMPORT_ERROR = traceback.format_exc()

MINIMUM_DRIVER = (3, 11)

AUTHENTICATION_FAILED = 18
# For a user that does not exist the driver falls back to SCRAM-SHA-1, and a server may have that turned off.
MECHANISM_UNAVAILABLE = 334
UNAUTHORIZED = 13
COMMAND_NOT_FOUND = 59

# A set notices that its primary is gone after electionTimeoutMillis, 10 s unless it is changed, and then votes.
ELECTION_SECONDS = 60

MAXIMUM_DOCUMENT_BYTES = 16 * 1024 * 1024

# Answers of a server that is no longer, or not yet, the primary, or that is going down. Another attempt can succeed.
# Source: the driver specification "Server Discovery And Monitoring", section on "not writable primary" errors.
NOT_PRIMARY_CODES = frozenset({10107, 13435, 11602, 13436, 189, 91, 11600, 10058})

# Values that JSON cannot hold, in the form of MongoDB Extended JSON v2. Query operators ($regex, $type) are not among
# them.
EXTENDED_JSON_KEYS = frozenset({
    "$oid", "$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$regularExpression", "$uuid",
    "$binary", "$timestamp", "$minKey", "$maxKey", "$code", "$symbol",
})


class ServerUnreachable(GroundworkError):
    """No server that can take writes was found; nothing was sent."""


class AuthenticationFailed(ServerUnreachable):
    """The server answered and refused the credentials."""


class ConnectionLost(GroundworkError):
    """The primary went away in mid-command: whether the command took effect is not known."""


#: What a command raises when its primary goes, during the command or before it: another one is to be awaited.
PRIMARY_LOST = (ConnectionLost, ServerUnreachable)


class ServerRefused(GroundworkError):
    """The server answered a command with an error.

    :ivar server_code: MongoDB's error number, 0 when there was none.
    :ivar server_message: the server's own words.
    :ivar reply: the whole answer, as plain data.
    """

    def __init__(
        self, what: str, server_code: int, server_message: str, reply: dict[str, t.Any], **parts: t.Any
    ) -> None:
        super().__init__(what, **parts)
        self.server_code = server_code
        self.server_message = server_message
        self.reply = reply


@dataclasses.dataclass(frozen=True)
class ServerFacts:
    """What the server says about itself.

    :param version: the server's version, three numbers at most.
    :param engine: ``mongodb`` or ``documentdb``.
    :param replica_set: name of its replica set, ``None`` for a single server.
    """

    version: tuple[int, ...]
    engine: str
    replica_set: str | None

    @property
    def version_text(self) -> str:
        return ".".join(str(part) for part in self.version)


def require_driver(module: AnsibleModule) -> None:
    """Fail with installation advice unless pymongo 3.11 or later can be imported."""
    from ansible.module_utils.basic import missing_required_lib

    if DRIVER_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("pymongo >= 3.11"), exception=DRIVER_IMPORT_ERROR)
    if pymongo.version_tuple[:2] < MINIMUM_DRIVER:
        module.fail_json(msg=f"pymongo {pymongo.version} is too old, this module needs 3.11 or later.")


def connect(options: dict[str, t.Any], application_name: str = "groundwork.databases") -> Server:
    """Open a client and make sure that its credentials are accepted.

    :param options: the module's parameters, see ``connection_argument_spec``.
    :raises AuthenticationFailed: the server refuses the credentials.
    :raises ServerUnreachable: the options are malformed, or no primary was found within ``connect_timeout``; where
        members of the set answer, ``ELECTION_SECONDS`` later.
    """
    return _opened(options, application_name, _read_facts)


def connect_member(options: dict[str, t.Any], application_name: str = "groundwork.databases") -> Server:
    """Open a client to the one host of the options, whatever its place in a replica set, initiated or not.

    :raises AuthenticationFailed: the server refuses the credentials.
    :raises ServerUnreachable: the options are malformed, or the server does not answer within ``connect_timeout``.
    """
    return _opened({**options, "login_uri": None, "replica_set": None}, application_name, _read_member_facts)


def _opened(
    options: dict[str, t.Any], application_name: str, read_facts: t.Callable[[Server], ServerFacts]
) -> Server:
    hosts, parameters = client_parameters(options)
    where = server_address(options)
    untouched = "everything; no session was opened"
    try:
        client = pymongo.MongoClient(hosts, appname=application_name, **parameters)
    except (pymongo.errors.PyMongoError, ValueError, TypeError, OSError) as error:
        # The driver may quote parts of a malformed connection string, and with it a password.
        text = type(error).__name__ if options["login_uri"] else " ".join(str(error).split())
        raise ServerUnreachable(
            f"The connection options are not valid: {text}", where=where, untouched=untouched,
            hint="Check login_uri, the TLS files and connection_options; percent-encode a password in a URI.",
        ) from None
    _end_without_waiting()
    server = Server(client, where)
    try:
        server.facts = _facts_after_an_election(server, read_facts)
    except BaseException:
        client.close()
        raise
    return server


def _facts_after_an_election(server: Server, read_facts: t.Callable[[Server], ServerFacts]) -> ServerFacts:
    try:
        return read_facts(server)
    except ServerUnreachable:
        if not server.lacks_only_a_primary:
            raise
    server.wait_for_primary(ELECTION_SECONDS)
    return read_facts(server)


def _end_without_waiting() -> None:
    """Spare every module call half a second: at the end of a process the driver waits for threads that only sleep.

    They are daemons and end with the process. A driver that keeps its waiting elsewhere goes on waiting.
    """
    for name in ("pymongo.monitor", "pymongo.synchronous.monitor"):
        waiting = getattr(sys.modules.get(name), "_shutdown_resources", None)
        if waiting:
            atexit.unregister(waiting)


def _read_facts(server: Server) -> ServerFacts:
    build, hello = _build_and_hello(server)
    if not hello["isWritablePrimary"]:
        raise ServerUnreachable(
            "This server is a secondary: it cannot be changed.", where=server.where, untouched="everything",
            hint=f"Set replica_set to {hello.get('setName')}, or login_host to the primary {hello.get('primary')}.",
        )
    return ServerFacts(_version(build), _engine(server, build), hello.get("setName"))


def _read_member_facts(server: Server) -> ServerFacts:
    build, hello = _build_and_hello(server)
    return ServerFacts(_version(build), "mongodb", hello.get("setName"))


def _build_and_hello(server: Server) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    try:
        build = server.run("admin", {"buildInfo": 1})
    except ServerRefused as error:
        raise _login_error(error, server.where) from None
    except ConnectionLost as error:
        raise ServerUnreachable(
            error.what, where=server.where, untouched="everything; nothing was sent",
            hint="Check login_host, login_port, replica_set and TLS, and that the server runs.",
        ) from None
    return build, server.hello()


def _version(build: dict[str, t.Any]) -> tuple[int, ...]:
    return tuple(int(part) for part in str(build["version"]).split("-", maxsplit=1)[0].split(".")[:3])


def _engine(server: Server, build: dict[str, t.Any]) -> str:
    if "storageEngines" in build:
        return "mongodb"
    # Only Amazon DocumentDB knows this command (its release notes give it as the way to read the patch version).
    try:
        server.run("admin", {"getEngineVersion": 1})
    except ServerRefused:
        return "mongodb"
    return "documentdb"


def _login_error(error: ServerRefused, where: str) -> GroundworkError:
    if error.server_code in (AUTHENTICATION_FAILED, MECHANISM_UNAVAILABLE):
        return AuthenticationFailed(
            f"The server refuses the login: {error.server_message}", where=where,
            untouched="everything; no session was opened",
            hint="Check login_user, login_password, login_database and auth_mechanism.",
        )
    return error


class Server:
    """One client. Commands go in and come out as plain data, errors as ``GroundworkError``.

    :ivar round_trips: commands sent so far.
    """

    facts: ServerFacts

    def __init__(self, client: t.Any, where: str) -> None:
        self.client = client
        self.where = where
        self.round_trips = 0
        self._session: t.Any = None

    def close(self) -> None:
        self.client.close()

    def run(self, database: str, command: dict[str, t.Any], *, write: bool = False) -> dict[str, t.Any]:
        """Send one command to the primary and return its answer as plain data.

        :param write: add write concern ``majority``; the driver does not do so for commands.
        :raises ServerRefused: the server answered with an error.
        :raises ConnectionLost: the primary was lost before the answer came.
        """
        document = as_bson(command)
        if write:
            document["writeConcern"] = self._write_concern()
        self.round_trips += 1
        with self._translated(database, command):
            return as_plain(self.client[database].command(document))

    def rows(self, database: str, command: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """Every document of a command that answers with a cursor.

        :raises ServerRefused: the server answered with an error.
        :raises ConnectionLost: the primary was lost before the last document came.
        """
        handle = self.client[database]
        # The server insists on one session for a cursor and its continuations.
        with self._translated(database, command), self.client.start_session() as session:
            self.round_trips += 1
            cursor = handle.command(as_bson(command), session=session)["cursor"]
            rows = list(cursor["firstBatch"])
            collection = cursor["ns"].partition(".")[2]
            while cursor["id"]:
                self.round_trips += 1
                more = {"getMore": cursor["id"], "collection": collection}
                cursor = handle.command(more, session=session)["cursor"]
                rows += cursor["nextBatch"]
        return [as_plain(row) for row in rows]

    def together(
        self,
        database: str,
        first: dict[str, t.Any],
        then: t.Callable[[dict[str, t.Any]], dict[str, t.Any]],
        check: t.Callable[[dict[str, t.Any]], None],
    ) -> dict[str, t.Any]:
        """Send two commands in one transaction: both take effect, or none. Needs a replica set.

        What ``then`` and ``check`` raise ends the transaction without effect.

        :param then: makes the second command from the answer to the first.
        :param check: given the answer to the second command, before the commit.
        :return: the answer to the first command.
        :raises ServerRefused: the server answered with an error.
        :raises ConnectionLost: the primary was lost before the answer came; whether it took effect is not known.
        """
        handle = self.client[database]

        def body(session: t.Any) -> dict[str, t.Any]:
            self.round_trips += 2
            reply = as_plain(handle.command(as_bson(first), session=session))
            check(as_plain(handle.command(as_bson(then(reply)), session=session)))
            return t.cast("dict[str, t.Any]", reply)

        # The driver repeats the transaction when another one was in its way, and the commit when its answer was lost.
        with self._translated(database, first):
            return t.cast("dict[str, t.Any]", self._transaction_session().with_transaction(body))

    def transaction_session_id(self) -> dict[str, t.Any]:
        """Names the session of all transactions of this client, for ``end_session`` by another one."""
        return t.cast("dict[str, t.Any]", as_plain(self._transaction_session().session_id))

    def end_session(self, session_id: dict[str, t.Any]) -> None:
        """End the session of a client that has died, and with it the transaction that it may have left open.

        The server itself does so after a minute. It refuses unless the session is one of the same user's.
        """
        with contextlib.suppress(ServerRefused):
            self.run("admin", {"killSessions": [session_id]})

    def _transaction_session(self) -> t.Any:
        if self._session is None:
            self._session = self.client.start_session()
        return self._session

    def hello(self) -> dict[str, t.Any]:
        """What the server says about its place in a replica set, in today's words also where it uses the old ones."""
        try:
            return self.run("admin", {"hello": 1})
        except ServerRefused as error:
            if error.server_code != COMMAND_NOT_FOUND:
                raise
        answer = self.run("admin", {"isMaster": 1})
        return {**answer, "isWritablePrimary": answer.get("ismaster", False)}

    @property
    def lacks_only_a_primary(self) -> bool:
        """Members of the replica set answer, and none of them is primary: as long as they elect one."""
        return bool(self.client.secondaries)

    def wait_for_primary(self, seconds: float) -> None:
        """Return as soon as a primary answers.

        :raises ServerUnreachable: none did within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.hello()["isWritablePrimary"]:
                    return
            except (ConnectionLost, ServerRefused, ServerUnreachable):
                pass
            if time.monotonic() > deadline:
                raise ServerUnreachable(
                    f"No primary answered within {seconds:g} s.", where=self.where,
                    hint="Run again once there is one: what is done is kept and not done twice. A replica set elects"
                    " one while a majority of its voting members is up.",
                )
            time.sleep(0.2)

    def _write_concern(self) -> dict[str, t.Any]:
        document = dict(self.client.write_concern.document)
        return document or {"w": "majority"}

    @contextlib.contextmanager
    def _translated(self, database: str, command: dict[str, t.Any]) -> t.Iterator[None]:
        name = next(iter(command), "")
        where = f"{self.where}, database {database}"
        try:
            yield
        except pymongo.errors.ServerSelectionTimeoutError as error:
            raise ServerUnreachable(
                f"No server that takes writes was found: {_short(str(error))}", where=self.where,
                untouched="everything this command would have changed",
                hint="Check login_host, login_port, replica_set and TLS, and that the server runs.",
            ) from None
        except pymongo.errors.OperationFailure as error:
            code = error.code or 0
            if code in NOT_PRIMARY_CODES:
                text = f"The primary stepped down during {name}: {_short(str(error))}"
                raise ConnectionLost(text, where=where) from None
            reply = as_plain(dict(error.details or {}))
            text = str(reply.get("errmsg") or error)
            raise ServerRefused(f"The server refuses {name}: {text}", code, text, reply, where=where) from None
        except pymongo.errors.ConnectionFailure as error:
            raise ConnectionLost(f"The connection was lost during {name}: {_short(str(error))}", where=where) from None
        except (pymongo.errors.PyMongoError, bson.errors.BSONError, OverflowError) as error:
            text = f"{name} could not be sent: {_short(str(error))}"
            raise ServerRefused(text, 0, str(error), {}, where=where) from None


def _short(text: str) -> str:
    # The driver appends its whole view of the topology, which says nothing to a person on call.
    for tail in (", Timeout:", "Topology Description", "(configured timeouts"):
        text = text.partition(tail)[0]
    return " ".join(text.split()).rstrip(" ,")


def one_notation(value: t.Any, where: str) -> t.Any:
    """Extended JSON as ``as_plain`` writes it, from any notation: dates in another time zone, numbers as texts.

    :param where: the option that has it.
    :raises GroundworkError: something looks like Extended JSON and is none.
    """
    try:
        return as_plain(as_bson(value))
    except (ValueError, TypeError, KeyError, ArithmeticError, bson.errors.BSONError) as error:
        raise GroundworkError(
            f"A value in Extended JSON is malformed: {error}", where=where, untouched="everything; nothing was written",
            hint="Dates are written as {$date: '2024-01-31T12:00:00Z'}, object ids as {$oid: <24 hexadecimal digits>}.",
            code=ErrorCode.EXTENDED_JSON,
        ) from None


def as_plain(value: t.Any) -> t.Any:
    """BSON data as dictionaries, lists, strings, numbers, booleans and ``None``; other types as Extended JSON v2."""
    if isinstance(value, dict):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value
    return as_plain(json_util.default(value, json_util.RELAXED_JSON_OPTIONS))


def as_bson(value: t.Any) -> t.Any:
    """The reverse of ``as_plain``: what is written as Extended JSON v2 becomes the value that it stands for."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in EXTENDED_JSON_KEYS:
            inner = {key: as_bson(item) for key, item in value.items()}
            return json_util.object_hook(inner, json_util.RELAXED_JSON_OPTIONS)
        return {key: as_bson(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_bson(item) for item in value]
    return value


def invalid_value(value: t.Any) -> str | None:
    """Why a value cannot be sent, ``None`` when it can: malformed Extended JSON, too large a number, too long."""
    try:
        size = len(encode({"value": as_bson(value)}))
    except Exception as error:
        # The driver has no common class for what can be wrong with a value: bson.errors, ValueError, OverflowError.
        return " ".join(str(error).split()) or type(error).__name__
    return None if size <= MAXIMUM_DOCUMENT_BYTES else f"{size} bytes are more than the 16 MiB of a document"
