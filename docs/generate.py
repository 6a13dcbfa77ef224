"""Writes the reference pages from their specifications: one page per module, the variable table of each role, the error
codes, the budgets of the tests, and what a description of an application can hold.

``python docs/generate.py`` rewrites the pages; with ``--check`` it only says which are out of date and exits with 1.
Modules are described by ``ansible-doc``, roles by their ``meta/argument_specs.yml`` and ``defaults/main.yml``, the
error codes by ``plugins/module_utils/_core/error_codes.py``, the tests by ``tests/stages.yml``.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import typing as t
from pathlib import Path

import application_schema
import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
COLLECTION = "groundwork.databases"
VARIABLES = (
    "<!-- variables: written by docs/generate.py from meta/argument_specs.yml -->",
    "<!-- end of variables -->",
)
BUDGETS = ("<!-- budgets: written by docs/generate.py from tests/stages.yml -->", "<!-- end of budgets -->")
SLOTS = 2


def main() -> int:
    documents = module_documents()
    options = {name: document["doc"].get("options", {}) for name, document in documents.items()}
    pages = {**module_pages(documents), **role_pages(), **error_code_page(), **testing_page()}
    pages.update(application_schema.compile_all(options, plain))
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(CHECKOUT)} is out of date: run python docs/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path])
        print(f"wrote {path.relative_to(CHECKOUT)}")
    return 0


def module_documents() -> dict[str, dict[str, t.Any]]:
    """What ``ansible-doc`` says about each module, by its short name."""
    names = sorted(path.stem for path in (CHECKOUT / "plugins/modules").glob("*.py"))
    described = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), "--json", *(f"{COLLECTION}.{name}" for name in names)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    documents = json.loads(described.stdout)
    return {name: documents[f"{COLLECTION}.{name}"] for name in names}


def module_pages(documents: dict[str, dict[str, t.Any]]) -> dict[Path, str]:
    return {CHECKOUT / f"docs/modules/{name}.md": module_page(name, document) for name, document in documents.items()}


def module_page(name: str, document: dict[str, t.Any]) -> str:
    doc = document["doc"]
    lines = [f"# {COLLECTION}.{name}", "", plain(doc["short_description"]) + ".", ""]
    lines += [f"- {plain(line)}" for line in as_list(doc["description"])]
    lines += ["", "## Requirements", "", *(f"- {plain(line)}" for line in as_list(doc.get("requirements", ["none"])))]
    lines += ["", "## Attributes", "", "| attribute | support | details |", "| --- | --- | --- |"]
    for attribute, facts in sorted(doc.get("attributes", {}).items()):
        details = " ".join(as_list(facts.get("details") or facts.get("description")))
        lines.append(f"| {attribute} | {facts.get('support', 'full')} | {cell(details)} |")
    lines += ["", "## Options", "", *options_table(doc.get("options", {}))]
    lines += ["", "## Examples", "", "```yaml", document["examples"].strip(), "```"]
    lines += ["", "## Returns", "", *returns_table(document.get("return") or {}), ""]
    return "\n".join(lines)


def options_table(options: dict[str, t.Any]) -> list[str]:
    lines = ["| option | type | default | description |", "| --- | --- | --- | --- |"]
    for path, option in flatten(options, "options", "suboptions"):
        kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
        default = "**required**" if option.get("required") else code(option.get("default")).replace("|", "\\|")
        text = " ".join(as_list(option.get("description", "")))
        if option.get("choices"):
            text += " One of " + ", ".join(code(choice) for choice in option["choices"]) + "."
        lines.append(f"| `{path}` | {kind} | {default} | {cell(text)} |")
    return lines


def returns_table(returned: dict[str, t.Any]) -> list[str]:
    lines = ["| key | type | returned | description |", "| --- | --- | --- | --- |"]
    for path, value in flatten(returned, "contains"):
        text = cell(" ".join(as_list(value.get("description", ""))))
        lines.append(f"| `{path}` | {value.get('type', '')} | {cell(value.get('returned', ''))} | {text} |")
    return lines


def flatten(tree: dict[str, t.Any], *children: str, prefix: str = "") -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, node in tree.items():
        yield prefix + name, node
        for child in children:
            if isinstance(node.get(child), dict):
                yield from flatten(node[child], *children, prefix=f"{prefix}{name}.")


def role_pages() -> dict[Path, str]:
    pages = {}
    for specification in sorted(CHECKOUT.glob("roles/*/meta/argument_specs.yml")):
        readme = specification.parents[1] / "README.md"
        entry_points = yaml.safe_load(specification.read_text())["argument_specs"]
        pages[readme] = with_table(readme, role_table(entry_points), VARIABLES)
    return pages


def role_table(entry_points: dict[str, t.Any]) -> str:
    lines: list[str] = []
    seen: dict[str, str] = {}
    for name, entry in entry_points.items():
        options = entry.get("options", {})
        lines += ["", f"### Entry point `{name}`", "", plain(entry["short_description"]) + "."]
        lines += ["", *(plain(line) for line in as_list(entry.get("description", [])))]
        twin = seen.setdefault(json.dumps(options, sort_keys=True), name)
        lines += ["", *(options_table(options) if twin == name else [f"Its variables are those of `{twin}`."])]
    return "\n".join(lines)


def error_code_page() -> dict[Path, str]:
    lines = [
        "# Error codes",
        "",
        "A module that fails says in `msg` what is wrong, and in `error_code` which kind of failure it is, for a"
        " playbook to decide by. Not every failure has a code. Flyway's own codes have Flyway's spelling.",
    ]
    area = None
    for member in error_codes():
        if member.area != area:
            area = member.area
            lines += ["", f"## {area}", "", "| code | meaning |", "| --- | --- |"]
        lines.append(f"| `{member.value}` | {cell(member.meaning)} |")
    return {CHECKOUT / "docs/error-codes.md": "\n".join([*lines, ""])}


def error_codes() -> t.Iterable[t.Any]:
    """The members of the registry, which imports nothing of the collection."""
    registry = runpy.run_path(str(CHECKOUT / "plugins/module_utils/_core/error_codes.py"))
    return t.cast("t.Iterable[t.Any]", registry["ErrorCode"])


def testing_page() -> dict[Path, str]:
    page = CHECKOUT / "docs/testing.md"
    areas = yaml.safe_load((CHECKOUT / "tests/stages.yml").read_text())
    lines = ["", "| area | seconds | stages |", "| --- | --- | --- |"]
    for area, stages in areas.items():
        names = ", ".join(f"`{name}` {seconds}" for name, seconds in stages.items())
        lines.append(f"| {area} | {sum(stages.values()) // SLOTS} | {names} |")
    lines.append(f"| all | {sum(sum(stages.values()) for stages in areas.values()) // SLOTS} | |")
    return {page: with_table(page, "\n".join(lines), BUDGETS)}


def with_table(page: Path, table: str, marks: tuple[str, str]) -> str:
    begin, end = marks
    text = page.read_text() if page.is_file() else f"# {page.parent.name}\n\n{begin}\n{end}\n"
    head, _begin, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    return f"{head}{begin}\n{table}\n\n{end}{tail}"


def as_list(value: t.Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []


def code(value: t.Any) -> str:
    return "" if value is None else f"`{json.dumps(value) if not isinstance(value, str) else value or repr(value)}`"


def cell(text: str) -> str:
    return plain(text).replace("|", "\\|").replace("\n", " ")


def plain(text: str) -> str:
    """Ansible's markup as Markdown."""
    text = re.sub(r"\b[OVCE]\(([^()]*(?:\([^()]*\)[^()]*)*)\)", r"`\1`", text)
    text = re.sub(r"\bRV\(([^)]*)\)", r"`\1`", text)
    text = re.sub(r"\bM\(([^)]*)\)", r"`\1`", text)
    text = re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", text)
    return re.sub(r"\bL\(([^,]*), ?([^)]*)\)", r"[\1](\2)", text)


if __name__ == "__main__":
    sys.exit(main())
