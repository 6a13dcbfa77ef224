# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_files on a real file system: as root and as somebody else, whole or not at all, and no secret anywhere."""

from __future__ import annotations

import base64
import json
import os
import resource
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fresh_python import run_in_fresh_python
from kill_points import FILE_CHANGES, every_point

TESTS = Path(__file__).resolve().parents[2]
NOBODY = 65534
CANARY = "canary-7d1f-password"


@pytest.fixture
def tree(tmp_path):
    """Every path below a folder with kind, owner, mode and content."""

    def read():
        found = {}
        for path in sorted(tmp_path.rglob("*")):
            facts = path.lstat()
            what = "link" if path.is_symlink() else "directory" if path.is_dir() else path.read_bytes()
            found[str(path.relative_to(tmp_path))] = (
                what,
                facts.st_uid,
                facts.st_gid,
                oct(facts.st_mode),
                facts.st_ino,
            )
        return found

    return read


def test_everything_in_one_call_and_nothing_in_the_second(run_module, tmp_path, tree):
    (tmp_path / "old").write_text("x")
    (tmp_path / "stays.conf").write_text("x")
    (tmp_path / "10-own.conf").write_text("x")
    entries = {
        "files": [
            {"path": f"{tmp_path}/conf.d/a/b.conf", "content": "b = ü\n", "mode": "0640"},
            {"path": f"{tmp_path}/conf.d/a", "state": "directory", "mode": "0750"},
            {"path": f"{tmp_path}/conf.d", "state": "directory"},
            {"path": f"{tmp_path}/bytes", "content_b64": base64.b64encode(bytes(range(256))).decode()},
            {"path": f"{tmp_path}/password", "content": CANARY, "secret": True},
            {"path": f"{tmp_path}/link", "state": "link", "target": "conf.d"},
            {"path": f"{tmp_path}/old", "state": "absent"},
        ],
        "purge": [{"directory": str(tmp_path), "pattern": "*-own.conf"}],
    }
    before = tree()
    predicted = run_module("host_files", entries, check=True, diff=True)
    assert tree() == before
    first = run_module("host_files", entries, diff=True)
    assert first["changed"] and not first.get("failed"), first
    assert (first["actions"], first["diff"]) == (predicted["actions"], predicted["diff"])
    assert (tmp_path / "conf.d/a/b.conf").read_text() == "b = ü\n"
    assert (tmp_path / "bytes").read_bytes() == bytes(range(256))
    assert (tmp_path / "link" / "a").is_dir() and (tmp_path / "stays.conf").exists()
    assert not (tmp_path / "old").exists() and not (tmp_path / "10-own.conf").exists()
    modes = {"conf.d": 0o755, "conf.d/a": 0o750, "conf.d/a/b.conf": 0o640, "password": 0o600, "bytes": 0o644}
    assert {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in modes} == modes
    assert CANARY not in predicted.output + first.output

    after = tree()
    second = run_module("host_files", entries, diff=True)
    assert second["changed"] is False and second["actions"] == second["diff"] == second["changed_files"] == []
    assert tree() == after


