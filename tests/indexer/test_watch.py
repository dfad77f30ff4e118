import threading

from indexer import watch
from indexer.lock import WriterLock
from tests.indexer.conftest import write


def test_a_watched_folder_is_kept_up_to_date(collection, embedder, folder, monkeypatch):
    monkeypatch.setattr("indexer.watching.QUIET_SECONDS", 0.2)
    stop, reports = threading.Event(), []
    timer = threading.Timer(60, stop.set)
    timer.start()
    for progress in watch(collection, folder, [embedder], stop, calibrate=False):
        if progress.report is None:
            continue
        reports.append(progress.report)
        if len(reports) == 1:
            write(folder, late="A late arrival.")
        elif progress.report.files.added:
            stop.set()
    timer.cancel()
    assert reports[0].files.added == 3 and reports[-1].files.added == 1
    assert collection.search("arrival", embedder, top=1).hits[0].path.endswith("late.md")


def test_a_watcher_waits_for_another_writer(collection, embedder, folder, monkeypatch):
    monkeypatch.setattr("indexer.watching.QUIET_SECONDS", 0.05)
    stop = threading.Event()
    lock = WriterLock(collection.folder, "something else").__enter__()
    threading.Timer(0.5, lambda: lock.__exit__(None, None, None)).start()
    for progress in watch(collection, folder, [embedder], stop, rescan_s=0.2, calibrate=False):
        if progress.report is not None:
            stop.set()
    assert progress.report.files.added == 3
