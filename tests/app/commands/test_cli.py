"""The command line as scripts rely on it: options, exit codes, streams, help, start-up."""

import os
import re
import subprocess
import sys
from types import ModuleType

import pytest

from app.__main__ import main
from app.cli import ORDER, program
from app.commands.frame import one_line
from tests.app.commands.shelf import ROOT, started, twofold

CONTRACT = {
    "ingest", "search", "ask", "chat", "compare", "eval", "embed", "methods", "models", "status", "doctor", "remove",
    "export", "app", "inspect", "testset", "train", "synthesize",
}  # fmt: skip
HEAVY = ("torch", "transformers", "streamlit", "faiss", "sentence_transformers", "pandas")


def test_every_command_of_the_contract_is_there():
    assert set(ORDER) == CONTRACT == {row.name for row in program.registered_commands}


@pytest.mark.parametrize("name", ORDER)
def test_every_command_explains_itself_with_examples(name):
    shown = twofold(name, "--help")
    assert shown.code == 0 and "Examples:" in shown.out
    assert re.search(rf"^\s+(\S.*\| )?twofold {name}\b", shown.out, re.MULTILINE)
    assert all(option in shown.out for option in ("--home", "--collection", "--model", "--method", "--json"))


def test_common_options_mean_the_same_before_and_after_the_command(filled):
    home = filled.home
    assert twofold("status", "--home", home, "--json").json == twofold("--home", home, "--json", "status").json


def test_an_option_after_the_command_wins(filled, tmp_path):
    assert twofold("--home", tmp_path, "status", "--home", filled.home).code == 0


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["search"], ["search", "x", "--top", "0"], ["search", "x", "--mode", "psychic"], ["methods", "add"],
     ["compare", "x", "--methods", "one"], ["search", "x", "--filter", "colour=red"],
     ["status", "--collection", "../up"], ["embed"], ["embed", "--side", "both"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_two_and_says_how_to_get_help(words, filled):
    ran = twofold(*words, "--home", filled.home)
    assert ran.code == 2 and ran.out == "" and "Error" in ran.err and len(ran.err) < 2000


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["status"], "no collection called 'default'"), (["search", "x", "--mode", "words"], "no collection called"),
     (["ingest", "/nowhere/at/all"], "there is no /nowhere/at/all"), (["models", "--method", "x"], None),
     (["inspect", "x", "--model", "/nowhere"], "/nowhere"), (["methods", "add", "echoo"], "did you mean 'echo'"),
     (["inspect", "x", "--model", "/nowhere", "--method", "echoo"], "did you mean 'echo'"),  # before a model is opened
     (["inspect", "x", "--model", ROOT / "README.md"], "that is a file, and neither a folder nor a .gguf"),
     (["eval", ROOT, "--methods", "words"], "queries.jsonl and qrels/test.tsv were wanted"),
     (["eval", "votes", "--collection", "nope"], "no collection called 'nope'"),
     (["ask", " "], "the query is empty"),  # before anything is opened
     (["search", "x", "--model", "file.gguf"], "no collection called")],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_failure_ends_with_one_and_a_line_that_says_why(words, reason):
    ran = twofold(*words)
    if reason is None:
        assert ran.code == 0
        return
    assert ran.code == 1 and ran.out == ""
    assert ran.err.startswith("twofold: ") and ran.err.count("\n") == 1 and reason in ran.err


def test_the_version_is_the_projects():
    assert re.fullmatch(r"twofold \d+\.\d+\.\d+\n", twofold("--version").out)


@pytest.mark.parametrize(
    "words", [["--help"], ["methods", "--json"], ["status", "--json"], ["search", "tea", "--mode", "words"]]
)
def test_a_command_that_needs_no_model_starts_within_a_second(words, filled):
    probe = (
        "import sys, time; from app.cli import program\n"
        "try: program(sys.argv[1:], prog_name='twofold')\n"
        "except SystemExit as end: code = end.code\n"
        f"sys.stderr.write(repr((code, time.process_time(), [m for m in {HEAVY!r} if m in sys.modules])))\n"
    )
    line = [sys.executable, "-c", probe, "--home", str(filled.home), *words]
    ran = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60)
    code, seconds, loaded = eval(ran.stderr.splitlines()[-1])
    assert (code, loaded) == (0, []) and seconds < 1.0, ran.stderr


def test_a_reader_that_closes_the_pipe_early_is_no_error(filled):
    read, write = os.pipe()
    os.close(read)
    with started("--home", filled.home, "export", stdout=write) as run:
        os.close(write)
        assert run.wait(60) == 0 and run.stderr.read() == ""


def test_ctrl_c_while_the_program_loads_is_a_line(monkeypatch, capsys):
    class Loading(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "app.cli", Loading("app.cli"))
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err == "twofold: stopped before anything was done\n"


def test_an_unforeseen_error_is_one_line_and_names_its_kind(monkeypatch, filled):
    def fail(*_, **__):
        raise AssertionError("the unforeseen\nin two lines")

    monkeypatch.setattr("indexer.collection.Collection.status", fail)
    ran = twofold("status", "--home", filled.home)
    assert (ran.code, ran.err) == (1, "twofold: AssertionError: the unforeseen in two lines\n")


def test_an_error_of_the_system_is_told_without_its_number():
    assert one_line(PermissionError(13, "Permission denied", "/root/x")) == "Permission denied: /root/x"
