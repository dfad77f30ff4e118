"""What does an ingestion cost beside the engine? Memory as a folder grows, and the engine's part of the time.

    python -m benchmarks.ingest                                 1,000 and 10,000 made files, hash engine: peak memory
    python -m benchmarks.ingest --folder FOLDER [--model pocket] [--files 200]   a real folder, a real model

Memory is the peak resident size of a process of its own, and of the largest process it started (the reader).
"""

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from embedder import HashEngine, open_embedder
from indexer import Collection, readable

WORDS = "river stone lantern copper winter archive violet engine harbour meadow signal 明月 故乡 记录 城市 算法".split()


def made(folder: Path, count: int) -> None:
    """Small text files in folders of a hundred, each unlike the others."""
    chance = random.Random(0)
    for number in range(count):
        file = folder / f"{number // 100}" / f"{number}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"# {number}\n\n" + " ".join(chance.choices(WORDS, k=chance.randint(20, 400))), encoding="utf-8"
        )


def taken(source: Path, target: Path, count: int) -> None:
    """A copy of `count` readable files of a folder, chosen evenly."""
    files = [file for file in sorted(source.rglob("*")) if file.is_file() and readable(file)]
    for number, file in enumerate(files[:: max(1, len(files) // count)][:count]):
        target.mkdir(exist_ok=True)
        shutil.copyfile(file, target / f"{number}-{file.name}")


def ingest(folder: Path, model: str) -> dict[str, float]:
    """Ingest into a home that is thrown away."""
    engine = HashEngine() if model == "hash" else None
    embedder = open_embedder(model, "mean" if engine else "", engine=engine)
    embedder.documents(["The first batch of an engine is slower than the others."])
    with tempfile.TemporaryDirectory() as home:
        collection = Collection.open(Path(home))
        started = time.perf_counter()
        *_, last = collection.ingest(folder, [embedder], calibrate=False)
        wall = time.perf_counter() - started
        report = last.report
        assert report is not None
        peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return {
            "files": report.files.met, "failed": report.files.failed, "chunks": report.chunks, "tokens": report.tokens,
            "truncated": report.truncated, "seconds": wall, "engine": report.engine_seconds,
            "mib": peaks[0], "reader_mib": peaks[1],
        }  # fmt: skip


def apart(folder: Path, model: str) -> dict[str, float]:
    """The same in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--inside", str(folder), "--model", model]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(ended.stdout)
    f = figures
    print(
        f"{f['files']:6,} files {f['failed']:4} failed {f['chunks']:7,} chunks {f['tokens']:9,} tokens "
        f"{f['truncated']:4} truncated {f['seconds']:7.1f} s, engine {f['engine'] / f['seconds']:4.0%}, "
        f"peak {f['mib']:5.0f} MiB, reader {f['reader_mib']:5.0f} MiB"
    )
    return figures


def main() -> None:
    """Make or take the files, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--files", type=int, default=0, help="of the folder; 0: all")
    parser.add_argument("--model", default="")
    parser.add_argument("--sizes", type=int, nargs=2, default=(1000, 10_000))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(ingest(options.inside, options.model)))
        return
    with tempfile.TemporaryDirectory() as work:
        if options.folder and options.files:
            taken(options.folder, Path(work) / "some", options.files)
        if options.folder:
            apart(Path(work) / "some" if options.files else options.folder, options.model or "pocket")
            return
        figures = []
        for size in options.sizes:
            made(Path(work) / str(size), size)
            figures.append(apart(Path(work) / str(size), options.model or "hash"))
        grown = figures[1]["mib"] / figures[0]["mib"]
        print(f"memory of {options.sizes[1]:,} files over {options.sizes[0]:,}: {grown:.2f} x (1.3 at most)")


if __name__ == "__main__":
    main()
