"""app may use indexer and embedder, indexer may use embedder, and nothing looks back; modules stay small."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW = {"embedder": set(), "indexer": {"embedder"}, "app": {"embedder", "indexer"}}
FILES = [file for package in BELOW for file in sorted((ROOT / package).rglob("*.py"))]
LINES, FUNCTION_LINES = 300, 55
GROWING = [file for file in FILES if "versions" not in file.parts]  # a migration, once released, is never edited


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_no_package_uses_one_above_it():
    wrong = []
    for file in FILES:
        package = file.relative_to(ROOT).parts[0]
        names = {name.split(".")[0] for name in imported(ast.parse(file.read_text("utf-8")))}
        others = names & set(BELOW) - {package} - BELOW[package]
        wrong += [f"{file.relative_to(ROOT)} uses {other}" for other in others]
    assert wrong == []


@pytest.mark.parametrize("package", ["embedder", "indexer"])
def test_only_app_draws_and_reads_settings(package):
    screens = {"streamlit", "typer", "rich", "pydantic_settings"}
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in FILES
        if file.relative_to(ROOT).parts[0] == package
        for name in imported(ast.parse(file.read_text("utf-8")))
        if name.split(".")[0] in screens
    }
    assert found == set()


def test_no_file_and_no_function_grows_beyond_what_one_reads_at_once():
    long = []
    for file in GROWING:
        text = file.read_text("utf-8")
        if len(text.splitlines()) > LINES:
            long.append(f"{file.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES:
                long.append(f"{file.relative_to(ROOT)}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
    assert long == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_module_begins_by_saying_what_it_does(file):
    assert ast.get_docstring(ast.parse(file.read_text("utf-8")))


@pytest.mark.parametrize("package", ["embedder", "indexer"])
def test_what_a_package_exports_is_there_and_sorted(package):
    module = __import__(package)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)
