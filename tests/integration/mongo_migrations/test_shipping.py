"""The controller's folder of change files, sent by the action plugin through ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Migrate
      groundwork.databases.mongo_migrations:
        login_host: "{{ login.login_host }}"
        login_port: "{{ login.login_port }}"
        login_user: "{{ login.login_user }}"
        login_password: "{{ login.login_password }}"
        replica_set: "{{ login.replica_set | default(omit) }}"
        database: "{{ database }}"
        locations: [mongodb]
"""


def play(migrations: t.Any, folder: Path, *arguments: str) -> str:
    (folder / "play.yml").write_text(PLAYBOOK)
    variables = {"login": migrations.server.login, "database": migrations.name}
    (folder / "vars.json").write_text(json.dumps({**variables, "ansible_python_interpreter": sys.executable}))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")), str(folder / "play.yml"), "-i", "localhost,",
            "-c", "local", "-e", f"@{folder / 'vars.json'}", "--diff", *arguments,
        ],
        cwd=CHECKOUT, env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout


def test_folder_beside_the_playbook_is_sent_whatever_its_size(migrations: t.Any, tmp_path: Path) -> None:
    (migrations.folder / "sub").mkdir()
    (migrations.folder / "sub" / "V2__later.yml").write_text(
        "operations:\n  - update_many: {collection: things, update: {$set: {seen: true}}}\n"
    )
    migrations.write("V1__first.json", {"insert": {"collection": "things", "documents": [{"n": n} for n in range(3)]}})
    promised = play(migrations, tmp_path, "--check")
    assert "changed=1" in promised and "1 first (apply)" in promised and "2 later (apply)" in promised, promised
    assert migrations.db.list_collection_names() == []
    done = play(migrations, tmp_path)
    assert "changed=1" in done, done
    assert migrations.db.things.count_documents({"seen": True}) == 3
    # Too much for the module's arguments: the archive travels as a file.
    noise = [{"_id": n, "text": os.urandom(300).hex()} for n in range(4000)]
    migrations.write("V3__big.json", {"insert": {"collection": "noise", "documents": noise}})
    assert "changed=1" in play(migrations, tmp_path)
    assert migrations.db.noise.count_documents({}) == len(noise)
    assert "changed=0" in play(migrations, tmp_path)


def test_missing_folder_is_told_by_the_controller(migrations: t.Any, tmp_path: Path) -> None:
    migrations.folder.rmdir()
    output = play(migrations, tmp_path)
    assert "The migration folder mongodb does not exist" in output and "failed=1" in output
