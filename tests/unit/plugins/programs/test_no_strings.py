# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are typed files that ruff and mypy read, and never a string or a template."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
_JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
_INLINE = re.compile(r"python3?[\s\"',]+-c\b")


def is_program(text: str) -> bool:
    """Whether a text is Python that does something: a line of it imports, the way a program begins."""
    if "import" not in text or "\n" not in text.strip():
        return False
    try:
        nodes = ast.walk(ast.parse(text))
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in nodes)


def strings(path: Path) -> list[tuple[int, str]]:
    """Line and text of every string of a file, except those that describe it."""
    module = ast.parse(path.read_text())
    described = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION:
            described.add(node.value)
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "0" for part in node.values]
            found.append((node.lineno, "".join(map(str, parts))))
        elif isinstance(node, ast.Constant) and node not in described:
            text = node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
            found += [(node.lineno, text)] if isinstance(text, str) else []
    return found


def kept_as_strings(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder)}:{line}"
        for path in sorted(folder.rglob("*.py"))
        for line, text in strings(path)
        if is_program(text)
    ]


def kept_as_files(roles: Path) -> list[str]:
    """Programs in roles: as files, as templates, or in a task."""
    found = []
    for path in sorted(path for path in roles.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        text = path.read_text(errors="replace")
        python = ".py" in path.suffixes or re.match(r"#!.*python", text) or is_program(_JINJA.sub("0", text))
        if python or _INLINE.search(text):
            found.append(str(path.relative_to(roles)))
    return found


def test_no_program_is_a_string():
    # The packer's own two lines say which function runs.
    assert [place for place in kept_as_strings(CHECKOUT / "plugins") if "_programs/archive.py" not in place] == []


def test_no_program_is_a_file_or_a_template_of_a_role():
    assert kept_as_files(CHECKOUT / "roles") + kept_as_files(CHECKOUT / "playbooks") == []


def test_programs_would_be_found(tmp_path):
    (tmp_path / "module.py").write_text('GUARD = """\nimport os\nos.getuid()\n"""\nOTHER = f"import os\\n{1}\\n"\n')
    (tmp_path / "prog.py.j2").write_text("{{ x }}")
    (tmp_path / "exporter.j2").write_text("{# a #}\nimport os\nprint({{ port }})\n")
    (tmp_path / "task.yml").write_text("cmd: python3 -c 'print(1)'\n")
    (tmp_path / "list.yml").write_text("argv: [python3, -c, print(1)]\n")
    assert kept_as_strings(tmp_path) == ["module.py:1", "module.py:5"]
    assert kept_as_files(tmp_path) == ["exporter.j2", "list.yml", "module.py", "prog.py.j2", "task.yml"]
