"""The registry of error codes: every member is raised somewhere, and reaches the result as a plain text."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.error_codes import ErrorCode
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError

PLUGINS = Path(__file__).resolve().parents[5] / "plugins"
REGISTRY = PLUGINS / "module_utils/_core/error_codes.py"


def used_in(source):
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ErrorCode"
    }


def literal_codes_in(source):
    """Texts that are passed, or preset, as a code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "code":
            found += [part for part in ast.walk(node.value) if isinstance(part, (ast.Constant, ast.JoinedStr))]
    return [ast.unparse(node) for node in found if not isinstance(node, ast.Constant) or isinstance(node.value, str)]


@pytest.fixture(scope="module")
def sources():
    files = [file for part in ("module_utils", "modules", "filter") for file in sorted((PLUGINS / part).rglob("*.py"))]
    return {file: file.read_text() for file in files if file != REGISTRY}


def test_every_code_is_used_and_every_use_is_registered(sources):
    used = set().union(*(used_in(text) for text in sources.values() if "ErrorCode" in text))
    assert used == set(ErrorCode.__members__)


def test_no_code_is_written_as_a_text(sources):
    assert {str(file): codes for file, text in sources.items() if (codes := literal_codes_in(text))} == {}


def test_a_code_that_is_a_text_or_not_registered_is_found():
    assert literal_codes_in("raise GroundworkError('x', code=f'mongodb_{n}')") == ["f'mongodb_{n}'", "'mongodb_'"]
    assert literal_codes_in("raise GroundworkError('x', code='full' if full else ErrorCode.REFUSED)") == ["'full'"]
    assert used_in("raise GroundworkError('x', code=ErrorCode.NEVER_SEEN)") == {"NEVER_SEEN"}


def test_codes_have_one_spelling_and_one_sentence_of_meaning():
    for name, code in ErrorCode.__members__.items():
        assert code.value == name == code.name and re.fullmatch(r"[A-Z]+(_[A-Z]+)*", name), name
        assert code.meaning.endswith(".") and not re.search(r"\.\s", code.meaning), name


def test_a_result_holds_a_plain_text():
    result = GroundworkError("It is wrong.", code=ErrorCode.LOCKED).result()
    assert not isinstance(result["error_code"], ErrorCode) and json.loads(json.dumps(result))["error_code"] == "LOCKED"
    assert "error_code" not in GroundworkError("It is wrong.").result()


def test_a_member_is_written_like_its_name():
    assert f"{ErrorCode.LOCKED}" == str(ErrorCode.LOCKED) == "LOCKED" == ErrorCode.LOCKED
    assert json.dumps({"code": ErrorCode.LOCKED}) == '{"code": "LOCKED"}'


def test_the_page_is_of_this_registry():
    page = (PLUGINS.parent / "docs/error-codes.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [code.value for code in ErrorCode]


def test_flyways_codes_are_marked():
    assert ErrorCode.CHECKSUM_MISMATCH.of_flyway and not ErrorCode.FAILED_MIGRATION.of_flyway


def test_the_registry_needs_nothing_of_the_collection():
    program = f"import runpy; print(len(runpy.run_path({str(REGISTRY)!r})['ErrorCode']))"
    printed = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(printed) == len(ErrorCode)
