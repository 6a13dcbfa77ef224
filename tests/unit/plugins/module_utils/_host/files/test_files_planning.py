# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes the files of a host need, and what is refused before the first is made."""

from __future__ import annotations

import base64
import hashlib

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host.files.declared import read
from ansible_collections.groundwork.databases.plugins.module_utils._host.files.live import Live
from ansible_collections.groundwork.databases.plugins.module_utils._host.files.plan import (
    NOT_SHOWN,
    Runner,
    as_plan,
    plan_files,
)


class Names:
    """Accounts of a host with root and postgres."""

    def uid(self, owner):
        return {"root": 0, "postgres": 113, "113": 113}.get(owner)

    def gid(self, group):
        return self.uid(group)

    def owner(self, uid):
        return {0: "root", 113: "postgres"}.get(uid, str(uid))

    def group(self, gid):
        return self.owner(gid)


ROOT = Runner(uid=0, gid=0, gids=frozenset({0}), check_mode=False)
ROOT_CHECKS = Runner(uid=0, gid=0, gids=frozenset({0}), check_mode=True)
USER = Runner(uid=1000, gid=1000, gids=frozenset({1000}), check_mode=False)

ABSENT = Live("absent")
FILE = Live("file", content=b"old\n", uid=0, gid=0, mode=0o644)
FOLDER = Live("directory", uid=0, gid=0, mode=0o755)


def entry(path="/etc/a", **options):
    return {"path": path, "state": "present", **options}


def read_wanted(entries):
    return read({"files": entries, "purge": []})[0]


def planned(entries, live, purged=(), runner=ROOT):
    wanted = read_wanted(entries if isinstance(entries, list) else [entries])
    found = live if isinstance(live, dict) else {wanted[0].path: live}
    return plan_files(wanted, found, list(purged), Names(), runner)


def shown(changes):
    return [(change.step.action, change.path) for change in changes]


@pytest.mark.parametrize(
    ("wanted", "live", "action"),
    [
        (entry(content="old\n"), FILE, None),
        (entry(content="old\n", mode="0644", owner="root", group="root"), FILE, None),
        (entry(content="new\n"), FILE, "replace"),
        (entry(content_b64=base64.b64encode(b"old\n").decode()), FILE, None),
        (entry(content=""), ABSENT, "create"),
        (entry(content="old\n", mode="0600"), FILE, "adjust"),
        (entry(content="old\n", owner="postgres"), FILE, "adjust"),
        (entry(content="old\n", owner="113"), FILE, "adjust"),
        (entry(content="old\n", secret=True), FILE, None),
        (entry(state="absent"), FILE, "remove"),
        (entry(state="absent"), ABSENT, None),
        (entry(state="absent"), Live("directory", empty=True), "remove"),
        (entry(state="absent"), Live("link", target="b"), "remove"),
        (entry(state="directory"), ABSENT, "create"),
        (entry(state="directory"), FOLDER, None),
        (entry(state="directory", mode="0700"), FOLDER, "adjust"),
        (entry(state="directory"), Live("link", target="/mnt", leads_to_directory=True), None),
        (entry(state="link", target="b"), Live("link", target="b"), None),
        (entry(state="link", target="b"), Live("link", target="c"), "replace"),
        (entry(state="link", target="b"), ABSENT, "create"),
    ],
)
def test_what_differs_is_changed_and_nothing_else(wanted, live, action):
    changes = planned(wanted, live)
    assert shown(changes) == ([] if action is None else [(action, "/etc/a")])
    assert as_plan(changes).changed is (action is not None)


@pytest.mark.parametrize(
    ("wanted", "mode"),
    [
        (entry(content=""), 0o644),
        (entry(content="", secret=True), 0o600),
        (entry(state="directory"), 0o755),
        (entry(content="", mode="0440"), 0o440),
    ],
)
def test_a_new_file_gets_the_mode_of_its_kind(wanted, mode):
    (change,) = planned(wanted, ABSENT)
    assert change.mode == mode


def test_what_is_left_out_stays():
    (change,) = planned(entry(content="new\n"), Live("file", content=b"old\n", uid=113, gid=7, mode=0o660))
    assert (change.uid, change.gid, change.mode) == (113, 7, 0o660)


