"""Every code that a module's ``error_code`` can hold, with what it means; docs/error-codes.md is written from it."""

from __future__ import annotations

import enum
import typing as t

_ANY = "Every module"
_APPLICATIONS = "Applications"
_HOST = "Hosts: files, packages, certificates and the kernel"
_CLUSTERS = "PostgreSQL: clusters, services and configuration"
_CONTENTS = "PostgreSQL: databases, roles, privileges and row security"
_PARTITIONS = "PostgreSQL: partitions"
_REPLICATION = "PostgreSQL: standbys and switchover"
_FLYWAY = "Migrations: Flyway's own codes"
_MIGRATION = "Migrations: PostgreSQL"
_CHANGES = "Migrations: MongoDB"
_MONGODB = "MongoDB: servers and configuration"
_REPLICA_SET = "MongoDB: replica sets"
_OBJECTS = "MongoDB: users, roles and collections"
_POOLERS = "PgBouncer"


class _NamedCodes(enum.EnumMeta):
    """The value of each member is its name and what it is assigned."""

    def __new__(cls, name: str, bases: tuple[type, ...], members: t.Any, **options: t.Any) -> _NamedCodes:
        for code in [code for code in members if code.isupper()]:
            dict.__setitem__(members, code, (code, *members[code]))
        return super().__new__(cls, name, bases, members, **options)


