import sqlite3
import subprocess
import sys
import threading

import pytest
from sqlalchemy import insert

from indexer import Collection
from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.migrate import HEAD, TooNew, config


def test_the_migrations_make_the_tables_of_the_code(tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    catalogue = Catalogue(tmp_path / "x.sqlite")
    with catalogue.read() as connection:
        options = {"include_object": lambda thing, name, kind, *_: not str(name).startswith("words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), c.metadata) == []
    catalogue.close()


def test_the_head_is_the_newest_migration(tmp_path):
    from alembic.script import ScriptDirectory

    catalogue = Catalogue(tmp_path / "x.sqlite")
    with catalogue.read() as connection:
        assert ScriptDirectory.from_config(config(connection)).get_heads() == [HEAD]
    catalogue.close()


def test_a_catalogue_of_a_later_version_is_refused(tmp_path):
    Catalogue(tmp_path / "x.sqlite").close()
    with sqlite3.connect(tmp_path / "x.sqlite") as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.close()
    with pytest.raises(TooNew, match="update Twofold"):
        Catalogue(tmp_path / "x.sqlite")


def test_many_openers_of_a_new_home_make_it_once(tmp_path):
    opened: list[Collection] = []
    threads = [threading.Thread(target=lambda: opened.append(Collection.open(tmp_path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6 and opened[0].status()["documents"] == 0
    for collection in opened:
        collection.close()


def test_an_opener_waits_for_one_that_writes_before_the_write_ahead_log_is_on(tmp_path):
    first = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")  # SQLite refuses the log at once while this is open, whatever the time-out
    threading.Timer(0.3, first.rollback).start()
    catalogue = Catalogue(tmp_path / "x.sqlite")
    with catalogue.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    catalogue.close()
    first.close()


def test_a_transaction_is_whole_or_nothing(tmp_path):
    catalogue = Catalogue(tmp_path / "x.sqlite")
    with pytest.raises(RuntimeError), catalogue.write() as connection:
        connection.execute(insert(c.folder).values(path="/a"))
        raise RuntimeError
    with catalogue.read() as connection:
        assert connection.execute(c.folder.select()).all() == []
    catalogue.close()


def test_ids_of_chunks_are_never_used_again(collection, embedder, folder):
    from tests.indexer.conftest import drain, write

    drain(collection.ingest(folder, [embedder]))
    highest = max(hit.chunk for hit in collection.search("the cat", embedder).hits)
    collection.remove(folder)
    write(folder, later="Later words.")
    drain(collection.ingest(folder, [embedder]))
    assert min(hit.chunk for hit in collection.search("words", embedder).hits) > highest


def test_opening_imports_no_model_no_index_and_no_migrations(tmp_path):
    Collection.open(tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from indexer import Collection;"
        f"Collection.open(Path({str(tmp_path)!r})).status();"
        "print([m for m in ('torch', 'transformers', 'faiss', 'alembic', 'streamlit') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_package_exports_what_it_says():
    import indexer

    assert all(hasattr(indexer, name) for name in indexer.__all__)
    assert set(indexer.__all__) == set(indexer._HOME)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = indexer.nothing
