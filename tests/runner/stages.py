"""What a run of the checks is made of: each stage is one command that keeps about one core busy."""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parents[1]
CHECKOUT = TESTS.parent
BIN = CHECKOUT / ".venv" / "bin"
INTEGRATION = TESTS / "integration"
SCENARIOS = CHECKOUT / "extensions" / "molecule"
PLUGINS = "collections/ansible_collections/groundwork/databases/plugins"
GROUND = "ground"
LONG_MARK = "pytest.mark.long"
TOOLCHAINS = CHECKOUT / ".cache" / "toolchains"
#: Version → the tests whose outcome may depend on it, in place of the version that everything else runs with.
TESTED_WITH = {
    "core-2.16": ("unit", "integration/lying_hosts", "integration/package", "integration/site"),
    "core-2.19": ("unit", "integration/lying_hosts", "integration/package", "integration/site"),
    "old-drivers": (
        "integration/mongo_collections",
        "integration/mongo_migrations",
        "integration/mongo_replica_set",
        "integration/mongo_users",
        "integration/pg_contents",
        "integration/pg_partitions",
        "integration/pg_schema_apply",
    ),
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command.

    :ivar seconds: what it may take in its slot.
    :ivar pytest: whether it understands ``--junitxml``, and so has a count of its own.
    :ivar needs: names of stages that must have passed before.
    """

    name: str
    area: str
    seconds: int
    command: tuple[str, ...]
    pytest: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()


@functools.cache
def budgets() -> dict[str, dict[str, int]]:
    """Area → stage → seconds, as ``tests/stages.yml`` has them."""
    return t.cast("dict[str, dict[str, int]]", yaml.safe_load((TESTS / "stages.yml").read_text()))


def _stage(name: str, *command: str, budget: str = "", **options: t.Any) -> Stage:
    """:raises KeyError: tests/stages.yml gives the stage no budget."""
    wanted = budget or name
    for area, stages in budgets().items():
        if wanted in stages:
            return Stage(name, area, stages[wanted], command, **options)
    raise KeyError(f"tests/stages.yml has no seconds for the stage {wanted}")


def _pytest(name: str, path: str, *arguments: str, python: Path = BIN / "python", budget: str = "") -> Stage:
    command = (str(python), "-m", "pytest", "-c", "tests/pytest.ini", "-q", path, *arguments)
    return _stage(name, *command, budget=budget, pytest=True)


def checks() -> list[Stage]:
    """Everything that reads the code and runs no server."""
    return [
        _stage("ruff", str(BIN / "ruff"), "check", "."),
        _stage("mypy", str(BIN / "mypy"), PLUGINS, environment=(("MYPYPATH", "collections"),)),
        _stage("yamllint", str(BIN / "yamllint"), "--strict", "."),
        _stage("ansible-lint", str(BIN / "ansible-lint"), "--offline", "-q", environment=(("NO_COLOR", "1"),)),
        _stage("reference-pages", str(BIN / "python"), "docs/generate.py", "--check"),
        _pytest("unit", "tests/unit"),
    ]


def sanity() -> Stage:
    return _stage("sanity", "tests/sanity/run")


def integration(long: bool = False) -> list[Stage]:
    """One stage per folder, so that what a folder's tests share is started once.

    :param long: the tests marked ``long`` in place of all others.
    """
    marked = ("-m", "long") if long else ("-m", "not long")
    return [
        _pytest(f"{'long/' if long else ''}{name}", f"tests/{name}", *marked, budget=name)
        for name in _test_folders()
        if not long or _has_long_tests(TESTS / name)
    ]


def _test_folders() -> list[str]:
    loose = [path.name for path in sorted(INTEGRATION.glob("test_*.py"))]
    folders = [path.name for path in sorted(INTEGRATION.iterdir()) if any(path.glob("test_*.py"))]
    return [f"integration/{name}" for name in loose + folders]


def _has_long_tests(path: Path) -> bool:
    files = [path] if path.is_file() else path.glob("test_*.py")
    return any(LONG_MARK in file.read_text() for file in files)


def other_versions() -> list[Stage]:
    """The same tests with the oldest and the newest ansible-core, and with old drivers, each in its own environment."""
    stages = []
    for version, paths in TESTED_WITH.items():
        toolchain = f"toolchain/{version}"
        stages.append(_stage(toolchain, "tests/toolchain/prepare_version", version, budget="toolchain"))
        programs = TOOLCHAINS / version / "bin"
        environment = (
            ("ANSIBLE_INJECT_FACT_VARS", "false"),
            ("PATH", f"{programs}:{os.environ['PATH']}"),
            ("VIRTUAL_ENV", str(programs.parent)),
        )
        stages += [
            dataclasses.replace(
                _pytest(f"{version}/{path}", f"tests/{path}", python=programs / "python", budget=path),
                environment=environment,
                needs=(toolchain,),
            )
            for path in paths
        ]
    return stages


def ground() -> Stage:
    """The container engine, the package mirror and the image, which all scenarios share."""
    return _stage(GROUND, "tests/molecule/ground", environment=(("VIRTUAL_ENV", str(BIN.parent)),))


def scenarios(suite: str = "") -> list[Stage]:
    """:param suite: the system under test in place of the usual one, such as ``bookworm``."""
    names = sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))
    environment = (("GROUNDWORK_TEST_SUITE", suite),) if suite else ()
    return [
        _stage(
            f"{suite or 'scenario'}/{name}",
            "tests/molecule/run",
            name,
            budget=f"scenario/{name}",
            environment=environment,
            needs=(GROUND,),
        )
        for name in names
    ]


def fast() -> list[Stage]:
    first_light = ["integration/test_servers.py", "integration/site/test_deploy.py"]
    return [*checks(), *(_pytest(name, f"tests/{name}", budget="first-light") for name in first_light)]


def landing() -> list[Stage]:
    """What must be true at every landing."""
    return [*checks(), sanity(), *integration(), ground(), *scenarios()]


def long() -> list[Stage]:
    """What is too long for every landing: full fault matrices, other versions and the second supported system."""
    return [*integration(long=True), *other_versions(), ground(), *scenarios("bookworm")]
