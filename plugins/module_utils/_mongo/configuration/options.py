"""The options that mongod.conf may hold, by MongoDB release.

Sources: the option names that the server's own executable registers (6.0), the manual's page "Self-Managed
Configuration File Options", and "Compatibility Changes in MongoDB 7.0" (free monitoring and ``storage.journal.enabled``
are gone).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.errors import GroundworkError

Release = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of the file.

    :param kind: ``str``, ``int``, ``float``, ``bool``, ``list`` (of texts) or ``map`` (of anything).
    :param choices: the values that the server takes, empty for any.
    :param since: the first release that knows it.
    """

    kind: str = "str"
    choices: tuple[str, ...] = ()
    since: Release = (0, 0)


TEXT, WHOLE, NUMBER, SWITCH = Option(), Option("int"), Option("float"), Option("bool")


def _one_of(*choices: str) -> Option:
    return Option("str", choices)


COMPRESSORS = ("none", "snappy", "zlib", "zstd")

OPTIONS: dict[str, Option] = {
    "net.bindIp": TEXT,
    "net.bindIpAll": SWITCH,
    "net.compression.compressors": TEXT,
    "net.ipv6": SWITCH,
    "net.listenBacklog": WHOLE,
    "net.maxIncomingConnections": WHOLE,
    "net.maxIncomingConnectionsOverride": Option("list"),
    "net.port": WHOLE,
    "net.reservedAdminThreads": WHOLE,
    "net.tls.CAFile": TEXT,
    "net.tls.CRLFile": TEXT,
    "net.tls.allowConnectionsWithoutCertificates": SWITCH,
    "net.tls.allowInvalidCertificates": SWITCH,
    "net.tls.allowInvalidHostnames": SWITCH,
    "net.tls.certificateKeyFile": TEXT,
    "net.tls.certificateKeyFilePassword": TEXT,
    "net.tls.clusterAuthX509.attributes": Option(since=(7, 0)),
    "net.tls.clusterAuthX509.extensionValue": Option(since=(7, 0)),
    "net.tls.clusterCAFile": TEXT,
    "net.tls.clusterFile": TEXT,
    "net.tls.clusterPassword": TEXT,
    "net.tls.disabledProtocols": TEXT,
    "net.tls.logVersions": TEXT,
    "net.tls.mode": _one_of("disabled", "allowTLS", "preferTLS", "requireTLS"),
    "net.unixDomainSocket.enabled": SWITCH,
    "net.unixDomainSocket.filePermissions": WHOLE,
    "net.unixDomainSocket.pathPrefix": TEXT,
    "net.wireObjectCheck": SWITCH,
    "operationProfiling.filter": TEXT,
    "operationProfiling.mode": _one_of("off", "slowOp", "all"),
    "operationProfiling.slowOpSampleRate": NUMBER,
    "operationProfiling.slowOpThresholdMs": WHOLE,
    "processManagement.fork": SWITCH,
    "processManagement.pidFilePath": TEXT,
    "processManagement.timeZoneInfo": TEXT,
    "replication.enableMajorityReadConcern": SWITCH,
    "replication.oplogSizeMB": WHOLE,
    "replication.replSetName": TEXT,
    "security.authorization": _one_of("enabled", "disabled"),
    "security.clusterAuthMode": _one_of("keyFile", "sendKeyFile", "sendX509", "x509"),
    "security.clusterIpSourceAllowlist": Option("list"),
    "security.javascriptEnabled": SWITCH,
    "security.keyFile": TEXT,
    "security.transitionToAuth": SWITCH,
    "setParameter": Option("map"),
    "sharding.archiveMovedChunks": SWITCH,
    "sharding.clusterRole": _one_of("configsvr", "shardsvr"),
    "storage.dbPath": TEXT,
    "storage.directoryPerDB": SWITCH,
    "storage.engine": _one_of("wiredTiger"),
    "storage.journal.commitIntervalMs": WHOLE,
    "storage.oplogMinRetentionHours": NUMBER,
    "storage.syncPeriodSecs": NUMBER,
    "storage.wiredTiger.collectionConfig.blockCompressor": _one_of(*COMPRESSORS),
    "storage.wiredTiger.collectionConfig.configString": TEXT,
    "storage.wiredTiger.engineConfig.cacheSizeGB": NUMBER,
    "storage.wiredTiger.engineConfig.configString": TEXT,
    "storage.wiredTiger.engineConfig.directoryForIndexes": SWITCH,
    "storage.wiredTiger.engineConfig.journalCompressor": _one_of(*COMPRESSORS),
    "storage.wiredTiger.engineConfig.statisticsLogDelaySecs": WHOLE,
    "storage.wiredTiger.engineConfig.zstdCompressionLevel": WHOLE,
    "storage.wiredTiger.indexConfig.configString": TEXT,
    "storage.wiredTiger.indexConfig.prefixCompression": SWITCH,
    "systemLog.destination": _one_of("file", "syslog"),
    "systemLog.logAppend": SWITCH,
    "systemLog.logRotate": _one_of("rename", "reopen"),
    "systemLog.path": TEXT,
    "systemLog.quiet": SWITCH,
    "systemLog.syslogFacility": TEXT,
    "systemLog.timeStampFormat": _one_of("iso8601-utc", "iso8601-local"),
    "systemLog.traceAllExceptions": SWITCH,
    "systemLog.verbosity": WHOLE,
}

