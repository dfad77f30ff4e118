"""The README is true: its table is the code's, its commands run, every command and file it names is there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import ORDER, program
from app.methods_table import markdown_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHELL = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
TOUR = [line for line in SHELL if "twofold" in line]
has_model = pytest.mark.skipif(
    not list((ROOT / "embedder" / "pocket").glob("*.safetensors")),
    reason="the bundled model is not in this checkout: embedder/pocket has no weights",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("tour")


def test_the_methods_table_is_the_one_the_code_gives():
    shown = README.partition("<!-- methods -->\n")[2].partition("<!-- /methods -->")[0]
    assert shown == markdown_table(), "replace it by the output of `twofold methods --markdown`"


@pytest.mark.parametrize("name", ORDER)
def test_every_command_is_documented(name):
    assert f"| `twofold {name}" in README


def test_the_two_commands_are_targets_of_the_makefile():
    made = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = {line.split()[1] for line in SHELL if line.startswith("make ")}
    assert asked == {"run", "test"} and asked < set(made)


@has_model
@pytest.mark.parametrize("line", TOUR)  # in the README's order: the first one reads the examples
def test_the_tour_runs(line, home, monkeypatch):
    monkeypatch.chdir(ROOT)
    stdin, _, rest = line.rpartition(" | ")
    words = shlex.split(rest)
    assert words[0] == "twofold"
    said = " ".join(shlex.split(stdin)[1:])
    ran = CliRunner().invoke(program, ["--home", str(home), *words[1:]], input=said, prog_name="twofold")
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout


@has_model
@pytest.mark.parametrize("block", [block for kind, block in BLOCKS if kind == "python"])
def test_the_python_of_the_readme_runs(block):
    exec(block, {})


def test_every_file_the_readme_shows_is_there():
    named = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert named and [name for name in named if not (ROOT / name).is_file()] == []


def test_every_extra_the_readme_names_is_in_the_project():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"\.\[(\w+)\]", README)) == set(extras)


def test_the_changelog_tells_of_the_version_there_is():
    import tomllib

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
