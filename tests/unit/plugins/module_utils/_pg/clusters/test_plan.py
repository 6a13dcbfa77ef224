"""From a host as found to clusters as described."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters.model import (
    Desired,
    Folder,
    Host,
    Live,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters.plan import (
    create_command,
    plan_clusters,
)

ROOM = Folder("absent", free=10**10, disk=1)
FIXED = {"checksums": True, "encoding": "UTF8", "locale": "C.UTF-8", "locale_provider": "libc", "icu_locale": None,
         "wal_segment_size": 16, "group_access": False}  # fmt: skip


def host(**changes: t.Any) -> Host:
    """An empty host with room everywhere."""
    empty = Host(
        system={"id": "ubuntu"}, majors={}, installed=True, icu=None, locales=frozenset({"C", "POSIX", "C.utf8"}),
        offered=frozenset({"de_DE.utf8", "de_DE.iso885915@euro"}), listening=frozenset(), clusters={}, interrupted={},
        folders={},
    )  # fmt: skip
    return dataclasses.replace(empty, **changes)


def live(name: str = "shop", **changes: t.Any) -> Live:
    found = Live(name=name, port=5432, data_directory=f"/var/lib/postgresql/16/{name}", fixed=dict(FIXED))
    return dataclasses.replace(found, **changes)


def shop(**changes: t.Any) -> Desired:
    return dataclasses.replace(Desired(name="shop", port=5432), **changes)


def steps(found: Host, *desired: Desired, **options: t.Any) -> list[tuple[str, str, str]]:
    return [(step.action, step.kind, step.name) for step in plan_clusters(found, desired, **options)]


def refusals(found: Host, *desired: Desired, **options: t.Any) -> str:
    with pytest.raises(GroundworkError) as raised:
        plan_clusters(found, desired, **options)
    assert raised.value.code == "REFUSED"
    assert raised.value.untouched == "everything"
    return raised.value.message


def test_a_new_cluster_is_created():
    assert steps(host(), shop()) == [("create", "cluster", "shop")]


def test_what_is_as_described_is_left():
    found = host(clusters={"shop": live(pid=7, running_port=5432)}, listening=frozenset({5432}))
    assert steps(found, shop(fixed=dict(FIXED))) == []


def test_what_nobody_described_is_left():
    found = host(clusters={"shop": live(fixed={**FIXED, "encoding": "LATIN1", "checksums": False}, start="auto")})
    assert steps(found, shop()) == []


def test_a_cluster_that_is_copied_from_elsewhere_is_not_created():
    assert steps(host(), shop(created_elsewhere=True)) == []


def test_an_interrupted_creation_is_cleared_and_begun_anew():
    found = host(interrupted={"shop": ("/srv/data",)}, folders={"/srv/data": Folder("ours", free=0, disk=1)})
    assert steps(found, shop(data_directory="/srv/data")) == [
        ("remove", "half-created cluster", "shop"),
        ("create", "cluster", "shop"),
    ]


def test_an_interrupted_creation_that_was_started_since_is_left():
    found = host(interrupted={"shop": ("/srv/data",)}, folders={"/srv/data": Folder("data", free=10**9, disk=1)})
    assert "already holds a data folder" in refusals(found, shop(data_directory="/srv/data"))


def test_a_folder_of_an_interrupted_creation_that_was_used_since_is_left_when_the_cluster_is_described_elsewhere():
    found = host(
        interrupted={"shop": ("/srv/old",)},
        folders={"/srv/old": Folder("data", free=10**9, disk=1), "/srv/new": Folder("absent", free=10**9, disk=1)},
    )
    assert "the folder /srv/old that it was given was used since" in refusals(found, shop(data_directory="/srv/new"))


def test_port_start_and_permissions_are_adjusted():
    found = host(clusters={"shop": live(port=5433, start="manual", mode=0o755)})
    assert steps(found, shop()) == [
        ("alter", "port", "shop"),
        ("alter", "start.conf", "shop"),
        ("alter", "permissions", "shop"),
    ]


def test_a_missing_locale_is_generated_once_in_either_spelling():
    wanted = (shop(fixed={"locale": "de_DE.utf8"}),)
    assert steps(host(), *wanted, wanted_locales=["C.UTF-8", "de_DE.utf8"])[0] == ("generate", "locale", "de_DE.utf8")
    assert len(steps(host(), *wanted, wanted_locales=["de_DE.utf8"])) == 2
    available = host(locales=frozenset({"de_DE.utf8"}))
    assert steps(available, shop(fixed={"locale": "de_DE.UTF-8"})) == [("create", "cluster", "shop")]


def test_a_copy_needs_the_locale_of_what_it_is_a_copy_of():
    copy = shop(created_elsewhere=True, fixed={"locale": "de_DE.UTF-8"})
    assert steps(host(), copy) == [("generate", "locale", "de_DE.UTF-8")]
    assert steps(host(locales=frozenset({"de_DE.utf8"})), copy) == []
    unknown = shop(created_elsewhere=True, fixed={"locale": "xx_XX.UTF-8"})
    assert "knows no locale xx_XX.UTF-8" in refusals(host(), unknown)
    assert steps(host(), dataclasses.replace(copy, state="absent")) == []


def test_an_icu_locale_is_the_same_in_either_spelling():
    exists = live(fixed={**FIXED, "locale_provider": "icu", "icu_locale": "de-DE"})
    there = host(clusters={"shop": exists}, icu=True)
    assert steps(there, shop(fixed={"locale_provider": "icu", "icu_locale": "de_DE"})) == []
    assert "ICU locale" in refusals(there, shop(fixed={"locale_provider": "icu", "icu_locale": "de_AT"}))


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        (shop(name="Shop"), "'Shop' is no name"),
        (shop(name="shop-eu"), "'shop-eu' is no name"),
        (shop(name="s" * 32), "is no name"),
        (shop(port=80), "port 80 is not between"),
        (shop(fixed={"wal_segment_size": 24}), "not a power of two"),
        (shop(fixed={"icu_locale": "de"}), "asks for locale_provider: icu"),
        (shop(fixed={"locale_provider": "icu"}), "asks for an icu_locale"),
        (shop(initdb_options=("--auth-host=trust",)), "--auth-host=trust"),
        (shop(initdb_options=("-A", "trust")), "-A"),
        (shop(data_directory="/srv"), "/srv is no absolute path below"),
        (shop(wal_directory="/var/lib/postgresql/16/shop/wal"), "is inside /var/lib/postgresql/16/shop"),
        (shop(wal_directory="/var/lib/postgresql/16/shop"), "is given twice"),
        (shop(fixed={"locale": "xx_XX.UTF-8"}), "knows no locale xx_XX.UTF-8"),
    ],
)
def test_a_description_that_cannot_be_is_refused(desired, words):
    assert words in refusals(host(), desired)


def test_harmless_options_of_initdb_are_accepted():
    assert steps(host(), shop(initdb_options=("--lc-messages=C", "--sync-only"))) == [("create", "cluster", "shop")]


def test_every_reason_is_named_at_once():
    message = refusals(host(majors={"14": ("main",)}), shop(), shop(name="other"))
    assert "PostgreSQL 14 cluster main" in message
    assert "port 5432 is given twice: to cluster shop and to cluster other" in message


@pytest.mark.parametrize(
    "key", ["checksums", "encoding", "locale", "locale_provider", "wal_segment_size", "group_access"]
)
def test_what_initdb_decided_is_not_changed(key):
    other = {"checksums": False, "encoding": "LATIN1", "locale": "C", "locale_provider": "icu", "wal_segment_size": 32,
             "group_access": True}[key]  # fmt: skip
    wanted = {key: other, "icu_locale": "de"} if other == "icu" else {key: other}
    message = refusals(host(clusters={"shop": live()}), shop(fixed=wanted))
    assert f"Describe {key}: {str(FIXED[key]).lower() if isinstance(FIXED[key], bool) else FIXED[key]}" in message


@pytest.mark.parametrize("spelling", ["utf8", "UTF-8", "UTF8"])
def test_an_encoding_may_be_spelled_in_any_way(spelling):
    assert steps(host(clusters={"shop": live()}), shop(fixed={"encoding": spelling})) == []


def test_data_is_not_moved():
    found = host(clusters={"shop": live(wal_directory="/srv/wal")})
    assert "wal_directory is /srv/wal, described is /srv/other" in refusals(found, shop(wal_directory="/srv/other"))
    assert "data_directory is /var/lib/postgresql/16/shop" in refusals(found, shop(data_directory="/srv/x"))
    assert steps(found, shop(wal_directory="/srv/wal")) == []


def test_a_disk_that_is_not_mounted_is_said_so():
    assert "Is a disk not mounted?" in refusals(host(clusters={"shop": live(mode=None)}), shop())


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        (Folder("data", 10**10, 1, ("PG_VERSION",)), "already holds a data folder"),
        (Folder("other", 10**10, 1, ("lost+found",)), "top of a file system"),
        (Folder("other", 10**10, 1, ("photos",)), "is not empty (it holds photos)"),
    ],
)
def test_folders_of_others_are_not_taken(folder, words):
    assert words in refusals(host(folders={"/srv/data": folder}), shop(data_directory="/srv/data"))


def test_a_port_that_somebody_listens_on_is_refused():
    assert "somebody listens on port 5432" in refusals(host(listening=frozenset({5432})), shop())
    stopped = host(listening=frozenset({5432}), clusters={"shop": live()})
    assert "somebody listens on port 5432" in refusals(stopped, shop())


def test_the_port_of_an_undescribed_cluster_is_refused():
    found = host(clusters={"old": live("old")})
    assert "port 5432 is that of cluster old" in refusals(found, shop())


def test_a_port_that_becomes_free_may_be_taken():
    old = live("old", pid=7, running_port=5432)
    found = host(clusters={"old": old}, listening=frozenset({5432}))
    leaving = Desired(name="old", port=5432, state="absent", confirm_removal="old")
    assert steps(found, leaving, shop()) == [("drop", "cluster", "old"), ("create", "cluster", "shop")]


def test_disks_add_up():
    small = Folder("absent", free=100 * 2**20, disk=1)
    folders = {"/var/lib/postgresql/16/shop": small, "/var/lib/postgresql/16/other": small}
    assert steps(host(folders=folders), shop()) == [("create", "cluster", "shop")]
    assert "100 MB free, new clusters there take 128 MB" in refusals(
        host(folders=folders), shop(), Desired(name="other", port=5433)
    )


def test_removal_asks_for_its_name():
    found = host(clusters={"shop": live()})
    assert "confirm_removal: shop" in refusals(found, shop(state="absent"))
    assert "confirm_removal: shop" in refusals(found, shop(state="absent", confirm_removal="yes"))
    assert steps(found, shop(state="absent", confirm_removal="shop")) == [("drop", "cluster", "shop")]
    assert steps(host(), shop(state="absent")) == []


def test_an_unlisted_main_goes_only_when_empty():
    main = live("main", port=5440, contents=())
    assert steps(host(clusters={"main": main})) == []
    assert steps(host(clusters={"main": main}), unlisted_main="remove_when_empty") == [("drop", "cluster", "main")]
    holding = host(clusters={"main": dataclasses.replace(main, contents=("relation kept",))})
    assert "holds relation kept" in refusals(holding, unlisted_main="remove_when_empty")
    silent = host(clusters={"main": dataclasses.replace(main, contents=None)})
    assert "cannot be asked" in refusals(silent, unlisted_main="remove_when_empty")


def test_icu_asks_for_a_server_with_icu():
    wanted = shop(fixed={"locale_provider": "icu", "icu_locale": "de"})
    assert "built without ICU" in refusals(host(icu=False), wanted)
    assert steps(host(icu=None, installed=False), wanted) == [("create", "cluster", "shop")]


def test_the_command_says_everything():
    wanted = shop(
        wal_directory="/srv/wal/shop", start="manual", initdb_options=("--lc-messages=C",),
        fixed={"locale_provider": "icu", "icu_locale": "de", "wal_segment_size": 64, "group_access": True},
    )  # fmt: skip
    assert create_command(wanted) == [
        "pg_createcluster", "--port=5432", "--encoding=UTF8", "--locale=C.UTF-8",
        "--datadir=/var/lib/postgresql/16/shop", "--start-conf=manual", "16", "shop", "--", "--lc-messages=C",
        "--data-checksums", "--waldir=/srv/wal/shop", "--allow-group-access", "--wal-segsize=64",
        "--locale-provider=icu", "--icu-locale=de",
    ]  # fmt: skip
