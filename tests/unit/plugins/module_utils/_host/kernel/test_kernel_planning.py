# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of the kernel change, which the platform does not permit, and the files for the next boot."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._host.kernel import declared
from ansible_collections.groundwork.databases.plugins.module_utils._host.kernel.plan import (
    Live,
    overridden,
    plan_kernel,
)

READ_ONLY = "it is on a read-only file system here"


def read_sysctl(values):
    problems = Problems()
    settings = declared.read_sysctl(values, problems)
    problems.raise_if_any("the test", "TEST")
    return settings


def sysctl(name="vm.swappiness", value=1):
    return read_sysctl({name: value})[0]


def huge_pages(value="never"):
    return declared.read_huge_pages({"enabled": value})[0]


@pytest.mark.parametrize(
    ("setting", "live", "changes", "found", "why"),
    [
        (sysctl(), Live("60\n", True), True, None, None),
        (sysctl(), Live("1\n", True), False, None, None),
        (sysctl(), Live("1\n", False, READ_ONLY), False, None, None),
        (sysctl(), Live("60\n", False, READ_ONLY), False, "60", READ_ONLY),
        (sysctl(), Live(None, False), False, None, "this kernel has no such setting"),
        (sysctl("net.ipv4.tcp_rmem", "4096  131072 6291456"), Live("4096\t131072\t6291456\n", True), False, None, None),
        (huge_pages(), Live("always [madvise] never\n", True), True, None, None),
        (huge_pages(), Live("always madvise [never]\n", False), False, None, None),
        (huge_pages(), Live("always [madvise] never\n", False, READ_ONLY), False, "madvise", READ_ONLY),
        (huge_pages("always"), Live("[madvise] never\n", True), False, "madvise", "this kernel offers madvise, never"),
        (huge_pages(), Live(None, False), False, None, "this kernel has no such setting"),
    ],
)
def test_what_differs_is_set_or_reported(setting, live, changes, found, why):
    plan = plan_kernel([setting], {setting.path: live})
    assert bool(plan.changes) is changes
    assert [(report["found"], report["why"]) for report in plan.not_permitted] == (
        [] if why is None else [(found, why)]
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("vm.swappiness", "vm/swappiness"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
    ],
)
def test_names_lead_to_paths(name, path):
    assert declared.sysctl_path(name) == path


@pytest.mark.parametrize(
    ("values", "text"),
    [({"kernel.sysrq": True}, "1"), ({"vm.swappiness": 1.0}, "1"), ({"a.b": " 1  2\t3 "}, "1 2 3")],
)
def test_values_become_text(values, text):
    assert read_sysctl(values)[0].value == text


@pytest.mark.parametrize(
    "values",
    [
        {"swappiness": 1},
        {"../../etc/passwd": 1},
        {"vm..swappiness": 1},
        {"vm.swappiness": ""},
        {"vm.swappiness": "1\nkernel.panic = 1"},
        {"vm.swappiness": [1]},
        {"vm.swappiness": None},
        {"vm.swappiness": 1, "vm/swappiness": 2},
    ],
)
def test_what_cannot_be_meant_is_refused(values):
    with pytest.raises(GroundworkError):
        read_sysctl(values)


def test_a_disk_has_one_read_ahead():
    entries = declared.read_read_ahead([{"path": "/data", "kb": 64}, {"path": "/wal", "kb": 128}], Problems())
    apart = {"/data": declared.Device("sda"), "/wal": declared.Device("sdb")}
    assert [setting.path for setting in declared.read_ahead_settings(entries, apart, Problems())] == [
        "/sys/block/sda/queue/read_ahead_kb",
        "/sys/block/sdb/queue/read_ahead_kb",
    ]
    problems = Problems()
    declared.read_ahead_settings(entries, dict.fromkeys(["/data", "/wal"], declared.Device("sda")), problems)
    assert [problem.text.partition(",")[0] for problem in problems.found] == ["/wal lies on sda"]


def test_no_disk_is_reported_and_not_written():
    entries = declared.read_read_ahead([{"path": "/data", "kb": 64}], Problems())
    settings = declared.read_ahead_settings(entries, {"/data": declared.Device("", "it is in memory")}, Problems())
    assert plan_kernel(settings, {}).not_permitted[0]["why"] == "it is in memory"
    assert declared.udev_file(settings) is None


def test_the_files_hold_what_was_asked_for():
    assert declared.sysctl_file([sysctl()]).splitlines()[1:] == ["vm.swappiness = 1"]
    assert declared.tmpfiles_file([huge_pages()]).splitlines()[1:] == [
        "w- /sys/kernel/mm/transparent_hugepage/enabled - - - - never"
    ]
    disk = declared.Setting("read-ahead", "sda", "/sys/block/sda/queue/read_ahead_kb", "64")
    assert declared.udev_file([disk]).splitlines()[1:] == [
        'ACTION=="add|change", SUBSYSTEM=="block", KERNEL=="sda", ATTR{queue/read_ahead_kb}="64"'
    ]
    assert declared.sysctl_file([]) is declared.tmpfiles_file([]) is declared.udev_file([]) is None


@pytest.mark.parametrize(
    ("files", "replaced"),
    [
        ([("/etc/sysctl.d/99-z.conf", "vm.swappiness=60")], True),
        ([("/etc/sysctl.d/99-z.conf", "-vm/swappiness = 60")], True),
        ([("/etc/sysctl.d/99-z.conf", "vm.swappiness=1")], False),
        ([("/etc/sysctl.d/99-z.conf", "# vm.swappiness=60")], False),
        ([("/etc/sysctl.d/10-a.conf", "vm.swappiness=60")], False),
        ([("/etc/sysctl.d/99-z.conf", "vm.swappiness=1"), ("/usr/lib/sysctl.d/70-b.conf", "vm.swappiness=60")], False),
    ],
)
def test_a_later_file_is_told(files, replaced):
    assert bool(overridden([sysctl()], "60-groundwork.conf", files)) is replaced
