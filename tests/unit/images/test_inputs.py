"""The digest of a prepared image changes with what decides what it holds, and with nothing else."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import types
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
NEEDED = ("roles", "plugins", "tests/images", "tests/molecule")
MIRROR = ".cache/tests/mirror/inputs"
KEY = ".cache/tests/mirror/tree/key.asc"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("checkout")
    for folder in NEEDED:
        shutil.copytree(CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / KEY).parent.mkdir(parents=True)
    (copy / MIRROR).write_text("a mirror")
    (copy / KEY).write_text("a key")
    return copy


@functools.cache
def program(checkout: Path) -> types.ModuleType:
    """The program of that checkout, which knows where it lies."""
    specification = importlib.util.spec_from_file_location("inputs", checkout / "tests/images/inputs.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def digest(checkout: Path, name: str = "postgresql_16", base: str = "groundwork-test:base") -> str:
    found: str = program(checkout).digest(checkout / f"tests/images/prepared/{name}.yml", base)
    return found


@pytest.fixture(scope="module")
def before(pristine: Path) -> str:
    return digest(pristine)


def digest_with_another_line(checkout: Path, file: str) -> str:
    """At the end of a file, which is as it was afterwards."""
    path = checkout / file
    text = path.read_text()
    path.write_text(f"{text}\n# another line\n")
    try:
        return digest(checkout)
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    "file",
    [
        MIRROR,
        KEY,
        "tests/images/prepare",
        "tests/images/prepared/postgresql_16.yml",
        "tests/molecule/hosts.py",
        "roles/postgresql_16/tasks/preflight.yml",
        "roles/postgresql_16/tasks/install.yml",
        "roles/postgresql_16/defaults/main.yml",
        "roles/postgresql_16/vars/main.yml",
        "plugins/modules/host_packages.py",
        "plugins/modules/host_files.py",
        "plugins/module_utils/_core/module.py",
        "plugins/module_utils/_host/packages/plan.py",
        "plugins/module_utils/_pg/clusters/live.py",
        "plugins/filter/host_answer.py",
        "plugins/module_utils/_pg/host_plan/clusters.py",
    ],
)
def test_the_digest_changes_with_what_decides_the_image(pristine: Path, before: str, file: str) -> None:
    assert digest_with_another_line(pristine, file) != before


@pytest.mark.parametrize(
    "file",
    [
        "roles/postgresql_16/tasks/replication.yml",
        "roles/postgresql_16/meta/argument_specs.yml",
        "roles/mongodb_7/tasks/install.yml",
        "plugins/modules/pg_contents.py",
        "plugins/module_utils/_pg/contents/plan.py",
        "tests/images/prepared/mongodb_7.yml",
        "tests/molecule/run",
    ],
)
def test_the_digest_stays_when_something_else_changes(pristine: Path, before: str, file: str) -> None:
    assert digest_with_another_line(pristine, file) == before


def test_another_base_gives_another_digest(pristine: Path, before: str) -> None:
    assert before != digest(pristine, base="groundwork-test:other")


def test_each_prepared_image_has_a_digest_of_its_own(pristine: Path) -> None:
    names = sorted(path.stem for path in (pristine / "tests/images/prepared").glob("*.yml"))
    assert len({digest(pristine, name) for name in names}) == len(names) > 1
