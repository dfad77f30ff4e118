import os
import threading
import time
from pathlib import Path

import pytest

from indexer import Busy, Collection, Filters
from tests.indexer.conftest import drain, write


def old(folder: Path) -> None:
    """Set every file's clock back: what was just written is always opened again, in case it changed within one tick."""
    for file in folder.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))


def counts(report) -> dict[str, int]:
    return {name: number for name, number in report.json()["files"].items() if number}


def test_a_folder_goes_in_and_every_file_is_counted_once(collection, embedder, folder):
    (folder / "copy.md").write_bytes((folder / "cats.md").read_bytes())
    (folder / "picture.xyz").write_bytes(b"\x00\x01")
    (folder / "broken.json").write_text("")
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"added": 3, "duplicates": 1, "failed": 1, "skipped": 1}
    assert report.files.met == 6
    assert [failure.path for failure in report.failures] == [str(folder / "broken.json")]
    assert report.truncated == 0 and report.chunks == 3


def test_the_report_has_the_fields_of_the_command_line(collection, embedder, folder):
    report = drain(collection.ingest(folder, [embedder])).json()
    assert list(report) == ["collection", "files", "chunks", "tokens", "truncated", "seconds", "failures"]
    assert list(report["files"]) == ["added", "updated", "unchanged", "duplicates", "removed", "failed", "skipped"]


def test_a_second_run_opens_nothing(collection, embedder, folder, monkeypatch):
    old(folder)
    drain(collection.ingest(folder, [embedder]))
    monkeypatch.setattr("indexer.reading.digest", lambda path: pytest.fail(f"{path} was opened"))
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"unchanged": 3} and report.chunks == 0


def test_a_touched_file_is_opened_but_not_embedded_again(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    old(folder)
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"unchanged": 3} and report.chunks == 0


