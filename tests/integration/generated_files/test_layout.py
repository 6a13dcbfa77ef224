"""Generated secrets in the layout of inventories/uat: Ansible never reads them as names of hosts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
KEY = "aKeyOfTheSetOfSixtyFourLettersAndDigits0123456789abcdefghijklmnop"
FILES = {
    "secrets/mongodb/rs0.keyfile": KEY,
    "secrets/mongodb/rs0.exporter": "exporterPassword0123456789",
    "secrets/mongodb/ca.crt": "certificate of mongodb",
    "secrets/mongodb/ca.key": "mongodbKeyLine",
    "secrets/postgresql/ca.crt": "certificate of postgresql",
    "secrets/postgresql/ca.key": "postgresqlKeyLine",
    "secrets/pgbouncer/ca.crt": "certificate of pgbouncer",
    "secrets/pgbouncer/ca.key": "pgbouncerKeyLine",
}
# The tasks of the three roles that have to do with it, without the servers around them.
PLAY = """
- hosts: {group}
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: groundwork.databases.{role}
        tasks_from: {tasks}
"""
ROLES = {"postgresql": "postgresql_16", "mongodb": "mongodb_7", "pgbouncer": "pgbouncer"}


class Site:
    """A checkout's inventories, elsewhere: nothing of the real ones is touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "inventories/uat"
        shutil.copytree(CHECKOUT / "inventories", folder / "inventories", ignore=shutil.ignore_patterns("secrets"))
        (self.inventory / "group_vars/all/connection.yml").write_text(
            f"ansible_connection: local\nansible_python_interpreter: {sys.executable}\n"
        )
        (self.inventory / "group_vars/all/vault.yml").write_text(
            "".join(
                f"vault_{name}: of the test only\n"
                for name in (
                    "credforge_postgresql_password", "credforge_mongodb_password", "postgresql_replication_password",
                    "mongodb_admin_password", "pgbouncer_admin_password", "scram_seed",
                )
            )
        )  # fmt: skip

    def ansible(self, program: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
                 "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "collections")},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=200,
        )  # fmt: skip

    def play(self, group: str, *arguments: str, tasks: str = "secrets") -> subprocess.CompletedProcess[str]:
        (self.folder / "play.yml").write_text(PLAY.format(group=group, role=ROLES[group], tasks=tasks))
        return self.ansible("ansible-playbook", "play.yml", "-i", "inventories/uat", *arguments)

    def generate_below_the_inventory(self) -> None:
        for name, text in FILES.items():
            path = self.inventory / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(text + "\n")
            path.chmod(0o600)

    def files(self, folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}

    def hosts(self, *arguments: str) -> str:
        return self.ansible("ansible", "all", "--list-hosts", *arguments).stdout


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def recap(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stdout
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", done.stdout, re.M)}


def test_secrets_below_the_inventory_are_moved_and_are_no_names_of_hosts_any_more(site: Site) -> None:
    site.generate_below_the_inventory()
    assert KEY in site.hosts("-i", "inventories/uat"), "the layout that this is about shows no secret"
    before = site.files(site.folder)
    for group in ROLES:
        predicted = site.play(group, "--check", "--diff")
        assert site.files(site.folder) | {"play.yml": ""} == before | {"play.yml": ""}
        done = site.play(group)
        assert recap(predicted) == recap(done) and sorted(recap(done).values())[-1] == 1, done.stdout
        assert sum(recap(done).values()) == 1
        former, place = site.inventory / "secrets" / group, site.folder / ".secrets/inventories/uat" / group
        message = re.sub(r"\s+", " ", done.stdout)
        assert f"in {former}, which Ansible reads as an inventory, were moved to {place}." in message
        assert sum(recap(site.play(group)).values()) == 0
        before = site.files(site.folder)
    moved = site.files(site.folder / ".secrets/inventories/uat")
    assert moved == {name.removeprefix("secrets/"): text + "\n" for name, text in FILES.items()}
    assert not (site.inventory / "secrets").exists()
    modes = {path: path.stat().st_mode & 0o777 for path in (site.folder / ".secrets").rglob("*")}
    assert set(modes.values()) == {0o700, 0o600}
    for source in ("inventories/uat", "inventories", "inventories/uat/hosts"):
        listed = site.hosts("-i", source)
        assert "uat-mongodb-1" in listed and "WARNING" not in listed
        assert not [text for text in FILES.values() if text in listed]


def test_two_places_that_differ_are_refused_before_anything_else(site: Site) -> None:
    site.generate_below_the_inventory()
    own = site.folder / ".secrets/inventories/uat/mongodb"
    own.mkdir(parents=True)
    (own / "rs0.keyfile").write_text("another key\n")
    before = site.files(site.folder)
    for arguments in (["--check"], []):
        refused = site.play("mongodb", *arguments, tasks="preflight")
        message = re.sub(r"\s+", " ", refused.stdout)
        assert refused.returncode == 2 and "both hold another rs0.keyfile" in message, refused.stdout
        assert "Nothing was changed" in message and KEY not in message
    assert site.files(site.folder) == {**before, "play.yml": (site.folder / "play.yml").read_text()}


@pytest.mark.parametrize("group", list(ROLES))
def test_a_folder_below_the_inventory_is_refused(site: Site, group: str) -> None:
    refused = site.play(group, "-e", "generated_secrets_directory={{ inventory_dir }}/secrets", tasks="preflight")
    message = re.sub(r"\s+", " ", refused.stdout)
    assert refused.returncode == 2 and f"below the inventory {site.inventory}" in message, refused.stdout
    assert "Nothing was changed" in message
    assert not (site.folder / ".secrets").exists() and not (site.inventory / "secrets").exists()


PLACE = ("-m", "ansible.builtin.debug", "-a", "msg={{ lookup('groundwork.databases.secrets_directory', 'mongodb') }}")


@pytest.mark.parametrize(
    ("source", "folder"),
    [("inventories/uat", "."), ("inventories", "."), ("hosts", "inventories/uat"), (".", "inventories/uat")],
)
def test_the_place_is_the_same_however_ansible_is_started(site: Site, source: str, folder: str) -> None:
    shown = site.ansible("ansible", "uat-mongodb-1", "-i", source, *PLACE, cwd=site.folder / folder).stdout
    assert f"msg: {site.folder}/.secrets/inventories/uat/mongodb\n" in shown, shown


def test_environments_have_places_of_their_own(site: Site) -> None:
    shown = site.ansible("ansible", "uat-mongodb-1:workstation", "-i", "inventories", *PLACE).stdout
    places = re.findall(r"msg: (.*)", shown)
    assert sorted(places) == [
        f"{site.folder}/.secrets/inventories/local/mongodb", f"{site.folder}/.secrets/inventories/uat/mongodb",
    ]  # fmt: skip


@pytest.mark.parametrize("group", list(ROLES))
def test_a_host_in_no_inventory_file_has_to_name_a_folder(site: Site, group: str) -> None:
    play = PLAY.format(group="all", role=ROLES[group], tasks="preflight")
    (site.folder / "play.yml").write_text(play)
    variables = {"postgresql_16_clusters": [{"name": "main", "tls": {"mode": "generated"}}]}
    done = site.ansible("ansible-playbook", "play.yml", "-i", "host,", "-c", "local", "-e", json.dumps(variables))
    message = re.sub(r"\s+", " ", done.stdout)
    option = "mongodb_7_secrets_directory" if group == "mongodb" else f"{ROLES[group]}_tls_directory"
    assert done.returncode == 2 and f"{option} is empty" in message, done.stdout
    assert not (site.folder / ".secrets").exists() and not list(CHECKOUT.glob("playbooks/secrets"))
