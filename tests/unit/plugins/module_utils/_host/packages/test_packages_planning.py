# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes packages need, from what is installed and offered; and reading what dpkg and apt say."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages import live as status
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages import sources
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages.declared import (
    Guard,
    read,
)
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages.plan import (
    check_simulation,
    needs_offers,
    plan_packages,
)

NAME = "postgresql-16"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxxx\n-----END PGP PUBLIC KEY BLOCK-----\n"


def read_packages(entries):
    return read({"packages": entries, "repositories": [], "guard": None})[0]


def read_repositories(entries):
    return read({"packages": [], "repositories": entries, "guard": None})[1]


def installed(version="16.14-1", held=False, state="installed", reinstall=False):
    return {NAME: status.Installed(version, held, state, reinstall)}


OFFERS = {
    NAME: status.Offers(
        "16.15-1", tuple(status.Offer(version, "http://m/pgdg j/main") for version in ("16.15-1", "16.14-2", "16.14-1"))
    )
}


def planned(entry, live, *offers, allow_downgrade=False):
    (known,) = offers or (OFFERS,)
    return plan_packages(read_packages([{"name": NAME, **entry}]), live, known, allow_downgrade=allow_downgrade)


@pytest.mark.parametrize(
    ("entry", "live", "action", "argument"),
    [
        ({}, {}, "install", "postgresql-16=16.15-1"),
        ({}, installed(state="config-files"), "install", "postgresql-16=16.15-1"),
        ({}, installed(), None, None),
        ({"version": "16.14-1"}, installed(), None, None),
        ({"version": "16.14-*"}, installed(), None, None),
        ({"version": "16.14-*"}, {}, "install", "postgresql-16=16.14-2"),
        ({"version": "16.15-*"}, installed(), "upgrade", "postgresql-16=16.15-1"),
        ({"version": "16.15-*"}, installed(held=True), "upgrade", "postgresql-16=16.15-1"),
        ({"hold": True}, installed(), "hold", None),
        ({"hold": True}, installed(held=True), None, None),
        ({"hold": False}, installed(held=True), "unhold", None),
        ({}, installed(held=True), None, None),
        ({"state": "absent"}, installed(), "remove", "postgresql-16-"),
        ({"state": "absent"}, installed(state="half-configured"), "remove", "postgresql-16-"),
        ({"state": "absent"}, installed(state="config-files"), None, None),
        ({"state": "absent"}, {}, None, None),
        ({"version": "16.14-1"}, installed(reinstall=True), "reinstall", "postgresql-16=16.14-1"),
        ({"version": "16.15-1"}, installed(state="half-installed"), "reinstall", "postgresql-16=16.15-1"),
    ],
)
def test_what_differs_is_changed_and_nothing_else(entry, live, action, argument):
    changes = planned(entry, live)
    assert [change.step().action for change in changes] == ([] if action is None else [action])
    assert [change.argument for change in changes if change.needs_apt] == ([] if argument is None else [argument])


@pytest.mark.parametrize(
    ("entry", "live", "held", "hold"),
    [
        ({"version": "16.15-*"}, installed(held=True), True, True),
        ({"version": "16.15-*", "hold": False}, installed(held=True), True, False),
        ({"version": "16.15-*", "hold": True}, {}, False, True),
        ({"version": "16.15-*"}, {}, False, False),
    ],
)
def test_the_hold_survives_an_upgrade(entry, live, held, hold):
    (change,) = planned(entry, live)
    assert (change.held, change.hold) == (held, hold)


def test_a_version_that_nobody_offers_names_those_that_are():
    with pytest.raises(GroundworkError) as caught:
        planned({"version": "16.9-*"}, installed())
    assert "16.15-1 from http://m/pgdg j/main; 16.14-2" in str(caught.value.hint)
    assert caught.value.details["offered"] == ["16.15-1", "16.14-2", "16.14-1"]


def test_a_package_that_nobody_has_is_refused():
    with pytest.raises(GroundworkError, match="No repository of this host offers postgresql-16"):
        planned({}, {}, {})