def test_a_replaced_file_keeps_owner_and_mode(run_module, tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    before = path.stat()
    assert run_module("host_files", {"files": [{"path": str(path), "content": "new"}]})["changed"]
    after = path.stat()
    assert path.read_text() == "new" and before.st_ino != after.st_ino
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_one_bad_entry_leaves_all_others_as_they_were(run_module, tmp_path, tree):
    (tmp_path / "a").write_text("old")
    (tmp_path / "folder").mkdir()
    before = tree()
    good = {"path": f"{tmp_path}/a", "content": "new"}
    for bad, words in [
        ({"path": "a", "content": ""}, "not an absolute path"),
        ({"path": f"{tmp_path}/b", "content": "", "mode": 420}, "four octal digits"),
        ({"path": f"{tmp_path}/b", "content": "", "owner": "no-such-account"}, "which this host does not have"),
        ({"path": f"{tmp_path}/x/b", "content": ""}, "has no parent directory"),
        ({"path": f"{tmp_path}/folder", "content": ""}, "is a directory where a file should be"),
        ({"path": f"{tmp_path}/b", "content": "x", "validate": ["grep", "y", "%s"]}, "is refused by grep"),
        (
            {"path": f"{tmp_path}/b", "content": "x", "validate": ["no-such-program", "%s"]},
            "there is no no-such-program",
        ),
    ]:
        result = run_module("host_files", {"files": [good, bad]})
        assert result["failed"] and words in result["msg"], result
        assert "untouched: every file of this call" in result["msg"]
        assert tree() == before


def test_a_validator_sees_the_candidate_under_its_own_name(run_module, tmp_path):
    script = 'test "$(basename "$1")" = a.service && grep -q good "$1" && ! test -e "$2"'
    entry = {"path": f"{tmp_path}/a.service", "content": "good\n"}
    entry["validate"] = ["sh", "-c", script, "sh", "%s", entry["path"]]
    assert run_module("host_files", {"files": [entry]})["changed"]
    assert (tmp_path / "a.service").read_text() == "good\n"


def test_check_mode_tells_what_it_could_not_validate(run_module, tmp_path):
    entry = {"path": f"{tmp_path}/a", "content": "x", "validate": ["no-such-program", "%s"]}
    assert run_module("host_files", {"files": [entry]}, check=True)["unproven"] == [entry["path"]]


def test_a_validators_words_do_not_give_a_secret_away(run_module, tmp_path):
    entry = {"path": f"{tmp_path}/a", "content": CANARY, "secret": True, "validate": ["sh", "-c", "cat %s; false"]}
    result = run_module("host_files", {"files": [entry]}, diff=True)
    assert result["failed"] and "not shown" in result["msg"]
    assert CANARY not in result.output


@pytest.mark.parametrize("option", ["content", "content_b64"])
def test_a_secret_is_in_no_result_and_in_no_log(run_module, tmp_path, option):
    text = f"{CANARY}\nsecond line of {CANARY}\n"
    content = text if option == "content" else base64.b64encode(text.encode()).decode()
    entry = {"path": f"{tmp_path}/a", option: content, "secret": True}
    results = [run_module("host_files", {"files": [entry]}, check=check, diff=True) for check in (True, False, False)]
    entry["owner"] = "no-such-account"
    results.append(run_module("host_files", {"files": [entry]}, diff=True))
    assert [result.get("failed", False) for result in results] == [False, False, False, True]
    for result in results:
        assert CANARY not in result.output and content not in result.output
        assert str(tmp_path) in result.output


def test_the_systems_log_holds_no_secret(tmp_path):
    """Ansible notes every call in the system's log; this one is caught on its way there."""
    catcher = (
        "import sys, syslog, json\n"
        "syslog.openlog = lambda *a, **k: None\n"
        "syslog.syslog = lambda *a: print('SYSLOG', a[-1], file=sys.stderr)\n"
        "from ansible.module_utils import basic\n"
        "basic.has_journal = False\n"
        f"sys.argv = ['module_runner.py', 'host_files']; sys.path.insert(0, {str(TESTS)!r})\n"
        "import runpy; runpy.run_path(sys.path[0] + '/module_runner.py', run_name='__main__')\n"
    )
    entry = {"path": f"{tmp_path}/a", "content": f"{CANARY}\nmore of {CANARY}\n", "secret": True}
    done = subprocess.run(
        [sys.executable, "-c", catcher],
        input=json.dumps({"files": [entry]}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "SYSLOG Invoked" in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path, tree):
    """No file may grow past a limit, as on a full disk; the second of three is too big."""
    (tmp_path / "a").write_text("old")
    before = tree()
    entries = [
        {"path": f"{tmp_path}/a", "content": "new"},
        {"path": f"{tmp_path}/sub", "state": "directory"},
        {"path": f"{tmp_path}/sub/b", "content": "x" * 100_000},
        {"path": f"{tmp_path}/c", "content": "new"},
    ]
    result = run_in_fresh_python(
        "host_files",
        {"files": entries},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert result["failed"] and "could not be brought to state: File too large" in result["msg"]
    assert tree() == before


def test_a_killed_run_leaves_whole_files_and_the_next_one_finishes(start_module, run_module, tmp_path):
    """A reader never sees half a file, wherever the run is killed; leftovers are gone after the next run."""
    contents = {f"{tmp_path}/{number}-own.conf": (f"new {number}\n" * 20_000) for number in range(4)}
    old = {path: f"old {path}\n" for path in contents}
    entries = {"files": [{"path": path, "content": content} for path, content in contents.items()]}

    def start(kill_point):
        for path, content in old.items():
            Path(path).write_text(content)
        return start_module("host_files", entries, kill_point=kill_point)

    for _point in every_point(FILE_CHANGES, start, at_least=3 * len(contents)):
        for path, content in contents.items():
            assert Path(path).read_text() in (old[path], content)
    assert not run_module("host_files", entries).get("failed")
    assert {path.name for path in tmp_path.iterdir()} == {Path(path).name for path in contents}
    assert all(Path(path).read_text() == content for path, content in contents.items())


def test_two_runs_at_once_both_succeed(start_module, tmp_path):
    def entries(text):
        return {"files": [{"path": f"{tmp_path}/{number}", "content": f"{text} {number}"} for number in range(30)]}

    runs = [start_module("host_files", entries("same")) for _run in range(4)]
    for run in runs:
        stdout, stderr = run.communicate(timeout=60)
        assert "failed" not in json.loads(stdout.splitlines()[-1]), stdout + stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(str(number) for number in range(30))


@pytest.fixture
def somebody():
    """Runs the module as an unprivileged account, in a folder of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    # The code and the interpreter may lie where that account cannot read: it is loaded before root steps down.
    runner = (
        "import sys, json, os, grp, pwd, syslog, importlib, pkgutil\n"
        f"sys.path.insert(0, {str(TESTS)!r}); import conftest\n"
        "from ansible.module_utils import basic\n"
        "basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': json.load(sys.stdin)}).encode()\n"
        "basic._ANSIBLE_PROFILE = 'legacy'\n"
        "from ansible.module_utils._internal._json import _profiles\n"
        "for found in pkgutil.iter_modules(_profiles.__path__, _profiles.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "from ansible_collections.groundwork.databases.plugins.modules import host_files\n"
        f"os.setgroups([]); os.setresgid(*[{NOBODY}] * 3); os.setresuid(*[{NOBODY}] * 3)\n"
        "host_files.main()\n"
    )
    with tempfile.TemporaryDirectory(prefix="groundwork-") as name:
        Path(name).chmod(0o755)
        home = Path(name) / "home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)

        def run(arguments):
            done = subprocess.run(
                [sys.executable, "-c", runner],
                input=json.dumps(arguments),
                capture_output=True,
                text=True,
                check=False,
                cwd=home,
            )
            assert done.stdout, done.stderr
            return json.loads(done.stdout.splitlines()[-1])

        yield run, home


def test_somebody_manages_what_is_his_and_nothing_else(somebody):
    run, home = somebody
    mine = {"path": f"{home}/a", "content": "mine", "owner": str(NOBODY)}
    assert run({"files": [mine]})["changed"]
    assert (home / "a").stat().st_uid == NOBODY
    assert run({"files": [mine]})["changed"] is False

    foreign = home / "foreign"
    foreign.write_text("root's")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    (closed / "b").write_text("x")
    for bad, words in [
        ({"path": str(foreign), "content": "taken"}, "somebody else than uid 65534"),
        ({"path": f"{home}/a", "content": "given", "owner": "root"}, "somebody else than uid 65534"),
        ({"path": f"{closed}/b", "content": "x"}, "cannot be read: Permission denied"),
        ({"path": "/etc/groundwork-test", "content": "x"}, "where uid 65534 cannot write"),
    ]:
        result = run({"files": [{"path": f"{home}/new", "content": "x"}, bad]})
        assert result["failed"] and words in result["msg"], result
        assert "Run as root" in result["msg"]
    assert foreign.read_text() == "root's" and (home / "a").read_text() == "mine" and not (home / "new").exists()
