"""Does training help? Each recipe's figures before and after on a small CPU-sized run, as a Markdown table.

    python -m benchmarks.train [--base pocket] [--recipes mntp,simcse,e5] [--seeds 0,1,2] [--steps 100] [--work FOLDER]

The data lies in TWOFOLD_SHARED/data: plain text for masked tokens and SimCSE, pairs/ for the supervised recipe; the
figures are the held-out masked loss, Spearman on STS-B (en, zh), and nDCG@10 (dense) on scifact and xquad-zh2en.
"""

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean, stdev

from embedder import Embedder, open_embedder
from embedder.training.data import Data, drawn, lines, paragraphs, read
from embedder.training.journal import Step
from embedder.training.recipes import find_recipe
from embedder.training.run import train
from embedder.training.work import Options, Work
from indexer import Evaluator, read_beir, read_pairs, similarity
from tests.shared import SHARED

DATA = SHARED / "data"
SETS = ("scifact", "xquad-zh2en")
STS = ("stsb-en", "stsb-zh")
PAIRS_EACH = 500  # rows of each data set in pairs/
TEXTS = 6000


@dataclass(frozen=True)
class Run:
    """A recipe as it is run here; `rate` is higher than the papers': they take thousands of steps, here it is tens."""

    recipe: str
    stages: tuple[str, ...]
    rate: float
    batch: int
    tokens: int
    trains: str = ""


RUNS = {
    "mntp": Run("llm2vec", ("mntp",), rate=1e-3, batch=8, tokens=128),
    "simcse": Run("simcse", ("simcse",), rate=3e-4, batch=64, tokens=48),
    "e5": Run("e5", (), rate=1e-3, batch=64, tokens=128),
}


def texts(count: int) -> list[str]:
    """Paragraphs of plain text, half English and half Chinese, evenly from the files of each."""
    files = sorted((DATA / "pretrain").glob("*.zst"))
    languages = {file: next(lines(file))["lang"] for file in files}
    found: list[str] = []
    for lang in ("en", "zh"):
        some = [file for file in files if languages[file] == lang]
        for file in some:
            found += drawn(some_paragraphs(file, 10 * count // len(some)), count // (2 * len(some)))
    return found


def some_paragraphs(file: Path, most: int) -> list[str]:
    """The first paragraphs of a file that are neither a heading nor a page."""
    found: list[str] = []
    for row in lines(file):
        found += [text for text in paragraphs(str(row["text"])) if 40 <= len(text) <= 600]
        if len(found) >= most:
            break
    return found


def data_of(name: str) -> Data:
    """What a recipe learns from, read once; a run takes some of it out to measure by, so each has its own."""
    known = gathered(name)
    return Data(dict(known.sets), list(known.texts), sources=list(known.sources))


@cache
def gathered(name: str) -> Data:
    """The same for every seed."""
    if name == "e5":
        return read(sorted((DATA / "pairs").glob("*.jsonl.zst")), most=PAIRS_EACH)
    return Data(texts=texts(TEXTS), sources=["pretrain/: paragraphs of every file, half English, half Chinese"])


def trained(name: str, base: str, seed: int, steps: int, work: Path) -> Path:
    """The model of a run; one made before is taken as it is."""
    out = work / f"{name}-{seed}"
    if (out / "twofold.json").is_file():
        return out
    run = RUNS[name]
    options = Options(
        run.stages, run.trains, steps=steps, batch=run.batch, micro=128, rate=run.rate, tokens=run.tokens, every=25,
        seed=seed,
    )  # fmt: skip

    def tell(step: Step) -> None:
        if step.step % 10 == 0:
            print(f"{name} seed {seed}: {step.step}/{step.steps}, loss {step.loss:.3f}", flush=True)

    return train(Work(find_recipe(run.recipe), base, data_of(name), out, options, tell=tell))


def figures(name: str, embedder: Embedder, cache: Path) -> dict[str, float]:
    """What a recipe is judged by, times 100."""
    if name == "simcse":
        return {pairs: 100 * similarity(read_pairs(DATA / "sts" / pairs), embedder).value for pairs in STS}
    found = {}
    for test_set in SETS:
        evaluator = Evaluator(read_beir(DATA / "eval" / test_set), cache)
        found[test_set] = 100 * evaluator.run(embedder, "dense").metrics["ndcg@10"].value
        evaluator.close()
    return found


def masked(folders: list[Path]) -> list[str]:
    """The masked loss before and after, as the runs wrote it down."""
    stages = [json.loads((folder / "training.json").read_text("utf-8"))["stages"][0] for folder in folders]
    before, after = ([stage["score"][n] for stage in stages] for n in (0, 1))
    return [f"| mntp | held-out masked loss (lower is better) | {spread(before)} | {spread(after)} |"]


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def rows(name: str, base: str, folders: list[Path], cache: Path) -> list[str]:
    """The lines of a recipe."""
    if name == "mntp":
        return masked(folders)
    method = find_recipe(RUNS[name].recipe).method
    befores = {label: figures(name, open_embedder(base, label), cache) for label in dict.fromkeys((method, "mean"))}
    afters = [figures(name, open_embedder(str(folder)), cache) for folder in folders]
    found = []
    for measure in afters[0]:
        before = ", ".join(f"{values[measure]:.2f} ({label})" for label, values in befores.items())
        found.append(f"| {name} | {measure} | {before} | {spread([one[measure] for one in afters])} |")
    return found


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="pocket")
    parser.add_argument("--recipes", default=",".join(RUNS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--work", type=Path, help="keep models and vectors here, and go on from them")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="twofold-train-"))
    table = ["| recipe | measure | before (method) | after |", "|---|---|---|---|"]
    begun = time.monotonic()
    for name in options.recipes.split(","):
        seeds = [int(seed) for seed in options.seeds.split(",")]
        folders = [trained(name, options.base, seed, options.steps, work) for seed in seeds]
        table += rows(name, options.base, folders, work / "vectors")
        print(f"{name}: {time.monotonic() - begun:.0f} s so far", flush=True)
    print("\n".join(table))
    if options.work is None:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