def test_a_change_within_one_tick_of_the_clock_is_seen(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    facts = (folder / "cats.md").stat()
    text = (folder / "cats.md").read_text().replace("cat", "dog")
    (folder / "cats.md").write_text(text)
    os.utime(folder / "cats.md", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"updated": 1, "unchanged": 2}


def test_an_updated_file_replaces_what_it_held(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    write(folder, cats="A text about zebras.")
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"updated": 1, "unchanged": 2}
    assert collection.search("purred", mode="words").hits == []
    assert collection.search("zebras", embedder).hits[0].path == str(folder / "cats.md")
    assert collection.status()["documents"] == 3


def test_a_moved_file_is_neither_embedded_again_nor_lost(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    (folder / "deep").mkdir()
    (folder / "cats.md").rename(folder / "deep" / "felines.md")
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"updated": 1, "unchanged": 2} and report.chunks == 0
    assert collection.search("purred", embedder).hits[0].path == str(folder / "deep" / "felines.md")


def test_files_that_changed_places_keep_their_contents(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    (folder / "cats.md").rename(folder / "kept")
    (folder / "taxes.md").rename(folder / "cats.md")
    (folder / "kept").rename(folder / "taxes.md")
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"updated": 2, "unchanged": 1}
    assert collection.search("purred", embedder, top=1).hits[0].path.endswith("taxes.md")
    assert collection.status()["documents"] == 3


def test_a_file_moved_and_replaced_is_not_embedded_again(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    (folder / "cats.md").rename(folder / "older cats.md")
    write(folder, cats="A newer text.")
    assert drain(collection.ingest(folder, [embedder])).chunks == 1
    assert collection.search("purred", embedder, top=1).hits[0].path.endswith("older cats.md")


def test_copies_share_content_and_all_their_paths_are_shown(collection, embedder, folder):
    (folder / "z.md").write_bytes((folder / "cats.md").read_bytes())
    drain(collection.ingest(folder, [embedder]))
    hit = collection.search("purred", embedder, top=1).hits[0]
    assert (hit.path, hit.also) == (str(folder / "cats.md"), (str(folder / "z.md"),))
    (folder / "cats.md").unlink()
    assert counts(drain(collection.ingest(folder, [embedder])))["removed"] == 1
    assert collection.search("purred", embedder, top=1).hits[0].path == str(folder / "z.md")


def test_a_removed_file_leaves(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    (folder / "cats.md").unlink()
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"removed": 1, "unchanged": 2}
    assert all("cats" not in hit.path for hit in collection.search("cat mat", embedder).hits)


def test_an_empty_folder_removes_nothing_unless_pruned(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    for file in folder.iterdir():
        file.unlink()
    report = drain(collection.ingest(folder, [embedder]))
    assert report.files.removed == 0 and "not mounted" in report.notes[0]
    assert collection.status()["documents"] == 3
    assert drain(collection.ingest(folder, [embedder], prune=True)).files.removed == 3


def test_a_missing_folder_is_refused_unless_pruned(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    gone = folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(FileNotFoundError, match="no folder or file"):
        drain(collection.ingest(folder, [embedder]))
    assert collection.status()["documents"] == 3 and gone.exists()
    assert drain(collection.ingest(folder, [embedder], prune=True)).files.removed == 3


def test_another_folder_touches_only_its_own(collection, embedder, folder, tmp_path):
    drain(collection.ingest(folder, [embedder]))
    write(tmp_path / "folder2", birds="Birds sing in the morning.")
    assert counts(drain(collection.ingest(tmp_path / "folder2", [embedder]))) == {"added": 1}
    assert collection.status()["documents"] == 4


def test_a_file_that_fails_is_a_row_and_is_not_tried_again_until_it_changes(collection, embedder, folder, monkeypatch):
    (folder / "bad.json").write_text("")
    drain(collection.ingest(folder, [embedder]))
    old(folder)
    drain(collection.ingest(folder, [embedder]))
    with monkeypatch.context() as patch:
        patch.setattr("indexer.reading.digest", lambda path: pytest.fail(f"{path} was opened"))
        assert drain(collection.ingest(folder, [embedder])).files.failed == 1
    (folder / "bad.json").write_text('{"now": "it holds words"}')
    assert counts(drain(collection.ingest(folder, [embedder])))["added"] == 1
    assert collection.failures() == []


def test_the_failure_of_a_removed_file_leaves_with_it(collection, embedder, folder):
    (folder / "bad.json").write_text("")
    drain(collection.ingest(folder, [embedder]))
    (folder / "bad.json").unlink()
    drain(collection.ingest(folder, [embedder]))
    assert collection.failures() == []


def test_a_dangling_link_fails_with_its_reason_and_a_loop_of_links_ends(collection, embedder, folder):
    (folder / "dangling.md").symlink_to(folder / "nothing.md")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"added": 3, "failed": 1}
    assert report.failures[0].reason == "a link that leads nowhere"


def test_a_name_that_is_not_utf8_goes_in(collection, embedder, folder):
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text("Coffee is served here.")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert counts(drain(collection.ingest(folder, [embedder])))["added"] == 4
    assert collection.search("coffee", embedder, top=1).hits[0].path.endswith("caf\\xe9.md")


def test_a_stop_keeps_what_is_finished_and_the_next_run_goes_on(collection, embedder, tmp_path):
    write(tmp_path / "many", **{f"f{n}": f"Document {n} says {n * n}. " * 40 for n in range(60)})
    stop = threading.Event()
    for progress in collection.ingest(tmp_path / "many", [embedder], stop=stop):
        if progress.done > 3:
            stop.set()
    assert progress.report.stopped and 0 < progress.report.files.added < 60
    assert collection.doctor(repair=False).found == []
    report = drain(collection.ingest(tmp_path / "many", [embedder]))
    assert report.files.added + report.files.unchanged == 60
    assert collection.status()["documents"] == 60


def test_closing_the_iterator_lets_the_lock_go(collection, embedder, folder):
    steps = collection.ingest(folder, [embedder])
    next(steps)
    steps.close()
    assert drain(collection.ingest(folder, [embedder])).files.met == 3
    assert [job.state for job in collection.jobs()] == ["done", "cancelled"]


def test_a_second_writer_is_told_who_writes(collection, embedder, folder):
    steps = collection.ingest(folder, [embedder])
    next(steps)
    with pytest.raises(Busy, match=rf"process {os.getpid()} \(ingest .*folder"):
        drain(Collection(collection.name, collection.folder).ingest(folder, [embedder]))
    steps.close()


def test_readers_are_not_blocked_by_a_writer(collection, embedder, folder):
    drain(collection.ingest(folder, [embedder]))
    with collection.catalogue.write() as connection:
        connection.exec_driver_sql("UPDATE document SET title = 'being changed'")
        started = time.monotonic()
        assert collection.search("purred", embedder).hits[0].title == "Cats"
        assert time.monotonic() - started < 2


def test_another_process_can_cancel_a_job(collection, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.writing.PULSE", 0.0)
    write(tmp_path / "many", **{f"f{n}": f"Document {n} says {n * n}. " * 40 for n in range(60)})
    steps = collection.ingest(tmp_path / "many", [embedder])
    next(steps)
    collection.cancel(collection.jobs(running=True)[0].id)
    report = drain(steps)
    assert report.stopped and collection.jobs()[0].state == "cancelled"


def test_inside_one_long_file_progress_is_told_and_a_wish_to_stop_is_heard(collection, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.writing.PULSE", 0.0)
    write(tmp_path / "books", novel="\n\n".join(f"Paragraph {n} of a long, long novel. " * 8 for n in range(4000)))
    seen = []
    for step in collection.ingest(tmp_path / "books", [embedder]):
        seen.append(step)
        if step.part:
            collection.cancel(collection.jobs(running=True)[0].id)
    assert any(step.long and 0 < step.part < step.parts and step.current.endswith("novel.md") for step in seen)
    assert seen[-1].report.stopped and seen[-1].report.files.added == 0


def test_a_document_no_model_takes_fails_without_its_neighbours(collection, embedder, folder, monkeypatch):
    honest = type(embedder).documents

    def picky(self, texts):
        if any("tax" in text for text in texts):
            raise ValueError("no taxes, please")
        return honest(self, texts)

    monkeypatch.setattr(type(embedder), "documents", picky)
    report = drain(collection.ingest(folder, [embedder]))
    assert counts(report) == {"added": 2, "failed": 1}
    assert report.failures[0].reason == "the model could not embed it: no taxes, please"


def test_a_chunk_is_what_its_span_says(collection, embedder, folder):
    write(folder, long="\n\n".join(f"## Part {n}\n\n" + f"明月 sentence {n} 🌙. " * 60 for n in range(9)))
    drain(collection.ingest(folder, [embedder], chunk_tokens=64))
    hit = collection.search("sentence 5", embedder, top=1).hits[0]
    document = collection.document(hit.document)
    assert document.text[hit.start : hit.end] == hit.text
    assert all(chunk.tokens <= 64 for chunk in document.chunks)


def test_one_file_can_be_ingested_by_itself(collection, embedder, folder):
    assert counts(drain(collection.ingest(folder / "cats.md", [embedder]))) == {"added": 1}
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"added": 2, "unchanged": 1}


def test_hidden_files_and_folders_stay_out(collection, embedder, folder):
    write(folder / ".git", config="secret words")
    (folder / ".hidden.md").write_text("secret words")
    assert counts(drain(collection.ingest(folder, [embedder]))) == {"added": 3, "skipped": 1}


def test_removing_erases_text_words_and_vectors_from_the_disk(collection, embedder, folder):
    write(folder, secret="The passphrase is xylophonequartz and 故乡明月 is the rest.")
    drain(collection.ingest(folder, [embedder]))
    vector = embedder.documents(["The passphrase is xylophonequartz and 故乡明月 is the rest."])[0].astype("float16")
    collection.search("passphrase", embedder)
    view = collection.searcher.view(1, 32)
    view.save()
    assert vector.tobytes() in view.file.read_bytes()
    assert collection.remove(folder / "secret.md") == 1
    assert collection.search("cat", embedder, filters=Filters(path=str(folder))).hits
    collection.close()
    for file in collection.folder.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert b"xylophonequartz" not in data and "故乡明月".encode() not in data, file
        assert vector.tobytes() not in data, file
