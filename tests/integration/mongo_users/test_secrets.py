"""Passwords in no output of ansible-playbook at -vvv, with differences shown, and not in the server's log either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
# What gets lost on the way, between two words that a search finds however the rest is written. A tab and a
# zero width space are refused.
ODD = "\\ ' \" \u00a0 %s %41 {{ no }} $1 ä"
CANARY, OTHER, LOGIN = (f"Jd83hf {ODD} {which} Jd83hf" for which in ("first", "second", "login"))

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/groundwork.databases.mongodb: "{{ login }}"
  tasks:
    - name: Users
      groundwork.databases.mongo_users:
        users:
          - name: canary_user
            password: "{{ secret }}"
            roles: "{{ user_roles }}"
            custom_data: {team: risk}
      register: answer

    - name: Show what was registered
      ansible.builtin.debug:
        var: answer
"""


@pytest.fixture
def verbose_server(mongod_server: t.Any) -> t.Iterator[t.Any]:
    """The server while it logs every command."""
    with mongod_server.client() as client:
        client.admin.command("setParameter", 1, logLevel=2)
        client.admin.command("createUser", "canary_admin", pwd=LOGIN, roles=["root"])
        yield mongod_server
        client.admin.command("setParameter", 1, logLevel=0)
        for name in ("canary_admin", "canary_user"):
            if client.admin.command("usersInfo", name)["users"]:
                client.admin.command("dropUser", name)


def play(server: t.Any, folder: Path, *arguments: str, **variables: t.Any) -> tuple[int, str]:
    (folder / "play.yml").write_text(PLAYBOOK)
    login = {**server.login, "login_user": "canary_admin", "login_password": "{{ password }}"}
    given = {"login": login, "user_roles": [], "ansible_python_interpreter": sys.executable, **variables}
    secrets = {"password": LOGIN, "secret": given.pop("secret")}
    text = [json.dumps({name: value})[1:-1] for name, value in given.items()]
    text += [f"{name}: !unsafe {json.dumps(value)}" for name, value in secrets.items()]
    (folder / "vars.yml").write_text("\n".join(text) + "\n")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(folder / "play.yml"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"@{folder / 'vars.yml'}",
            "-vvv",
            "--diff",
            *arguments,
        ],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def test_no_password_is_shown_or_logged(verbose_server: t.Any, tmp_path: Path) -> None:
    outputs = []
    for arguments, variables, expected in (
        (["--check"], {"secret": CANARY}, "changed=1"),
        ([], {"secret": CANARY}, "changed=1"),
        ([], {"secret": CANARY}, "changed=0"),
        (["--check"], {"secret": OTHER}, "changed=1"),
        ([], {"secret": OTHER}, "changed=1"),
    ):
        code, output = play(verbose_server, tmp_path, *arguments, **variables)
        assert code == 0 and expected in output, output
        outputs.append(output)
    for variables in (
        {"secret": OTHER + "\x01"},
        {"secret": OTHER + "\u200b"},
        {"secret": OTHER, "user_roles": [{"role": "nothing", "db": "x"}]},
    ):
        code, output = play(verbose_server, tmp_path, **variables)
        assert code == 2 and "users[0]." in output, output
        outputs.append(output)
    text = "".join(outputs)
    assert "canary_user@admin" in text and "another one" in text
    assert "Jd83hf" not in text
    log = verbose_server.log.read_text()
    assert '"createUser":"canary_user"' in log and '"updateUser":"canary_user"' in log
    assert "Jd83hf" not in log