@pytest.mark.parametrize("offers", [OFFERS, None])
@pytest.mark.parametrize("version", ["16.14-1", "16.14-*"])
@pytest.mark.parametrize("state", ["installed", "half-configured"])
def test_a_downgrade_has_to_be_allowed(version, offers, state):
    live = installed("16.15-1", state=state)
    with pytest.raises(GroundworkError, match=r"16\.15-1 is installed, and 16\.14.* is older"):
        planned({"version": version}, live, offers)
    (change,) = planned({"version": version}, live, offers, allow_downgrade=True)
    assert change.action == "downgrade"


@pytest.mark.parametrize(
    ("entry", "live", "action", "version"),
    [
        ({}, {}, "install", ""),
        ({"version": "16.15-*"}, {}, "install", "16.15-*"),
        ({"version": "16.15-*"}, installed(), "upgrade", "16.15-*"),
        ({"version": "16.2*"}, installed(), "upgrade", "16.2*"),
    ],
)
def test_without_offers_the_request_is_predicted(entry, live, action, version):
    changes = planned(entry, live, None)
    assert [(change.action, change.version) for change in changes] == [(action, version)]
    assert needs_offers(changes) == [NAME]


def simulated(installs=(), removes=()):
    return status.Simulation(dict(installs), dict(removes))


def test_what_comes_along_is_told():
    changes = planned({}, {})
    steps = check_simulation(changes, simulated({NAME: (None, "16.15-1"), "ucf": (None, "3"), "tar": ("1", "2")}), {})
    assert [(step.action, step.kind, step.name) for step in steps] == [
        ("install", "dependency", "ucf"),
        ("upgrade", "dependency", "tar"),
    ]


@pytest.mark.parametrize(
    ("simulation", "live", "words"),
    [
        (simulated(removes={"pgbackrest": "2"}), {}, "remove pgbackrest 2"),
        (simulated({"libpq5": ("16", "15")}), {}, "downgrade libpq5 from 16 to 15"),
        (simulated({"libpq5": ("15", "16")}), {"libpq5": status.Installed("15", True, "installed")}, "is held"),
    ],
)
def test_what_was_not_asked_for_is_refused(simulation, live, words):
    with pytest.raises(GroundworkError, match=words):
        check_simulation(planned({}, {}), simulation, live)


@pytest.mark.parametrize(
    "entries",
    [
        [{"name": "postgresql-16=16.15"}],
        [{"name": "-o"}],
        [{"name": NAME}, {"name": NAME}],
        [{"name": NAME, "version": "16.*.1"}],
        [{"name": NAME, "version": "16 15"}],
        [{"name": NAME, "state": "absent", "version": "16"}],
    ],
)
def test_packages_that_cannot_be_meant_are_refused(entries):
    with pytest.raises(GroundworkError):
        read_packages(entries)


def repository(**changes):
    return {"name": "pgdg", "uris": ["http://m"], "suites": ["s"], "components": ["main"], "key": KEY, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../pgdg"}, "cannot be the name"),
        ({"uris": []}, "needs 'uris' and 'suites'"),
        ({"uris": ["http://m a"]}, "not one word"),
        ({"uris": ["https://user:secret-word@m/pgdg"]}, "holds a login"),
        ({"suites": ["s\nTrusted: yes"]}, "not one word"),
        ({"components": []}, "needs 'components'"),
        ({"suites": ["s/"]}, "have no components"),
        ({"key": "-----BEGIN PGP PRIVATE KEY BLOCK-----"}, "not a public key"),
        ({"key": "\x99\x01"}, "not a public key"),
    ],
)
def test_repositories_that_apt_could_not_read_are_refused(changes, words):
    with pytest.raises(GroundworkError, match=words) as caught:
        read_repositories([repository(**changes)])
    assert "secret-word" not in caught.value.message


