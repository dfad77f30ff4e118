"""Whatever is imported is declared: by the project for its packages, by the extra `dev` for its tests."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OWN = {"embedder", "indexer", "app", "tests", "benchmarks"}


def plain(requirement):
    return re.split(r"[<>=;\[ ]", requirement)[0].lower().replace("_", "-")


def imports(folder):
    """Module and file of every import outside the standard library and this project."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.split(".")[0] for name in names} - OWN - sys.stdlib_module_names:
                yield name, file.relative_to(ROOT)


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("embedder", ("train", "llama")),
        ("indexer", ()),
        ("app", ()),
        ("tests", ("dev",)),
        ("benchmarks", ("dev", "mteb")),
    ],
)
def test_every_import_is_of_a_declared_dependency(folder, extras):
    declared = {plain(line) for line in PROJECT["dependencies"]}
    declared |= {plain(line) for extra in extras for line in PROJECT["optional-dependencies"][extra]}
    made_by = packages_distributions()
    missing = {
        f"{file}: {name}"
        for name, file in imports(folder)
        if not {plain(found) for found in made_by.get(name, [name])} & declared
    }
    assert missing == set()


def test_floors_close_the_known_holes():
    floors = {plain(line): line for line in PROJECT["dependencies"]}
    assert floors["torch"] == "torch>=2.10,<2.14"
    for name, floor in {"transformers": "5.3", "faiss-cpu": "1.15", "pypdf": "6.16"}.items():
        assert f">={floor}" in floors[name]
    assert float(re.search(r">=(\d+\.\d+)", floors["streamlit"])[1]) >= 1.59


def test_only_one_faiss_comes_without_asking():
    assert [plain(line) for line in PROJECT["dependencies"] if "faiss" in line] == ["faiss-cpu"]


@pytest.mark.parametrize("package", ["app", "embedder", "indexer"])
def test_a_wheel_has_every_file_that_is_no_code(package):
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    files = {file for file in (ROOT / package).rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    packed = {file for pattern in patterns[package] for file in (ROOT / package).glob(pattern)}
    assert {str(file) for file in files - packed if file.suffix != ".py"} == set()