# ``systemLog.component`` holds one ``verbosity`` per component and subcomponent.
COMPONENTS = (
    "accessControl", "assert", "command", "control", "executor", "ftdc", "geo", "index", "network", "network.asio",
    "network.bridge", "network.connectionPool", "processHealth", "query", "replication", "replication.election",
    "replication.heartbeats", "replication.initialSync", "replication.rollback", "sharding", "sharding.migration",
    "sharding.migrationPerf", "sharding.rangeDeleter", "sharding.reshard", "sharding.shardingCatalogRefresh", "storage",
    "storage.journal", "storage.recovery", "storage.wt", "storage.wt.wtBackup", "storage.wt.wtCheckpoint",
    "storage.wt.wtCompact", "storage.wt.wtEviction", "storage.wt.wtRecovery", "tenantMigration", "tracking",
    "transaction", "write",
)
OPTIONS.update({f"systemLog.component.{name}.verbosity": WHOLE for name in COMPONENTS})


class Removed(t.NamedTuple):
    """Where an option went.

    :param since: the first release that refuses it.
    :param instead: what to do now, one sentence.
    """

    since: Release
    instead: str


_NO_MMAPV1 = Removed((4, 2), "The engine MMAPv1 is gone; WiredTiger needs no such option. Remove it.")
_NO_HTTP = Removed((3, 6), "The HTTP interface is gone. Remove it.")
_NO_FREE_MONITORING = Removed((7, 0), "MongoDB decommissioned free monitoring. Remove it; the role brings an exporter.")

# Prefixes count for everything below them. Deprecated names that the server still takes are refused too where a current
# one says the same: a file that mixes both does not start.
REMOVED: dict[str, Removed] = {
    "storage.journal.enabled": Removed((6, 1), "Journaling is always on. Remove it."),
    "cloud.monitoring.free": _NO_FREE_MONITORING,
    "net.http": _NO_HTTP,
    "net.serviceExecutor": Removed((5, 0), "The server chooses. Remove it."),
    "net.ssl.PEMKeyFile": Removed((0, 0), "Its name is net.tls.certificateKeyFile."),
    "net.ssl.PEMKeyPassword": Removed((0, 0), "Its name is net.tls.certificateKeyFilePassword."),
    "net.ssl.mode": Removed((0, 0), "Its name is net.tls.mode, with allowTLS, preferTLS or requireTLS."),
    "net.ssl": Removed((0, 0), "The options of net.ssl have the names of net.tls."),
    "replication.replSet": Removed((0, 0), "Its name is replication.replSetName."),
    "replication.secondaryIndexPrefetch": _NO_MMAPV1,
    "security.clusterIpSourceWhitelist": Removed((0, 0), "Its name is security.clusterIpSourceAllowlist."),
    "storage.indexBuildRetry": Removed((4, 4), "The server always finishes index builds. Remove it."),
    "storage.mmapv1": _NO_MMAPV1,
    "storage.repairPath": Removed((4, 2), "Repair works in dbPath. Remove it."),
    "storage.wiredTiger.engineConfig.maxCacheOverflowFileSizeGB": Removed((4, 4), "It has no effect. Remove it."),
    "systemLog.component.storage.mmapv1": _NO_MMAPV1,
}

ENTERPRISE: tuple[str, ...] = (
    "auditLog", "snmp", "security.enableEncryption", "security.encryptionCipherMode", "security.encryptionKeyFile",
    "security.kmip", "security.ldap", "security.redactClientLogData", "security.sasl", "storage.inMemory",
    "net.tls.FIPSMode",
)

WINDOWS: tuple[str, ...] = (
    "processManagement.windowsService", "net.tls.certificateSelector", "net.tls.clusterCertificateSelector",
)


def has_prefix(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def known(name: str, release: Release) -> Option | None:
    """The option as ``release`` knows it."""
    option = OPTIONS.get(name)
    return option if option and option.since <= release else None


def removed(name: str) -> Removed | None:
    """Where ``name`` went; also for a release that still took it. The longest matching prefix tells."""
    matches = [prefix for prefix in REMOVED if has_prefix(name, prefix)]
    return REMOVED[max(matches, key=len)] if matches else None


def read_release(text: str) -> Release:
    """``7.0`` as two numbers.

    :raises GroundworkError: it is something else.
    """
    parts = str(text).split(".")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise GroundworkError(
            f"{text!r} is not a MongoDB release.", where="release", untouched="everything",
            hint='Two numbers in quotes, for example "7.0".',
        )
    return int(parts[0]), int(parts[1])
