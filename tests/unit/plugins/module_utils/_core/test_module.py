"""No module writes an argument into the log of its host, and none shows a secret, however it is spelled."""

from __future__ import annotations

import ast
import json
import shlex
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible.module_utils import basic
from ansible_collections.groundwork.databases.plugins.module_utils._core.module import (
    GroundworkModule,
    secrets_by_name,
    spellings,
)

PLUGINS = Path(__file__).resolve().parents[5] / "plugins"
MODULES = sorted((PLUGINS / "modules").glob("*.py"))
ODD = "a\\b'c\"d\te\u00a0f\u200bg%h{{ i }}j"
SPECIFICATION: dict[str, t.Any] = {
    "login_password": {"type": "str", "no_log": True},
    "users": {
        "type": "list", "elements": "dict",
        "options": {"name": {"type": "str"}, "password": {"type": "str", "no_log": True}},
    },
    "settings": {"type": "dict"},
    "path": {"type": "str"},
}  # fmt: skip


def calls_of_ansibles_own_frame(path: Path) -> list[int]:
    tree = ast.parse(path.read_text())
    names = {"AnsibleModule"} | {
        alias.asname
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        for alias in node.names if alias.name == "AnsibleModule" and alias.asname
    }  # fmt: skip
    used = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    used += [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return [node.lineno for node in used if ast.unparse(node).rpartition(".")[2] in names]


def test_the_search_finds_ansibles_own_frame(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("AnsibleModule({})", "basic.AnsibleModule({})", "class M(AnsibleModule): pass",
         "from ansible.module_utils.basic import AnsibleModule as M\nM({})"), 1,
    ):  # fmt: skip
        (tmp_path / "module.py").write_text(text)
        assert calls_of_ansibles_own_frame(tmp_path / "module.py"), number


def runs(path: Path) -> bool:
    """Whether a module is more than the documentation of an action that runs on the controller alone."""
    statements = ast.parse(path.read_text()).body
    documentation = all(isinstance(node, (ast.Assign, ast.ImportFrom)) for node in statements)
    return not (documentation and (PLUGINS / "action" / path.name).is_file())


@pytest.mark.parametrize("path", filter(runs, MODULES), ids=lambda path: path.stem)
def test_every_module_has_the_frame_that_logs_nothing(path: Path) -> None:
    assert "    run_module(" in path.read_text()
    assert not calls_of_ansibles_own_frame(path)


def test_only_the_frame_itself_is_built_on_ansibles() -> None:
    found = [path.name for path in sorted(PLUGINS.rglob("*.py")) if calls_of_ansibles_own_frame(path)]
    assert found == ["module.py"]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Ansible writes into syslog, the only log where systemd's library is missing."""
    lines: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.AnsibleModule, "_log_to_syslog", lambda _self, message: lines.append(message))
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    arguments = {
        "login_password": ODD, "users": [{"name": "app", "password": ODD}], "path": "not a secret",
        "settings": {"net": {"tls": {"clusterPassword": ODD}}, "app.password": ODD},
    }  # fmt: skip
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    return lines


def test_ansibles_own_frame_would_log_such_a_password(log: list[str]) -> None:
    basic.AnsibleModule(argument_spec=SPECIFICATION)
    assert repr(ODD)[1:-1] in log[0]


def test_no_argument_is_logged(log: list[str]) -> None:
    module = GroundworkModule(argument_spec=SPECIFICATION)
    module.warn(f"a warning about {ODD}")
    with pytest.raises(SystemExit):
        module.run_command(["/nonexistent/program", ODD])
    assert log == ["Invoked"]
    module.log_progress("half of it is done")
    assert log == ["Invoked", "half of it is done"]


def test_no_spelling_of_a_secret_is_in_a_result(
    log: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where warnings go depends on whether a test of this process has loaded the controller's part of Ansible.
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _self, warning: warned.append(warning))
    module = GroundworkModule(argument_spec=SPECIFICATION)
    module.warn(f"the password {ODD!r} is odd")
    with pytest.raises(SystemExit):
        module.fail_json(
            msg=f"syntax error: ALTER ROLE app PASSWORD '{ODD.replace(chr(39), chr(39) * 2)}'",
            errors=[repr(ODD), json.dumps(ODD), json.dumps(ODD, ensure_ascii=False), quote(ODD, safe=""),
                    shlex.quote(ODD), repr({"password": ODD}), f"E'{ODD!r}'"],
            diff={"after": ODD},
        )  # fmt: skip
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    shown = json.dumps([result, warned])
    assert result["invocation"]["module_args"]["path"] == "not a secret" and "is odd" in warned[0]
    for piece in ("a\\\\b", "i }}j", "c\\\"d", "%7B%7B"):
        assert piece not in shown, result


def test_settings_with_a_secret_name_are_secret() -> None:
    specification = {"clusters": {"options": {"settings": {"type": "dict"}, "name": {"type": "str"}}}}
    given = {
        "name": "token", "settings": {
            "ssl": {"certificateKeyFilePassword": "first"}, "queryPassword": 2, "password_encryption": "scram-sha-256",
            "authMechanismProperties": "third", "setParameter": {"sessionToken": ["fourth"]}, "api_key": None,
        },
    }  # fmt: skip
    assert secrets_by_name(specification, {"clusters": [given]}) == {"first", "2", "third", "fourth"}


def test_a_short_value_is_not_hidden_among_all_others(log: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise every number with a 1 in it, and every word with an a, would be gone from the result."""
    specification = {"settings": {"type": "dict"}, "path": {}, "users": {}, "login_password": {}}
    module = GroundworkModule(argument_spec=specification)
    module.hide("True", "1", "a")
    with pytest.raises(SystemExit):
        module.exit_json(changed=True, port=15432, name="a database")
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (result["changed"], result["port"], result["name"]) == (True, 15432, "a database")


def test_a_plain_word_has_few_spellings() -> None:
    assert spellings("plain") == {"plain"} and spellings("") == set()
