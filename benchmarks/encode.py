"""Encoding speed beside sentence-transformers on the same weights: `python -m benchmarks.encode [--chunks 2000]`.

Both encode the same mixed-length chunks in the same number format, taking turns in one process; the figure is the
median of the rounds. Vectors are compared first: a speed of other vectors would mean nothing.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from embedder import Embedder, open_embedder
from embedder.engine import POCKET

EXAMPLES = Path(__file__).parents[1] / "examples"
READABLE = (".md", ".txt", ".html", ".py", ".json", ".csv")


def chunks(count: int, seed: int = 0) -> list[str]:
    """Pieces of the example documents, 40 to 1,200 characters, as a folder of files would give."""
    files = sorted(path for path in EXAMPLES.rglob("*") if path.suffix in READABLE)
    text = "\n".join(path.read_text(encoding="utf-8", errors="ignore") for path in files)
    draw = random.Random(seed)
    sizes = [int(40 * 30 ** draw.random()) for _ in range(count)]
    starts = [draw.randrange(len(text) - size) for size in sizes]
    return [text[start : start + size].strip() or "empty" for start, size in zip(starts, sizes, strict=True)]


def peer(model: str, limit: int) -> Callable[[list[str]], np.ndarray]:
    """The same weights in sentence-transformers: bidirectional, mean, normalised, float32."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = str(POCKET) if model == "pocket" else model
    body = Transformer(
        folder,
        max_seq_length=limit,
        model_kwargs={"dtype": torch.float32},  # left alone it would take the checkpoint's 16 bits
        config_kwargs={"is_causal": False},
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",  # without these two it would wrap every text as a chat turn
    )
    modules = [body, Pooling(body.get_embedding_dimension(), "mean"), Normalize()]
    encoder = SentenceTransformer(modules=modules, device="cpu")
    return lambda texts: np.asarray(encoder.encode(texts, batch_size=32, show_progress_bar=False))


def timed(encode: Callable[[list[str]], np.ndarray], texts: list[str]) -> tuple[float, float]:
    """Seconds and processor seconds that one encoding takes; the second says more on a busy machine."""
    started, worked = time.perf_counter(), time.process_time()
    encode(texts)
    return time.perf_counter() - started, time.process_time() - worked


def compare(ours: Embedder, theirs: Callable[[list[str]], np.ndarray], texts: list[str], rounds: int) -> None:
    """Check that both mean the same, let them take turns, print the table."""
    prompts = ours.prompts("document", texts)
    tokens = sum(map(len, prompts))
    whole = [text for text, prompt in zip(texts, prompts, strict=True) if len(prompt) < ours.limit - 8][:64]
    apart = np.abs(ours.documents(whole) - theirs(whole)).max()  # where a text is cut, ours leaves no half character
    seconds: dict[str, list[tuple[float, float]]] = {"twofold": [], "sentence-transformers": []}
    for _ in range(rounds):
        seconds["twofold"].append(timed(ours.documents, texts))
        seconds["sentence-transformers"].append(timed(theirs, texts))
    print(f"{len(texts)} chunks, {tokens} tokens, {torch.get_num_threads()} threads, vectors apart by {apart:.1e}")
    print(f"{'':22} {'tokens/s':>10} {'tokens per processor second':>28}")
    for name, runs in seconds.items():
        wall, work = (tokens / statistics.median(run[kind] for run in runs) for kind in (0, 1))
        print(f"{name:22} {wall:10.0f} {work:28.0f}")
    pairs = list(zip(*seconds.values(), strict=True))
    wall, work = (statistics.median(b[kind] / a[kind] for a, b in pairs) for kind in (0, 1))
    print(f"{'ratio':22} {wall:10.2f} {work:28.2f}")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--chunks", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours = open_embedder(options.model, "" if options.model == "pocket" else "pocket")
    texts = chunks(options.chunks)
    compare(ours, peer(options.model, ours.limit), texts, options.rounds)


if __name__ == "__main__":
    main()
