"""llama.cpp beside transformers on the same weights: size, speed, first token, vectors and search quality.

    python -m benchmarks.llama_cpp [--model pocket] [--chunks 1000] [--rounds 3] [--parity 1000] [--formats q8_0,...]
                                   [--sets scifact,cmrc2018-dev]

The model is exported in each number format; all engines take turns in one process, and figures are medians of the
rounds. `alike` is the lowest cosine to the transformers engine's vectors over the texts, of all methods that fit.
Needs the extra `llama`; test sets are read from TWOFOLD_SHARED/data/eval.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.encode import chunks
from embedder import METHODS, Embedder, open_embedder, open_engine
from embedder.engine import POCKET
from embedder.gguf_export import export_gguf
from indexer import Evaluator, read_beir
from tests.shared import SHARED

FORMATS = ("f32", "bf16", "f16", "q8_0", "q4_k_m")
PROMPT = 400  # tokens that are read before the first token of an answer
TORCH = "transformers"


def engines(model: str, folder: Path, formats: list[str]) -> dict[str, tuple[str, Any]]:
    """Each engine with the path it was opened from, by number format; transformers first."""
    opened: dict[str, tuple[str, Any]] = {TORCH: (model, open_engine(model))}
    for kind in formats:
        file = export_gguf(model, folder / f"{kind}.gguf", kind)
        opened[kind] = (str(file), open_engine(str(file)))
    return opened


def size(path: str) -> float:
    """Megabytes on disk."""
    folder = POCKET if path == "pocket" else Path(path)
    files = [folder] if folder.is_file() else folder.glob("*.safetensors")
    return sum(file.stat().st_size for file in files) / 1e6


def first_token(engine: Any) -> float:
    """Milliseconds until the first token after a prompt."""
    ids = engine.encode(" ".join(chunks(20)))[:PROMPT]
    started = time.perf_counter()
    list(engine.continue_ids(ids, stop=threading.Event(), max_tokens=1))
    return 1000 * (time.perf_counter() - started)


def speeds(opened: dict[str, tuple[str, Any]], texts: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Tokens per second and per processor second of documents, and the time to a first token: medians of turns."""
    embedders = {name: open_embedder(path, engine=engine) for name, (path, engine) in opened.items()}
    tokens = sum(len(prompt) for prompt in embedders[TORCH].prompts("document", texts))
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in opened}
    for _ in range(rounds):
        for name, embedder in embedders.items():
            started, worked = time.perf_counter(), time.process_time()
            embedder.documents(texts)
            wall, work = time.perf_counter() - started, time.process_time() - worked
            runs[name].append((tokens / wall, tokens / work, first_token(opened[name][1])))
    print(f"{len(texts)} chunks, {tokens} tokens, {torch.get_num_threads()} threads, {rounds} rounds")
    middle = {name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in runs.items()}
    return {name: {"wall": wall, "work": work, "first": first} for name, (wall, work, first) in middle.items()}


def alike(opened: dict[str, tuple[str, Any]], texts: list[str]) -> dict[str, tuple[float, str]]:
    """The lowest cosine to the transformers engine's vectors, and the method it was under, by number format."""
    lowest = {name: (1.0, "") for name in opened if name != TORCH}
    for row in METHODS:
        made: dict[str, Embedder] = {}
        try:
            made = {name: open_embedder(path, row, engine=engine) for name, (path, engine) in opened.items()}
        except ValueError as error:
            print(f"  {row}: {error}")
            continue
        wanted = made.pop(TORCH).documents(texts)
        for name, embedder in made.items():
            cosine = float((embedder.documents(texts) * wanted).sum(1).min())
            lowest[name] = min(lowest[name], (cosine, row))
    return lowest


def quality(opened: dict[str, tuple[str, Any]], sets: list[str]) -> dict[str, list[float]]:
    """nDCG@10 of search by vectors alone on each test set, by number format."""
    found: dict[str, list[float]] = {name: [] for name in opened}
    for one in sets:
        evaluator = Evaluator(read_beir(SHARED / "data" / "eval" / one))
        for name, (path, engine) in opened.items():
            figures = evaluator.run(open_embedder(path, engine=engine), "dense").json()
            found[name].append(float(figures["ndcg@10"]))
        evaluator.close()
    return found


def main() -> None:
    """Read the options, measure, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parity", type=int, default=1000, help="texts whose vectors are compared; 0 for none")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--sets", default="", help="test sets, such as scifact,cmrc2018-dev")
    options = parser.parse_args()
    sets = [one for one in options.sets.split(",") if one]
    with tempfile.TemporaryDirectory() as folder:
        opened = engines(options.model, Path(folder), options.formats.split(","))
        found = speeds(opened, chunks(options.chunks), options.rounds)
        texts = [text[:160] for text in chunks(options.parity, seed=1)] if options.parity else []
        nearest = alike(opened, texts) if texts else {}
        ranked = quality(opened, sets)
        show(opened, found, nearest, ranked, sets)


def show(
    opened: dict[str, tuple[str, Any]],
    found: dict[str, dict[str, float]],
    nearest: dict[str, tuple[float, str]],
    ranked: dict[str, list[float]],
    sets: list[str],
) -> None:
    """The table as Markdown."""
    heads = ["weights", "MB", "tokens/s", "per processor s", "times", "first token, ms", "alike", *sets]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    base = found[TORCH]["wall"]
    for name, row in found.items():
        cosine = f"{np.floor(nearest[name][0] * 1e6) / 1e6:.6f} ({nearest[name][1]})" if name in nearest else "-"
        cells = [f"{name} on llama.cpp" if name != TORCH else f"{opened[name][1].dtype} on {name}"]
        cells += [
            f"{size(opened[name][0]):.0f}",
            f"{row['wall']:.0f}",
            f"{row['work']:.0f}",
            f"{row['wall'] / base:.2f}",
        ]
        print("| " + " | ".join([*cells, f"{row['first']:.0f}", cosine, *(f"{v:.4f}" for v in ranked[name])]) + " |")


if __name__ == "__main__":
    main()
