"""A GGUF file does on the command line what a folder does."""

import pytest

from tests.app.commands.shelf import twofold

pytest.importorskip("llama_cpp", reason="llama.cpp is not here: pip install '.[llama]'")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    out = tmp_path_factory.mktemp("gguf") / "small.gguf"
    ran = twofold("models", "export", "pocket", "--gguf", out, "--quantize", "q8_0", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["gguf"], ran.json["quantize"], ran.json["method"]) == (str(out), "q8_0", "pocket")
    assert ran.json["bytes"] == out.stat().st_size
    return out


def test_a_file_ingests_finds_answers_compares_and_is_found_again(file, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "files"
    folder.mkdir()
    (folder / "tea.md").write_text("Green tea wants water of 75 to 80 degrees.", "utf-8")
    (folder / "cat.md").write_text("The cat sleeps on the mat all afternoon.", "utf-8")
    assert twofold("ingest", folder, "--home", home, "--model", file, "--json").json["files"]["added"] == 2
    found = twofold("search", "how hot should the water be for tea", "--mode", "dense", "--home", home, "--json").json
    assert found["hits"][0]["path"].endswith("tea.md")
    asked = twofold("ask", "How hot should the water for green tea be?", "--home", home, "--json").json
    assert "75" in asked["answer"] or asked["refused"]
    assert twofold("methods", "add", "mean", "--home", home).code == 0
    beside = twofold("compare", "hot water", "--methods", "pocket,mean", "--home", home, "--json").json
    assert all(hits for hits in beside["columns"].values())
    seen = twofold("inspect", "a short text", "--model", file, "--home", home, "--json").json
    assert (seen["model"], seen["method"]) == ("small", "pocket")
    row = next(row for row in twofold("models", "--home", home, "--json").json["models"] if row["model"] == "small")
    assert (row["dim"], row["architecture"], row["used_by"]) == (512, "llama", ["default"])


def test_a_card_in_a_file_is_shown(file):
    shown = twofold("models", file, "--json").json
    assert shown["method"] == "pocket" and shown["bytes"] == file.stat().st_size and shown["layers"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ["export"],
        ["export", "pocket"],
        ["pocket", "more"],
        ["export", "pocket", "--gguf", "a.gguf", "--quantize", "q9"],
    ],
)
def test_an_export_that_lacks_something_is_wrong_usage(words, tmp_path):
    assert twofold("models", *words, "--home", tmp_path).code == 2


def test_a_file_that_is_none_is_one_line_on_stderr(tmp_path):
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(b"PK\x03\x04")
    ran = twofold("inspect", "x", "--model", odd, "--home", tmp_path)
    assert ran.code == 1 and "odd.gguf is no GGUF file" in ran.err and ran.err.count("\n") == 1
