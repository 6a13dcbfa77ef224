# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packer: the same bytes from the same sources, and a program that runs where the collection is not."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive, sources

CHECKOUT = Path(__file__).resolve().parents[5]
PROGRAMS = ["mongodb_exporter", "pgbouncer_exporter", "pgbouncer_resume"]
DIGESTS = """
import hashlib, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
import conftest
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive
os.umask(int(sys.argv[3], 8))
for name in sys.argv[4:]:
    print(hashlib.sha256(archive.program(name, pathlib.Path(sys.argv[2]))).hexdigest())
"""
SOURCES = {
    "programs/hello/main.py": "import sys\n\nfrom .._shared.words import greeting\n\n\n"
    "def main() -> None:\n    print(greeting(sys.argv[1]), sys.flags.isolated)\n",
    "programs/_shared/words.py": "from ...module_utils import _names\n\n\n"
    "def greeting(name: str) -> str:\n    return f'hello {_names.shown(name)}'\n",
    "programs/_shared/unused.py": "import nothing_that_exists\n",
    "module_utils/_names.py": "def shown(name: str) -> str:\n    return name.title()\n",
}


def tree(folder: Path, **changed: str) -> Path:
    for name, text in {**SOURCES, **changed}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names_in(packed: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(packed)).namelist()


def test_the_programs_are_those_that_roles_and_modules_bring():
    assert sources.names(archive.PLUGINS) == PROGRAMS


def test_the_bytes_are_these_with_every_version_of_python(tmp_path):
    packed = archive.program("hello", tree(tmp_path))
    assert hashlib.sha256(packed).hexdigest() == "6f9611b32d3cfa43a514d69e563cd262d65976309662a87a60d4ee56c29ea573"


def test_it_holds_what_it_imports_and_nothing_else(tmp_path):
    packed = archive.program("hello", tree(tmp_path))
    assert names_in(packed) == [
        "__main__.py", "groundwork/__init__.py", "groundwork/module_utils/__init__.py",
        "groundwork/module_utils/_names.py", "groundwork/programs/__init__.py",
        "groundwork/programs/_shared/__init__.py", "groundwork/programs/_shared/words.py",
        "groundwork/programs/hello/__init__.py", "groundwork/programs/hello/main.py",
    ]  # fmt: skip


def test_it_runs_by_itself_and_in_isolation(tmp_path):
    program = tmp_path / "hello.pyz"
    program.write_bytes(archive.program("hello", tree(tmp_path / "plugins")))
    program.chmod(0o755)
    shutil.rmtree(tmp_path / "plugins")
    # What would come first, were it not isolated.
    (tmp_path / "groundwork.py").write_text("raise SystemExit('not the one of the archive')")
    for command in ([program], [sys.executable, "-I", program]):
        done = subprocess.run(
            [*command, "ada"], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("hello Ada 1\n", "")


@pytest.mark.parametrize(("umask", "zone"), [("0077", "Pacific/Kiritimati"), ("0000", "America/Adak")])
def test_neither_umask_nor_time_nor_place_changes_a_byte(tmp_path, umask, zone):
    copy = tmp_path / "elsewhere" / umask
    for part in ("programs", "module_utils"):
        shutil.copytree(archive.PLUGINS / part, copy / part)
    for number, path in enumerate(sorted(copy.rglob("*"), reverse=True)):
        path.chmod(0o700)
        os.utime(path, (1_000_000_000 + number, 1_700_000_000 + number))
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, CHECKOUT / "tests", copy, umask, *PROGRAMS], cwd=tmp_path,
        env={**os.environ, "TZ": zone, "PYTHONHASHSEED": umask}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [hashlib.sha256(archive.program(name)).hexdigest() for name in PROGRAMS]


def test_another_source_is_another_program(tmp_path):
    before = archive.program("hello", tree(tmp_path))
    text = SOURCES["module_utils/_names.py"].replace("title", "upper")
    assert archive.program("hello", tree(tmp_path, **{"module_utils/_names.py": text})) != before


@pytest.mark.parametrize(
    "text",
    ["import ansible.errors", "from ansible.module_utils import basic", "import ansible_collections.groundwork"],
)
def test_what_hosts_do_not_have_is_refused(tmp_path, text):
    tree(tmp_path, **{"module_utils/_names.py": f"import os\n{text}\n"})
    with pytest.raises(GroundworkError, match="hosts do not have it") as caught:
        archive.program("hello", tmp_path)
    assert caught.value.where == "plugins/module_utils/_names.py:2"


def test_an_import_without_a_file_is_refused(tmp_path):
    tree(tmp_path, **{"module_utils/_names.py": "from ._gone import shown\n"})
    with pytest.raises(GroundworkError, match="no file for the import of shown"):
        archive.program("hello", tmp_path)


@pytest.mark.parametrize("name", ["absent", "_shared", "../programs/hello", ""])
def test_only_programs_are_packed(tmp_path, name):
    with pytest.raises(GroundworkError, match="There is no program") as caught:
        archive.program(name, tree(tmp_path))
    assert caught.value.hint == "Programs are hello."


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_has_all_that_it_imports(tmp_path, name):
    program = tmp_path / f"{name}.pyz"
    program.write_bytes(archive.program(name))
    look = f"import sys; sys.path.insert(0, sys.argv[1]); from groundwork.programs.{name}.main import main; print(main)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", look, program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
