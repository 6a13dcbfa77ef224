"""The built collection works elsewhere, with nothing but its four run-time folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import servers

CHECKOUT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
RUNTIME_FOLDERS = {"meta", "plugins", "roles", "playbooks"}


@pytest.fixture(scope="module")
def tarball(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    # A clean export, as a release is built: the checkout may hold an environment and caches.
    source = folder / "source"
    source.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        origin = CHECKOUT / name
        if not origin.exists() and not origin.is_symlink():
            continue
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin, target, follow_symlinks=False)
    subprocess.run([BIN / "ansible-galaxy", "collection", "build", "--output-path", folder], cwd=source, check=True)
    return next(folder.glob("groundwork-databases-*.tar.gz"))


def test_tarball_holds_what_users_need_and_nothing_else(tarball):
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
    top = {name.partition("/")[0] for name in names}
    assert top >= {
        "meta",
        "plugins",
        "roles",
        "playbooks",
        "applications",
        "inventories",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }
    assert not top & {
        "tests",
        "collections",
        "extensions",
        ".ci",
        ".venv",
        ".local",
        ".cache",
        "Makefile",
        "ansible.cfg",
    }
    assert not [name for name in names if name.endswith((".pyc", ".pyz", ".tar.gz", ".whl"))]
    sources = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "plugins/programs").rglob("*.py")}
    assert sources and sources <= set(names)


def test_installed_collection_deploys_from_another_folder(tarball):
    project = servers.temporary_home(servers.server_account(None))
    collections = project / "collections"
    configuration = project / "ansible.cfg"
    configuration.write_text(f"[defaults]\ncollections_path = {collections}\n")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(configuration), "ANSIBLE_NOCOLOR": "1"}
    galaxy = [BIN / "ansible-galaxy", "collection", "install", "--offline", "-p", collections, tarball]
    subprocess.run(galaxy, check=True, cwd=project, env=environment)
    installed = collections / "ansible_collections/groundwork/databases"
    for entry in installed.iterdir():
        if entry.name not in RUNTIME_FOLDERS and entry.name not in ("MANIFEST.json", "FILES.json"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    for name in ("inventories", "applications"):
        shutil.copytree(CHECKOUT / name, project / name)

    def play(playbook: str) -> str:
        command = [
            BIN / "ansible-playbook",
            f"groundwork.databases.{playbook}",
            "-i",
            "inventories/local",
            "-e",
            f"local_servers_cache={servers.CACHE / 'downloads'}",
        ]
        done = subprocess.run(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    try:
        assert "11 collections, 40 indexes" in play("site")
        assert "changed=0" in play("site")
    finally:
        play("local_destroy")
        shutil.rmtree(project)