class ErrorCode(str, enum.Enum, metaclass=_NamedCodes):
    """What happened, and in which state things are left.

    A member is a text, so it compares and is written like its name on every version of Python.

    :ivar area: the heading that it stands under.
    :ivar meaning: one sentence.
    """

    area: str
    meaning: str

    def __new__(cls, code: str, area: str, meaning: str) -> ErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.area = area
        member.meaning = " ".join(meaning.split())
        return member

    def __str__(self) -> str:
        return str(self.value)

    @property
    def of_flyway(self) -> bool:
        """Whether the code is one of Flyway's, in Flyway's spelling."""
        return self.area == _FLYWAY

    # fmt: off
    ANSWER_REFUSED = _ANY, """A host answered with a fact that cannot be true for a host of its kind; nothing that
        the answer would have decided was written."""
    COMMAND_FAILED = _ANY, """A program of the host, such as systemctl or pg_createcluster, failed; the steps before
        it are done, those after it are not."""
    INVALID_INPUT = _ANY, "An option has a value that cannot be meant; nothing was changed."
    LOCKED = _ANY, "Another run holds the lock on the same object and did not release it in time; nothing was changed."
    NOT_CONVERGED = _ANY, """The changes were made, and the second look still differs from what is declared; what was
        done stays done."""
    NOT_WRITTEN = _ANY, "A file could not be written; the previous files are in place, and no server was touched."
    NO_ACCOUNT = _ANY, """An account that must own files or run a server does not exist on this host; nothing was
        changed."""
    NO_DRIVER = _ANY, """The Python driver of the database is missing on the host that runs the module; no session
        was opened."""
    NO_SYSTEMD = _ANY, "systemd does not answer on the host; nothing was changed."
    RELOAD_FAILED = _ANY, """A running server or pooler did not take its new configuration; it goes on serving with
        the one before."""
    SERVER_UNREACHABLE = _ANY, "A server does not answer, or refuses the login; nothing was changed."
    STATEMENT_FAILED = _ANY, """PostgreSQL refused a statement; its transaction was rolled back, and the message says
        what was done before it."""

    INVALID_APPLICATION = _APPLICATIONS, """The description of an application, or the variables that name the
        applications, are wrong; no server was touched."""
    APT_FAILED = _HOST, "apt or dpkg failed; the message names what it had begun."
    AUTHORITY_UNUSABLE = _HOST, """The certificate authority cannot sign: a file of it is missing, expired or of
        another key; no file was written."""
    CERTIFICATE_CHANGED_MEANWHILE = _HOST, """A certificate is no longer as this run wrote it; another process writes
        the same file."""
    DOWNGRADE_REFUSED = _HOST, "An older version than the installed one is wanted; nothing was changed."
    FILE_CHANGED_MEANWHILE = _HOST, "A file is no longer as this run wrote it; another process writes the same file."
    FILE_NOT_VALID = _HOST, "The validation of a file's new content refused it; the file is as before."
    INVALID_CERTIFICATE = _HOST, "A certificate is described in a way that cannot be issued; no file was written."
    INVALID_FILE = _HOST, "A file is described in a way that cannot be brought to state; no file was written."
    INVALID_KERNEL_SETTING = _HOST, "A setting of the kernel is described wrongly; nothing was set."
    INVALID_PACKAGE = _HOST, "A package or repository is described wrongly; nothing was installed."
    KERNEL_NOT_PERMITTED = _HOST, """This host may not change a setting of the kernel, a container for example;
        nothing was set."""
    KERNEL_REFUSED = _HOST, "The kernel does not take the value of a setting; this setting is as before."
    LINK_REFUSED = _HOST, """A path leads over a link that the owner of the files does not control or cannot read; it
        was not followed."""
    NOT_ROOT = _HOST, "The module runs neither as root nor as the account it works for; nothing was changed."
    NO_APT = _HOST, "The host has no apt; only Debian and its derivatives are supported, and nothing was changed."
    NO_LOCK_FOLDER = _HOST, "The folder of the run locks is not a closed folder of this account; nothing was changed."
    PACKAGES_LOCKED = _HOST, "Another package run holds the lock of apt or dpkg; every package is as before."
    PACKAGES_UNRESOLVABLE = _HOST, """apt finds no set of packages that fits what is declared; every package is as
        before."""
    PACKAGE_UNKNOWN = _HOST, "No repository of the host offers a declared package; every package is as before."
    RECOVERY_FAILED = _HOST, """An interrupted package run could not be finished; the packages it had begun are
        unfinished."""
    REPOSITORY_FAILED = _HOST, "apt cannot use a declared repository; packages and sources are as before."
    SECRETS_DIFFER = _HOST, "Secrets lie in the former and in the present folder, and they differ; neither was changed."
    SECRETS_NOT_MOVED = _HOST, """Generated secrets could not be moved to their present folder; the former folder
        holds them unless the present one is complete."""
    UNASKED_CHANGES = _HOST, "apt would remove or change packages that were not declared; every package is as before."
    UNREADABLE_CERTIFICATES = _HOST, "A certificate or key cannot be read; no file was written."
    UNREADABLE_FILE = _HOST, "A file of the host cannot be read; no file was written."
    UNREADABLE_SECRETS = _HOST, "Generated secrets cannot be read; none was generated anew."
    UNWRITABLE_CERTIFICATES = _HOST, "The folder of the certificates cannot be created; no file was written."
    VERSION_UNKNOWN = _HOST, """No repository of the host offers a package in the declared version; every package is
        as before."""

    BAD_CONFIGURATION = _CLUSTERS, """The server cannot work out the shared memory of its configuration; nothing was
        changed."""
    CLUSTER_MISSING = _CLUSTERS, "A cluster to be configured does not exist; nothing was changed."
    CONFIGURATION_REFUSED = _CLUSTERS, "A new configuration cannot be used; the previous files are in force."
    CREATE_FAILED = _CLUSTERS, "A cluster could not be created; the other clusters are as before."
    DISK_FULL = _CLUSTERS, "A cluster could not be created because its disk is full; the other clusters are as before."
    LOCALE_FAILED = _CLUSTERS, "A locale could not be generated; the clusters are as before."
    MEMORY_OVERSUBSCRIBED = _CLUSTERS, """The clusters of a host claim more than its memory; no configuration was
        written."""
    NOT_CHANGED = _CLUSTERS, """The owner or mode of a file or folder could not be changed; its contents are as
        before, and later steps were not run."""
    OUTSIDE_UNIT = _CLUSTERS, "A server runs outside its systemd unit; no server was touched."
    REFUSED = _CLUSTERS, "A cluster cannot become what is declared without losing data, or at all; nothing was changed."
    RESTORED = _CLUSTERS, """A server did not start with its new configuration; the last configuration that worked is
        in force again."""
    SERVER_DOWN = _CLUSTERS, """A server is down and starts neither with its new nor with its last configuration; its
        data is untouched."""
    SHARE_TOO_SMALL = _CLUSTERS, """A cluster's share of the memory is too small to tune it; no configuration was
        written."""
    START_FAILED = _CLUSTERS, "A server did not start; its data and the other servers are untouched."
    UNKNOWN_LOCALE = _CLUSTERS, "The C library knows no locale of the declared name; nothing was changed."
    UNPRINTABLE_PATH = _CLUSTERS, "A cluster names a folder with a control character; nothing was changed."
    WOULD_NOT_START = _CLUSTERS, """A server was not restarted because it would not start with its configuration; it
        goes on running."""

    BAD_POLICY = _CONTENTS, "A policy is declared wrongly; no table was changed."
    GRANTED_ONWARD = _CONTENTS, "A privilege to be revoked was granted onward by its holder; nothing was written."
    IMMUTABLE = _CONTENTS, """An option of an existing database differs, and PostgreSQL fixes it at creation; nothing
        was written."""
    NOT_A_MEMBER = _CONTENTS, "The login role is not a member of a role that it must act for; nothing was written."
    NO_AUTH_USER = _CONTENTS, "The role that PgBouncer looks up passwords with does not exist; nothing was written."
    NO_SECRETS_TO_READ = _CONTENTS, """The login cannot read pg_authid, so the lookup function could not either;
        nothing was written."""
    NO_SUCH_TABLE = _CONTENTS, "A declared table does not exist; nothing was written."
    OWN_DATABASE = _CONTENTS, "The database of the session itself cannot be dropped; nothing was written."
    OWN_ROLE = _CONTENTS, "The role of the session itself cannot be dropped; nothing was written."
    POLICY_FAILED = _CONTENTS, """PostgreSQL refused a change of row security; the message names the tables that were
        changed before."""
    ROLE_IN_USE = _CONTENTS, "A role to be dropped still owns objects or holds privileges; nothing was written."
    STANDBY = _CONTENTS, "The server is a standby and cannot be written to; nothing was written."
    UNKNOWN_EXTENSION = _CONTENTS, "The server has no files for a declared extension; nothing was written."
    UNKNOWN_OBJECT = _CONTENTS, "An object that privileges are declared on does not exist; nothing was written."
    UNKNOWN_ROLE = _CONTENTS, "A role that is referred to neither exists nor is declared; nothing was written."
    UNKNOWN_SCHEMA = _CONTENTS, "A schema that is referred to neither exists nor is declared; nothing was written."
    UNKNOWN_TEMPLATE = _CONTENTS, "The template of a new database does not exist; nothing was written."

    BAD_PARTITION_POLICY = _PARTITIONS, "The declaration of a table's partitions is wrong; no session was opened."
    DETACHED_NOT_DROPPED = _PARTITIONS, """A partition was detached and not dropped; it is a table of its own and
        holds all of its rows."""
    NAME_TAKEN = _PARTITIONS, "Another relation has the name of a wanted partition; nothing was written."
    NOT_BY_TIME = _PARTITIONS, "A table is not partitioned by time in the declared way; nothing was written."
    PARTITION_FAILED = _PARTITIONS, """PostgreSQL refused a change of a partition; the message says which changes
        were made before."""
    PARTITION_OF_ANOTHER_OWNER = _PARTITIONS, """A partition to be dropped belongs to another role than its table;
        nothing was written."""
    PARTLY_COVERED = _PARTITIONS, "Existing partitions cover a part of a wanted interval only; nothing was written."
    ROWS_IN_DEFAULT = _PARTITIONS, "The default partition holds rows of a wanted partition; nothing was written."
    UNKNOWN_TIME_ZONE = _PARTITIONS, "The server does not know the declared time zone; nothing was written."

    STANDBY_COPY_FAILED = _REPLICATION, """pg_basebackup failed; the primary and the other members are untouched,
        this standby has no complete copy."""
    STANDBY_COPY_RUNNING = _REPLICATION, "Another run copies the primary into the same folder; nothing was changed."
    STANDBY_DIVERGED = _REPLICATION, """A standby has a history that its primary does not have; it goes on answering
        queries with what it holds."""
    STANDBY_FOLDER_FOREIGN = _REPLICATION, """A link in the data folder leads to a folder of another account; nothing
        was changed."""
    STANDBY_FOLDER_NOT_EMPTY = _REPLICATION, "A folder for the standby is not empty; nothing was changed."
    STANDBY_OTHER_CLUSTER = _REPLICATION, """The primary has another system identifier than the standby; nothing was
        changed."""
    STANDBY_PROGRAMS_MISSING = _REPLICATION, "PostgreSQL's programs cannot be run on the host; nothing was changed."
    STANDBY_REWIND_FAILED = _REPLICATION, """pg_rewind failed; the primary and the other members are untouched, and
        damaged in the result says whether this data folder is."""
    STANDBY_SLOT_LOST = _REPLICATION, """The primary no longer has the WAL that the standby needs; the standby goes
        on answering queries with what it holds."""
    STANDBY_SLOT_REFUSED = _REPLICATION, """The primary does not reserve the slot of the standby; the data folder is
        as before."""
    STANDBY_SOURCE_UNREACHABLE = _REPLICATION, "No given host answers as the primary to copy; nothing was changed."
    SWITCHOVER_NO_PRIMARY = _REPLICATION, """The switchover failed, and the old primary does not start again; no
        member was promoted and the old primary has every row."""
    SWITCHOVER_REFUSED = _REPLICATION, "The members are in no state for a switchover; the primary goes on serving."
    SWITCHOVER_ROLLED_BACK = _REPLICATION, "The switchover failed before the promotion; the old primary serves again."
    SWITCHOVER_UNCERTAIN = _REPLICATION, """It is unknown whether the target was promoted; the old primary is stopped
        and must not be started before that is known."""

    APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED = _FLYWAY, """The file of an applied repeatable migration is gone;
        nothing was run."""
    APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED = _FLYWAY, """The file of an applied versioned migration is gone;
        nothing was run."""
    CHECKSUM_MISMATCH = _FLYWAY, "A migration's file was edited after it was applied; nothing was run."
    DESCRIPTION_MISMATCH = _FLYWAY, "A migration's description differs from the one in the history; nothing was run."
    DUPLICATE_DELETED_MIGRATION = _FLYWAY, "The history holds several deletions of one version; nothing was run."
    DUPLICATE_REPEATABLE_MIGRATION = _FLYWAY, "Two repeatable migrations have the same description; nothing was run."
    DUPLICATE_VERSIONED_MIGRATION = _FLYWAY, "Two versioned migrations have the same version; nothing was run."
    FAILED_REPEATABLE_MIGRATION = _FLYWAY, "The history holds a failed repeatable migration; nothing was run."
    FAILED_VERSIONED_MIGRATION = _FLYWAY, "The history holds a failed versioned migration; nothing was run."
    NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE = _FLYWAY, """The schema holds objects and no history table;
        nothing was run."""
    OUTDATED_REPEATABLE_MIGRATION = _FLYWAY, """A repeatable migration changed since it was applied and must run
        again; nothing was run."""
    RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED = _FLYWAY, "A repeatable migration was not applied; nothing was run."
    RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED = _FLYWAY, """A versioned migration was not applied, or its version is
        lower than one already applied; nothing was run."""
    SCHEMA_DOES_NOT_EXIST = _FLYWAY, """A schema of the migrations does not exist and may not be created; nothing was
        run."""
    TYPE_MISMATCH = _FLYWAY, "A migration's type differs from the one in the history; nothing was run."
    VALIDATE_ERROR = _FLYWAY, """Several migrations do not validate, a file name is invalid, or the target does not
        exist; nothing was run."""

    CLEAN_DISABLED = _MIGRATION, "Dropping the schemas is disabled; nothing was dropped."
    CLEAN_NOT_CONFIRMED = _MIGRATION, "Dropping the schemas was not confirmed; nothing was dropped."
    CONNECTION_LOST = _MIGRATION, "The connection broke during a migration; the server rolls the open transaction back."
    DEADLINE = _MIGRATION, """The time allowed for the run was over before the next script; that script and those
        after it were not run."""
    ENCODING_MISMATCH = _MIGRATION, """A script sets another client_encoding than its file is read with; the database
        is as before."""
    FAILED_MIGRATION = _MIGRATION, """A statement of a migration failed; the message says what was rolled back and
        what stands."""
    FINISHED_STATEMENT_EDITED = _MIGRATION, """A statement that an interrupted run had finished was edited or
        removed; nothing was run."""
    INVALID_INDEX = _MIGRATION, """An index exists, is not valid, and another session is building it; the index was
        not touched."""
    LINT = _MIGRATION, "The linter found dangerous statements in pending scripts; nothing was run."
    LINT_LEVEL_UNKNOWN = _MIGRATION, "A lint rule cannot have the declared level; nothing was run."
    LINT_RULE_UNKNOWN = _MIGRATION, "A lint rule of the declared name does not exist; nothing was run."
    MIXED_MIGRATION = _MIGRATION, """Statements that need a transaction and statements that cannot have one are
        mixed; the database is as before."""
    POOLED_CONNECTION = _MIGRATION, """The connection goes through a pooler in transaction mode, where a session's
        lock does not hold; the database is as before."""
    RUN_LOCK_RELEASED = _MIGRATION, """A script would release, or the session has lost, the lock that keeps other
        runs out; the message says what stands."""
    SCAN_ERROR = _MIGRATION, "A script cannot be split into statements; no statement of it was run."
    SERVER_ERROR = _MIGRATION, """The server refused a statement of the module itself; what was not finished was
        rolled back."""
    TRANSACTION_CONTROL = _MIGRATION, """A script controls a transaction or a session setting that belongs to the
        module; the database is as before."""
    UNDO_CHECKSUM_MISMATCH = _MIGRATION, """An undo script was edited after its migration was applied; nothing was
        undone."""
    UNDO_SCRIPT_MISSING = _MIGRATION, "An applied version has no undo script; nothing was undone."

    BATCH_TOO_SLOW = _CHANGES, "A batch takes longer than the lease of the lock; what is recorded is done."
    INVALID_CHANGE_FILE = _CHANGES, "A change file has a wrong name or content; nothing was run."
    LOCK_LOST = _CHANGES, "Another run took over the lock during the run; what is done is recorded."
    MALFORMED_CHANGE_FILE = _CHANGES, "A change file cannot be read as YAML; nothing was run."
    OPERATION_REFUSED = _CHANGES, """The server refuses an operation of a change file; the operations before it are
        done and recorded."""

    CONTRADICTION = _MONGODB, "Options of TLS contradict each other; nothing was changed."
    EXTENDED_JSON = _MONGODB, "A value in Extended JSON is malformed; nothing was written."
    FOREIGN_PACKAGES = _MONGODB, "Packages of another MongoDB are installed; the server and its packages are as before."
    INVALID_OPTIONS = _MONGODB, "connection_options hold a password; nothing was changed."
    INVALID_SETTING = _MONGODB, """mongod does not know a setting or refuses its value; the server keeps its
        configuration."""
    LOW_FCV = _MONGODB, """The feature compatibility version is too low for the wanted release; the server and its
        packages are as before."""
    MAJOR_UPGRADE = _MONGODB, """Another release is wanted, and the upgrade is not allowed by its variable; the
        server and its packages are as before."""
    MEMBERS_APART = _MONGODB, """Not every member would understand this one at its next stage of TLS; no stage was
        changed."""
    MIXED_RELEASES = _MONGODB, """The installed packages are of several releases; the server and its packages are as
        before."""
    OTHER_KEY = _MONGODB, "The host holds another key file than the declared one; nothing was changed."
    SKIPPED_RELEASE = _MONGODB, "An upgrade would skip a release; the server and its packages are as before."
    STAGES_TOO_FAR_APART = _MONGODB, """The members are at stages of TLS that no interrupted run leaves; nothing was
        changed."""
    TLS_UNKNOWN = _MONGODB, "The server did not answer a TLS handshake in time; no login was sent."
    UNKNOWN_FCV = _MONGODB, """The feature compatibility version could not be read; the server and its packages are
        as before."""
    UNSAFE_SETTING = _MONGODB, "A setting would make the server unsafe; the server keeps its configuration."
    VERSION = _MONGODB, """The declared version does not belong to the declared release; the server and its packages
        are as before."""

    ALREADY_INITIATED = _REPLICA_SET, "Another member already belongs to the replica set; this one was not initiated."
    CONCURRENT_CHANGES = _REPLICA_SET, """Another session changes the same configuration, users or roles; what was
        done stays done."""
    CONFIRMATION_NEEDED = _REPLICA_SET, """A change of the feature compatibility version needs a confirmation;
        nothing was written."""
    DEGRADED = _REPLICA_SET, """A member is down or not in step, so the set is not changed; the result lists what was
        postponed."""
    GATE_CLOSED = _REPLICA_SET, "The replica set cannot spare this member now; the member was not touched."
    HOST_REFUSED = _REPLICA_SET, """A declared host is another server than it must be, or cannot be a member; the set
        is as before."""
    IMMUTABLE_FIELD = _REPLICA_SET, "A field of a member cannot be changed in a replica set; nothing was written."
    INVALID_DECLARATION = _REPLICA_SET, """The declaration of members, users, roles or collections is wrong in
        itself; nothing was written."""
    LOGIN_REFUSED = _REPLICA_SET, """The server refuses the login of the administrator; the message says what was
        done before."""
    MEMBERS_UNREACHABLE = _REPLICA_SET, """A declared member does not answer and could hold the replica set already;
        nothing was initiated."""
    MIXED_VERSIONS = _REPLICA_SET, """Members run different releases, so the feature compatibility version stays;
        nothing was written."""
    NOT_ELECTABLE = _REPLICA_SET, "The member to initiate the set on may not become its primary; nothing was initiated."
    NOT_INITIATED = _REPLICA_SET, """The replica set is not initiated and may not be initiated by this run; nothing
        was changed."""
    NOT_ON_THE_PRIMARY = _REPLICA_SET, "The first user can only be created on the primary; nothing was changed."
    NO_PRIMARY = _REPLICA_SET, """The replica set has no primary and elected none in time; the result lists the steps
        that are done."""
    PRIMARY_IN_THE_WAY = _REPLICA_SET, "The primary is the member to be changed; nothing was changed."
    REPLICA_SET_MISMATCH = _REPLICA_SET, """The server belongs to another replica set than declared, or to none;
        nothing was changed."""
    STEP_FAILED = _REPLICA_SET, """A step of a change of the replica set failed without a code of its own; the result
        lists the steps that are done."""
    TIMEOUT = _REPLICA_SET, "A member did not reach a state in time; the result lists the steps that are done."

    BUILTIN_ROLE = _OBJECTS, "A declared role is built into the server and cannot be changed; nothing was written."
    CANNOT_READ_ROLES = _OBJECTS, "The login may not read the declared roles; nothing was written."
    CANNOT_READ_USERS = _OBJECTS, "The login may not read the declared users; nothing was written."
    COMMIT_QUORUM = _OBJECTS, "A commit quorum needs a replica set of MongoDB; nothing was written."
    DOCUMENTS_IN_THE_WAY = _OBJECTS, "Existing documents do not fit a declared index or rule; nothing was written."
    IMPOSSIBLE_DECLARATION = _OBJECTS, """The declaration does not fit the users and roles of the server; nothing was
        written."""
    PLAN_REFUSED = _OBJECTS, "The declaration does not fit the existing collections; nothing was written."
    PROFILE = _OBJECTS, "The declaration is impossible on this engine and version; nothing was written."
    SERVER_REFUSED = _OBJECTS, """MongoDB refused a change, with its number in server_code; the result lists what was
        done before."""

    BAD_HBA = _POOLERS, "A line of the pooler's access rules is wrong; the running pooler was not touched."
    CANNOT_LISTEN = _POOLERS, "The pooler could not listen on a declared address; nothing was changed."
    DUPLICATE_NAME = _POOLERS, "A name is declared more than once; nothing was changed."
    NOT_APPLIED = _POOLERS, "A process runs, and not with the declared configuration; its connections go on."
    NOT_RESUMED = _POOLERS, "The poolers are still paused."
    NOT_STARTED = _POOLERS, "A process of the pooler does not start; the other processes are untouched."
    NO_CERTIFICATE = _POOLERS, "A file of the pooler's TLS cannot be read; nothing was changed."
    PLAINTEXT = _POOLERS, "Clients could connect without TLS over the network; nothing was changed."
    POOLS_TOO_LARGE = _POOLERS, "The pools can grow beyond the connections that the server has; nothing was changed."
    POOLS_UNBOUNDED = _POOLERS, "The number of connections that the poolers open has no bound; nothing was changed."
    RESTART_NEEDED = _POOLERS, """A process that the module does not run must be restarted; the running processes go
        on as they were."""
    STILL_BUSY = _POOLERS, "Transactions or sessions did not end in time; they go on."
    TAKE_OVER = _POOLERS, "A pooler that this module did not set up serves clients on the host; nothing was changed."
    TRIAL_FAILED = _POOLERS, "PgBouncer does not start with the new configuration; nothing was changed."
    UNKNOWN_SETTING = _POOLERS, "The installed PgBouncer does not know a setting; nothing was changed."
    UNVERIFIED_SERVER = _POOLERS, """The pooler would not verify the server that it connects to over the network;
        nothing was changed."""
    VERSION_TOO_OLD = _POOLERS, "The installed PgBouncer is too old; nothing was changed."