def test_a_repository_becomes_a_source_with_its_own_key():
    (wanted,) = read_repositories([repository(architectures=["amd64"])])
    files = {file.path: file for file in sources.repository_files(wanted)}
    text = files["/etc/apt/sources.list.d/pgdg.sources"].content.decode()
    assert text.splitlines()[1:] == [
        "Types: deb", "URIs: http://m", "Suites: s", "Components: main", "Architectures: amd64",
        "Signed-By: /etc/apt/keyrings/pgdg.asc",
    ]  # fmt: skip
    assert files["/etc/apt/keyrings/pgdg.asc"].content.decode() == KEY
    (gone,) = read_repositories([{"name": "pgdg", "state": "absent"}])
    assert {file.path: file.state for file in sources.repository_files(gone)} == {
        "/etc/apt/sources.list.d/pgdg.sources": "absent",
        "/etc/apt/keyrings/pgdg.asc": "absent",
    }


@pytest.mark.parametrize(
    ("unit", "pattern"),
    [
        ("pgbouncer", r"^pgbouncer\.service$"),
        ("postgresql@*", r"^postgresql\@.*\.service$"),
        ("postgresql@16-main.service", r"^postgresql\@16-main\.service$"),
        ("mongod.socket", r"^mongod\.socket$"),
    ],
)
def test_units_become_patterns(unit, pattern):
    assert sources.unit_pattern(unit) == pattern


def test_a_guard_is_about_the_held_packages_unless_it_names_some():
    def read_guard(guard):
        packages = [{"name": NAME, "hold": True}, {"name": "pgbouncer"}]
        return read({"packages": packages, "repositories": [], "guard": guard})[2]

    assert read_guard({"name": "p", "services": ["a"], "packages": None}) == Guard("p", ("a",), (NAME,))
    assert read_guard({"name": "p", "packages": []}) == Guard("p", (), ())
    states = {file.path: file.state for file in sources.guard_files(Guard("p", (), ()))}
    assert set(states.values()) == {"absent"}


def test_dpkg_is_understood():
    output = (
        "libc6\t2.35\tinstall\tinstalled\tok\tamd64\n"
        "libc6\t2.34\tinstall\thalf-configured\tok\ti386\n"
        "postgresql-16\t16.14\thold\tinstalled\tok\tamd64\n"
        "ucf\t3\tinstall\thalf-installed\treinstreq\tall\n"
        "gone\t\tunknown\tnot-installed\tok\t\n"
    )
    packages = status.parse_status(output, "amd64")
    assert packages["libc6"] == status.Installed("2.35", False, "installed")
    assert packages["postgresql-16"].held
    assert [name for name, package in packages.items() if package.is_broken] == ["ucf"]


def test_madison_and_policy_are_understood():
    madison = (
        " postgresql-16 | 16.15-1 | http://m/pgdg jammy-pgdg/main amd64 Packages\n"
        " postgresql-16 | 16.15-1 | http://n/pgdg jammy-pgdg/main amd64 Packages\n"
        " postgresql-16 |  16.14-1 | http://m/pgdg jammy-pgdg/main amd64 Packages\n"
        " postgresql-16 |  16.14-1 | http://m/pgdg jammy-pgdg/main Sources\n"
    )
    assert status.parse_madison(madison) == {
        "postgresql-16": (
            status.Offer("16.15-1", "http://m/pgdg jammy-pgdg/main"),
            status.Offer("16.14-1", "http://m/pgdg jammy-pgdg/main"),
        )
    }
    policy = "postgresql-16:\n  Installed: (none)\n  Candidate: 16.15-1\n  Version table:\nucf:\n  Candidate: (none)\n"
    assert status.parse_candidates(policy) == {"postgresql-16": "16.15-1"}


def test_a_simulation_is_understood():
    output = (
        "NOTE: This is only a simulation!\n"
        "Remv old [1.0]\n"
        "Inst libpq5:amd64 [15.1] (16.15-1 PGDG:jammy-pgdg [amd64]) []\n"
        "Inst postgresql-16 (16.15-1 PGDG:jammy-pgdg [amd64])\n"
        "Conf postgresql-16 (16.15-1 PGDG:jammy-pgdg [amd64])\n"
    )
    simulation = status.parse_simulation(output)
    assert simulation.installs == {"libpq5": ("15.1", "16.15-1"), "postgresql-16": (None, "16.15-1")}
    assert simulation.removes == {"old": "1.0"}
