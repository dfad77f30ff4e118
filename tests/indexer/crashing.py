"""Kill an ingestion at random moments and look at what is left: `python -m tests.indexer.crashing FOLDER ROUNDS SEED`.

Every act runs in a process forked from this one, which has imported everything and never starts a thread: a kill costs
milliseconds instead of a start of Python. What went wrong is printed as a JSON list.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import alembic.command  # noqa: F401  (imported here, once, and not in every child)
import faiss  # noqa: F401

from embedder import HashEngine, open_embedder
from indexer import Collection
from tests.indexer.conftest import drain

WORDS = "river stone lantern copper 明月 故乡 winter archive violet engine harbour 霜 meadow signal".split()


def open_pair():
    """The two methods in use."""
    return [open_embedder("hash", name, engine=HashEngine(dim=16)) for name in ("mean", "last")]


def change(folder: Path, chance: random.Random) -> None:
    """Add, rewrite, copy, move and remove some files."""
    folder.mkdir(exist_ok=True)
    for _ in range(chance.randint(8, 20)):
        files = sorted(folder.rglob("*.md"))
        act = chance.choice(["add", "add", "add", "rewrite", "copy", "move", "remove"]) if len(files) > 15 else "add"
        target = folder / chance.choice(["", "a", "b"]) / f"{chance.randint(0, 10**9)}.md"
        target.parent.mkdir(exist_ok=True)
        if act == "add":
            target.write_text(sentence(chance))
        elif act == "rewrite":
            chance.choice(files).write_text(sentence(chance))
        elif act == "copy":
            target.write_bytes(chance.choice(files).read_bytes())
        elif act == "move":
            chance.choice(files).rename(target)
        else:
            chance.choice(files).unlink()


def sentence(chance: random.Random) -> str:
    """A text of one to some chunks."""
    return " ".join(chance.choices(WORDS, k=chance.choice([5, 30, 300]))) + f" {chance.random()}"


def act(home: Path, folder: Path, kind: str) -> None:
    """One of the long works that a kill may meet."""
    collection = Collection.open(home)
    first, second = open_pair()
    if kind == "space":
        drain(collection.ingest(folder, [first], chunk_tokens=40, overlap=5))
        drain(collection.add_space(second))
    elif kind == "remove":
        collection.remove(folder / "a")
    else:
        drain(collection.ingest(folder, [first, second], chunk_tokens=40, overlap=5))


def at_rest(home: Path) -> list[str]:
    """What must hold at any moment, before anybody repairs anything."""
    collection = Collection.open(home)
    with collection.catalogue.read() as connection:

        def count(query: str) -> int:
            return connection.exec_driver_sql(query).scalar() or 0

        wrong = {
            "integrity": connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok",
            "unheld documents": count("SELECT count(*) FROM document WHERE id NOT IN (SELECT document_id FROM path)"),
            "empty documents": count("SELECT count(*) FROM document WHERE id NOT IN (SELECT document_id FROM chunk)"),
            "chunks of nothing": count("SELECT count(*) FROM chunk WHERE document_id NOT IN (SELECT id FROM document)"),
            "content twice": count("SELECT count(*) - count(DISTINCT hash || suffix) FROM document"),
            "words": count("SELECT count(*) FROM words_docsize") - count("SELECT count(*) FROM chunk"),
            "chunks without a vector": count(
                "SELECT count(*) FROM chunk WHERE id NOT IN (SELECT chunk_id FROM vector WHERE space_id = 1)"
            ),
            "vectors of nothing": count("SELECT count(*) FROM vector WHERE chunk_id NOT IN (SELECT id FROM chunk)"),
        }  # fmt: skip
    found = [f"{what}: {number}" for what, number in wrong.items() if number]
    usual = ("process is gone", "unfinished view files")  # what the next start of a writer mends by itself
    told = collection.doctor(repair=False).found
    return found + [f"doctor: {line}" for line in told if not any(known in line for known in usual)]


def after_restart(home: Path, folder: Path) -> list[str]:
    """What must hold once a normal run has ended: the collection is the folder, no more and no less."""
    collection = Collection.open(home)
    first, second = open_pair()
    report = drain(collection.ingest(folder, [first, second], chunk_tokens=40, overlap=5))
    drain(collection.add_space(second))
    there = {str(file): file.read_text() for file in folder.rglob("*.md")}
    known = {path: row for row in collection.documents(limit=10**6) for path in (row.path, *row.also)}
    wrong = [f"lost: {path}" for path in there.keys() - known.keys()]
    wrong += [f"left over: {path}" for path in known.keys() - there.keys()]
    wrong += [
        f"another text: {p}"
        for p, row in known.items()
        if collection.document(row.id).text.strip() != there.get(p, "").strip()
    ]
    wrong += [f"not ready: {path}" for path, row in known.items() if not row.ready]
    wrong += [f"failed: {failure}" for failure in report.failures]
    wrong += [f"doctor: {line}" for line in collection.doctor(repair=False).found]
    for path, text in list(there.items())[:5]:
        hits = collection.search(text[-40:], first, top=50).hits
        wrong += [] if any(path in (hit.path, *hit.also) for hit in hits) else [f"not found by its own words: {path}"]
    return wrong + at_rest(home)


def forked(work: Callable[[], object], kill_after: float | None = None) -> list[str]:
    """Run in a child; its findings, or none where it was killed on purpose."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        try:
            found = json.dumps(work() or [])
        except BaseException:
            found = json.dumps([traceback.format_exc()])
        os.write(start, found.encode()[:60_000])
        os._exit(0)
    os.close(start)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(end) as answer:
        said = answer.read()
    return json.loads(said) if said and kill_after is None else []


def main(work: Path, rounds: int, seed: int) -> list[str]:
    """Kill `rounds` times; everything that was wrong, with the round it was found in."""
    chance = random.Random(seed)
    home, folder = work / "home", work / "folder"
    change(folder, chance)
    started = time.monotonic()
    wrong = forked(lambda: after_restart(home, folder))
    whole = time.monotonic() - started
    for number in range(rounds):
        if number % 3 != 2:
            change(folder, chance)
        kind = chance.choice(["ingest", "ingest", "ingest", "remove", "space"])
        forked(lambda kind=kind: act(home, folder, kind), kill_after=chance.uniform(0, whole))
        found = forked(lambda: at_rest(home)) + forked(lambda: after_restart(home, folder))
        wrong += [f"seed {seed}, round {number}, {kind}: {line}" for line in found]
    return wrong


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
