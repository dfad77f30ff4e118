"""Reading a folder, looking at what was read, forgetting it."""

import json

import pytest

from indexer import Collection
from tests.app.commands.shelf import twofold, write_files

FILES = {"added", "updated", "unchanged", "duplicates", "removed", "failed", "skipped"}


def test_ingest_accounts_for_every_file_once(filled):
    report = filled.report
    assert set(report) >= {"collection", "files", "chunks", "tokens", "truncated", "seconds", "failures"}
    assert set(report["files"]) == FILES
    assert report["files"] == dict.fromkeys(FILES, 0) | {"added": 3, "duplicates": 1, "failed": 1, "skipped": 1}
    assert report["truncated"] == 0 and report["chunks"] >= 3


def test_a_file_that_cannot_be_read_has_a_reason_and_fails_nothing(filled):
    (failure,) = filled.report["failures"]
    assert failure["path"].endswith("broken.pdf") and len(failure["reason"]) > 10


def test_a_second_writer_is_told_who_writes_before_a_model_is_loaded(fresh):
    collection = Collection.open(fresh.home)
    with collection.lock("ingest the papers"):
        ran = twofold("ingest", fresh.files, "--home", fresh.home, "--model", "/nowhere")
    collection.close()
    assert ran.code == 1 and "is being written to by process" in ran.err and "ingest the papers" in ran.err


def test_reading_again_does_only_what_changed(fresh):
    assert twofold("ingest", fresh.files, *fresh.options).code == 0
    (fresh.files / "permits.md").write_text("A permit is for life.")
    (fresh.files / "茶.txt").unlink()
    files = twofold("ingest", fresh.files, *fresh.options, "--json").json["files"]
    assert (files["updated"], files["removed"], files["added"]) == (1, 1, 0)


def test_the_model_and_method_need_to_be_named_only_once(fresh):
    assert twofold("ingest", fresh.files, *fresh.options).code == 0
    assert twofold("ingest", fresh.files, "--home", fresh.home).code == 0
    assert twofold("search", "permit", "--mode", "dense", "--home", fresh.home).code == 0


def test_a_model_that_has_gone_is_asked_for(fresh, tmp_path, tiny_model):
    moved = tmp_path / "moved"
    moved.symlink_to(tiny_model)
    options = ("--home", fresh.home, "--method", "mean")
    assert twofold("ingest", fresh.files, "--model", moved, *options).code == 0
    moved.unlink()
    ran = twofold("search", "permit", "--home", fresh.home)
    assert ran.code == 1 and "say where with --model" in ran.err


def test_another_method_is_added_before_it_is_read_with(fresh):
    assert twofold("ingest", fresh.files, *fresh.options).code == 0
    ran = twofold("ingest", fresh.files, *fresh.options[:-1], "last")
    assert ran.code == 1 and "`twofold methods add last`" in ran.err


def test_an_emptied_folder_is_forgotten_only_with_prune(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    for file in [*fresh.files.rglob("*.*")]:
        file.unlink()
    assert twofold("ingest", fresh.files, *fresh.options, "--json").json["files"]["removed"] == 0
    assert twofold("ingest", fresh.files, *fresh.options, "--prune", "--json").json["files"]["removed"] == 4


def test_a_person_reads_what_was_done_and_what_was_not(fresh):
    ran = twofold("ingest", fresh.files, *fresh.options)
    assert "3 added" in ran.out and "tokens/s" in ran.out and "not read: " in ran.out and "broken.pdf" in ran.out


def test_status_tells_documents_methods_and_failures(filled):
    held = twofold("status", "--home", filled.home, "--json").json
    assert (held["documents"], held["failures"], len(held["not_read"])) == (3, 1, 1)
    assert held["spaces"][0]["method"] == "mean" and held["spaces"][0]["missing"] == 0
    shown = twofold("status", "--home", filled.home)
    assert "mean" in shown.out and "broken.pdf" in shown.out


def test_doctor_finds_nothing_wrong_in_a_fresh_collection(filled):
    report = twofold("doctor", "--home", filled.home, "--json").json
    assert report["healthy"] and report["found"] == []
    assert "nothing is wrong" in twofold("doctor", "--check", "--home", filled.home).out


def test_remove_forgets_a_folder_whole_and_knows_when_there_is_none(fresh):
    twofold("ingest", fresh.files, *fresh.options)
    assert twofold("remove", fresh.files / "old", "--home", fresh.home, "--json").json["removed"] == 1
    assert twofold("remove", fresh.files, "--home", fresh.home).code == 0
    assert twofold("search", "permit", "--mode", "words", "--home", fresh.home, "--json").json["hits"] == []
    ran = twofold("remove", fresh.files, "--home", fresh.home)
    assert ran.code == 1 and "nothing in 'default' was read from" in ran.err


def test_export_gives_every_document_back_with_its_spans(filled):
    rows = [json.loads(line) for line in twofold("export", "--home", filled.home).out.splitlines()]
    assert len(rows) == 3
    for row in rows:
        assert all(row["text"][chunk["start"] : chunk["end"]] for chunk in row["chunks"])
    bare = twofold("export", "--no-text", "--home", filled.home, "--json").json
    assert len(bare["documents"]) == 3 and "text" not in bare["documents"][0]


@pytest.mark.parametrize("name", ["论文", "a-b.c"])
def test_collections_are_apart_from_each_other(fresh, tmp_path, name):
    other = write_files(tmp_path / "other")
    twofold("ingest", fresh.files, *fresh.options)
    assert twofold("ingest", other, *fresh.options, "--collection", name, "--json").json["collection"] == name
    held = twofold("status", "--home", fresh.home, "--collection", name, "--json").json
    assert [folder["path"] for folder in held["folders"]] == [str(other)]


@pytest.fixture
def upgraded(fresh, tmp_path):
    """A collection whose model was replaced by another version of itself, in the same folder."""
    from tests.tiny import save

    model = save("llama", tmp_path / "own")
    assert twofold("ingest", fresh.files, "--home", fresh.home, "--model", model, "--method", "mean").code == 0
    save("llama", model, seed=1)
    return fresh


def test_a_model_that_has_changed_is_told_and_not_mixed_with_its_earlier_self(upgraded):
    ran = twofold("ingest", upgraded.files, "--home", upgraded.home)
    assert ran.code == 1 and "own has changed" in ran.err and "`twofold methods add mean`" in ran.err


def test_new_vectors_of_the_bundled_model_take_the_place_of_an_earlier_versions(upgraded, monkeypatch):
    monkeypatch.setattr("app.renewal.BUNDLED", "own")
    assert "take the place" in twofold("methods", "add", "mean", "--home", upgraded.home).err
    (space,) = twofold("status", "--home", upgraded.home, "--json").json["spaces"]
    assert space["default"] and space["missing"] == 0
    assert twofold("ingest", upgraded.files, "--home", upgraded.home).code == 0


def test_earlier_vectors_of_any_other_model_stay_until_they_are_dropped(upgraded):
    assert twofold("methods", "add", "mean", "--home", upgraded.home).code == 0
    assert len(twofold("status", "--home", upgraded.home, "--json").json["spaces"]) == 2
    assert twofold("methods", "use", "mean", "--home", upgraded.home).code == 0
    assert twofold("methods", "drop", "mean", "--home", upgraded.home).code == 0
    assert twofold("ingest", upgraded.files, "--home", upgraded.home).code == 0
