"""The catalogue and the reading of values, held against the real server."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import setting_catalogue
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings import (
    catalogue,
    postgresql_16,
    values,
)

CATALOGUE = catalogue.postgresql_16()


def test_the_catalogue_is_what_the_server_says(new_cluster):
    cluster = new_cluster()
    with cluster.main_file.open("a") as out:
        out.write(f"shared_preload_libraries = '{setting_catalogue.LIBRARIES}'\n")
    cluster.start()
    assert setting_catalogue.rows(cluster.query) == postgresql_16.ROWS.strip().splitlines()


@pytest.fixture(scope="module")
def ask(bin_directory, account, tmp_path_factory):
    """What the server makes of one value in a file, ``None`` when it refuses it."""
    config = tmp_path_factory.mktemp("ask") / "postgresql.conf"
    config.write_text(f"hba_file = '{config}'\nident_file = '{config}'\n")

    def call(name: str, text: str) -> str | None:
        argv = [str(bin_directory / "postgres"), "-C", name, "-c", f"config_file={config}", "-c", f"{name}={text}"]
        outcome = subprocess.run(
            [*argv, "-c", "data_directory=/nonexistent"], capture_output=True, text=True, check=False
        )
        return outcome.stdout.rstrip("\n") if outcome.returncode == 0 else None

    return call


def ours(name: str, text: str):
    setting = CATALOGUE.get(name)
    try:
        values.text(name, setting, text)
    except values.BadValue:
        return None
    return values.meaning(setting, text)


def samples():
    """Numbers and words that somebody may write, the same ones at every run."""
    chance = random.Random(16)
    units = ["", "B", "kB", "MB", "GB", "TB", "us", "ms", "s", "min", "h", "d", " kB", "KB", "m", "x"]
    numeric = [s for s in CATALOGUE if s.kind in ("integer", "real") and s.context != "internal" and "." not in s.name]
    for _number in range(250):
        setting = chance.choice(numeric)
        number = chance.choice(
            [
                str(chance.randint(-2, 3000)),
                f"{chance.uniform(0, 40):.2f}",
                f"{chance.randint(1, 9)}e{chance.randint(0, 4)}",
                hex(chance.randint(0, 5000)),
                *("010", "1.", ".5", " 7 ", "", "1 2", "1e400", "+5"),
            ]
        )
        yield setting.name, number + chance.choice(units)
    words = ["on", "off", "of", "o", "t", "fal", "yes", "n", "1", "0", "2", "ON", "replica", "none", "all", ""]
    others = [s for s in CATALOGUE if s.kind in ("bool", "enum") and s.context != "internal" and "." not in s.name]
    for _number in range(150):
        setting = chance.choice(others)
        yield setting.name, chance.choice([*words, *setting.choices])


def test_values_are_read_as_the_server_reads_them(ask):
    """Never accepted where the server refuses; where both accept, the same value."""
    stricter = []
    # What needs another setting, a library or a build, or what the server rounds by itself.
    elsewhere = {"temp_file_limit", "wal_buffers", "huge_page_size", "max_stack_depth", "debug_discard_caches",
                 "ssl", "jit_provider", "effective_io_concurrency", "autovacuum_work_mem"}  # fmt: skip
    for name, text in samples():
        if name in elsewhere or name.startswith("transaction_"):
            continue
        theirs, mine = ask(name, text), ours(name, text)
        if theirs is None:
            assert mine is None, (name, text, mine)
        elif mine is None:
            stricter.append((name, text, theirs))
        else:
            assert values.meaning(CATALOGUE.get(name), theirs) == pytest.approx(mine), (name, text, theirs, mine)
    # Old spellings of choices that pg_settings does not list are all that is refused although the server takes it.
    assert not [found for found in stricter if CATALOGUE.get(found[0]).kind != "enum"], stricter
