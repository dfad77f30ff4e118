"""What a model is called: by its folder, its card, its repository; never by a folder's purpose if there is better."""

import pytest

from embedder.naming import model_name


def placed(folder, card=""):
    folder.mkdir(parents=True, exist_ok=True)
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("qwen3-0.6b", "qwen3-0.6b"),
        ("bge-small/model", "bge-small"),
        ("tea_finder/runs/checkpoint-500", "runs"),
        ("tea-finder/final_model/checkpoint-500", "tea-finder"),
        ("models--who--all--Mini-L6/snapshots/" + "0a" * 20, "all--Mini-L6"),
    ],
)
def test_a_folder_that_says_nothing_is_called_after_what_it_lies_in(tmp_path, folder, name):
    assert model_name(placed(tmp_path / folder)) == name


def test_the_card_names_a_model_in_a_folder_that_does_not(tmp_path):
    assert model_name(placed(tmp_path / "a" / "model", "---\ntags: x\n---\n\n# who/all-Mini-L6\n")) == "all-Mini-L6"
    assert model_name(placed(tmp_path / "b" / "model", "# A model for tea\n")) == "b"
    assert model_name(placed(tmp_path / "mini", "# all-Mini-L6\n")) == "mini"


def test_a_link_keeps_the_name_it_was_given(tmp_path):
    placed(tmp_path / "model", "# all-Mini-L6\n")
    (tmp_path / "mine").symlink_to(tmp_path / "model")
    assert model_name(str(tmp_path / "mine")) == "mine"


def test_files_and_ids_have_names_already(tmp_path):
    assert model_name("/far/away/pocket-q8_0.gguf") == "pocket-q8_0"
    assert model_name("sentence-transformers/all-MiniLM-L6-v2") == "sentence-transformers/all-MiniLM-L6-v2"