@pytest.mark.parametrize(
    ("wanted", "live", "words"),
    [
        (entry(content=""), FOLDER, "is a directory where a file should be"),
        (entry(content=""), Live("link", target="/etc/b"), "is a link to /etc/b"),
        (entry(content=""), Live("other"), "device, socket or pipe"),
        (entry(state="directory"), FILE, "is a file where a directory should be"),
        (entry(state="directory"), Live("link", target="nowhere"), "is a link where a directory should be"),
        (entry(state="link", target="b"), FILE, "is a file where a link should be"),
        (entry(state="absent"), Live("directory", empty=False), "not empty"),
        (entry(content="", owner="mongodb"), ABSENT, "owner mongodb, which this host does not have"),
        (entry(content="", group="mongodb"), ABSENT, "group mongodb"),
        (entry(content="", owner="mongodb", owner_may_come=True), ABSENT, "owner mongodb"),
        (entry(content=""), Live("absent", parent="absent"), "has no parent directory /etc"),
        (entry(content="", owner_may_come=True), Live("absent", parent="absent"), "has no parent directory"),
        (entry(content=""), Live("absent", parent="other"), "not a directory"),
        (entry(content=""), Live("absent", parent_writable=False), "where uid 0 cannot write"),
    ],
)
def test_what_is_in_the_way_is_refused(wanted, live, words):
    with pytest.raises(GroundworkError, match=words) as caught:
        planned(wanted, live)
    assert caught.value.untouched == "every file of this call"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (entry("etc/a", content=""), "is not an absolute path"),
        (entry("/etc/../a", content=""), "Leave out"),
        (entry("/", state="directory"), "below"),
        (entry(content="", mode=640), "four octal digits"),
        (entry(content="", mode="644"), "four octal digits"),
        (entry(content="", mode="0689"), "four octal digits"),
        (entry(content="", mode="u=rw"), "four octal digits"),
        (entry(), "exactly one of"),
        (entry(content="", content_b64=""), "exactly one of"),
        (entry(content_b64="%"), "not base64"),
        (entry(content="", validate=["visudo"]), "without '%s'"),
        (entry(state="directory", content=""), "means nothing with state 'directory'"),
        (entry(state="absent", mode="0644"), "means nothing with state 'absent'"),
        (entry(state="absent", owner="root"), "mean nothing"),
        (entry(state="link"), "without a target"),
        ([entry(content=""), entry(state="absent")], "two entries"),
        ([entry(content=""), entry("/etc//a", content="")], "two entries"),
    ],
)
def test_what_cannot_be_meant_is_refused(wanted, words):
    with pytest.raises(GroundworkError, match=words):
        read_wanted(wanted if isinstance(wanted, list) else [wanted])


@pytest.mark.parametrize("pattern", ["*", "*.*", "??", "a/*", "[a-z]*"])
def test_a_purge_of_everything_is_refused(pattern):
    with pytest.raises(GroundworkError, match="purge pattern"):
        read({"files": [], "purge": [{"directory": "/etc/a.d", "pattern": pattern}]})


def test_check_mode_lets_owner_and_parent_come():
    wanted = entry(content="x", owner="mongodb", group="mongodb", owner_may_come=True)
    (change,) = planned(wanted, Live("absent", parent="absent"), runner=ROOT_CHECKS)
    assert change.step.after == "owner mongodb, group mongodb, mode 0644\nx"


def test_folders_come_first_and_removals_last():
    entries = [
        entry("/etc/a/b/file", content=""),
        entry("/etc/old", state="absent"),
        entry("/etc/a/b", state="directory"),
        entry("/etc/link", state="link", target="a"),
        entry("/etc/a", state="directory"),
    ]
    live = {item["path"]: ABSENT for item in entries} | {"/etc/old": FILE}
    live["/etc/a/b/file"] = live["/etc/a/b"] = Live("absent", parent="absent")
    assert [path for _action, path in shown(planned(entries, live))] == [
        "/etc/a", "/etc/a/b", "/etc/a/b/file", "/etc/link", "/etc/old",
    ]  # fmt: skip


def test_purged_are_the_files_that_nobody_lists():
    live = {"/etc/a": FILE, "/etc/b": FILE}
    changes = planned(entry("/etc/a", content="old\n"), live, purged=["/etc/a", "/etc/b"])
    assert shown(changes) == [("remove", "/etc/b")]


def test_a_secret_is_never_in_the_plan():
    (change,) = planned(entry(content="new secret", secret=True), Live("file", content=b"old secret", mode=0o644))
    diff = as_plan([change]).diff()[0]
    assert "secret\n" not in diff["before"].replace(NOT_SHOWN, "")
    assert diff["before"].count(NOT_SHOWN) == diff["after"].count(NOT_SHOWN) == 1
    assert "old secret" not in str(change.step) and "new secret" not in str(change.step)


def test_the_content_of_a_purged_file_that_others_cannot_read_is_not_shown():
    changes = planned([], {"/etc/a": Live("file", content=b"pass word", mode=0o600)}, purged=["/etc/a"])
    assert "pass word" not in str(as_plan(changes).diff())


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        (entry(content="x", owner="postgres"), ABSENT),
        (entry(content="x", group="postgres"), ABSENT),
        (entry(content="x"), FILE),
        (entry(content="old\n", mode="0600"), FILE),
    ],
)
def test_a_user_cannot_touch_what_is_not_his(wanted, live):
    with pytest.raises(GroundworkError, match="somebody else than uid 1000"):
        planned(wanted, live, runner=USER)


def test_a_user_can_change_his_own():
    own = Live("file", content=b"old\n", uid=1000, gid=1000, mode=0o644)
    assert shown(planned(entry(content="new\n"), own, runner=USER)) == [("replace", "/etc/a")]


def test_what_is_not_text_is_not_shown_as_text():
    (change,) = planned(entry(content_b64=base64.b64encode(b"\xff\xfe").decode()), ABSENT)
    assert "2 bytes that are not text" in change.step.after


def test_what_is_not_text_is_shown_by_its_digests():
    """An archive may be valid UTF-8 by chance; its NULs say what it is."""
    old, new = b"PK\0one", b"PK\0two!"
    live = Live("file", content=old, mode=0o755)
    (change,) = planned(entry(content_b64=base64.b64encode(new).decode()), live)
    assert change.step.before.splitlines()[1:] == [
        f"(6 bytes that are not text, SHA-256 {hashlib.sha256(old).hexdigest()})"
    ]
    assert change.step.after.splitlines()[1:] == [
        f"(7 bytes that are not text, SHA-256 {hashlib.sha256(new).hexdigest()})"
    ]
