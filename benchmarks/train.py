"""Does training help? Each recipe's figures before and after on a small CPU-sized run, as a Markdown table.

    python -m benchmarks.train [--recipes mntp,llm2vec,…] [--seeds 0,1,2] [--steps N] [--whole] [--work FOLDER]

What is learnt from lies in TWOFOLD_SHARED/data: plain text in pretrain/, six sets of pairs/. The figures are the
held-out masked loss, Spearman on STS-B (en, zh), and nDCG@10 (dense) on parts of xquad-zh2en and scifact (300
queries; 600 documents, the relevant ones among them, 500 characters of each; --whole measures both sets whole). With
--work, a run that was stopped goes on: models and figures are kept there, and what is known is only printed again.

The base is the bundled model as a plain causal decoder, or, for what is read off the last token, where that model has
next to nothing, `early`, made here in a second: its vectors of tokens, each brought to one length so that none weighs
more than another, under untrained layers (random, seed 0). --base takes any model instead.
"""

import argparse
import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

from embedder import Embedder, open_embedder
from embedder.engine import POCKET
from embedder.training.data import Data, Pair, drawn, lines, neighbours, paragraphs, read
from embedder.training.dev import Dev
from embedder.training.journal import Step
from embedder.training.recipes import find_recipe
from embedder.training.run import train
from embedder.training.work import Options, Work
from indexer import Dataset, Evaluator, read_beir, read_pairs, similarity
from tests.shared import SHARED

DATA = SHARED / "data"
STS = ("stsb-en", "stsb-zh")
SETS = ("xquad-zh2en", "scifact")
MASKED = "held-out masked loss (less is better)"
MEAN = "mean"  # what the base can do without any recipe
LEARNT = ("tatoeba_en_zh", "tldr_en_zh", "clapnq_train_qa_en", "cmrc2018_trial_zh", "covid_qa_en", "scifact_train_en")
PAIRS_EACH = 500  # rows of each of these in pairs/
TEXTS = 2000
QUERIES, DOCUMENTS, CHARACTERS = 300, 600, 500  # of a test set that is not measured whole
SCALE = 0.15  # root mean square of the base's vectors: about what an untrained layer adds to them
TRIED = 300  # sentence pairs that a demonstration is tried on
# a sentence and its word each; the paper takes them from STS-B's training part and a dictionary
DEMONSTRATIONS = (
    ("A ferry crosses the bay in heavy rain.", "Ferry"), ("Two children laugh while they fly a kite.", "Joy"),
    ("The company cut four hundred jobs last week.", "Layoffs"), ("A cook slices onions on a wooden board.", "Cooking"),
    ("She plays an old song on the guitar.", "Music"), ("The court refused to hear the appeal.", "Justice"),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A recipe as it is run here; rates are higher than the papers', which take thousands of steps where here are tens.

    `learns`: "texts", "neighbours" or "pairs"; `measures`: what it is judged by; `after`: the run whose result is its
    base, else the early one with `early`. A `temperature` of 0 is the recipe's own.
    """

    recipe: str
    learns: str
    rate: float
    measures: tuple[str, ...]
    stages: tuple[str, ...] = ()
    batch: int = 16
    tokens: int = 64
    temperature: float = 0.0
    after: str = ""
    early: bool = False
    steps: int = 20


RUNS = {
    "mntp": Run("llm2vec", "texts", 1e-3, (MASKED, *STS), ("mntp",), batch=8, tokens=128, steps=30),
    "llm2vec": Run("llm2vec", "texts", 5e-3, STS, ("simcse",), tokens=32, temperature=0.2, after="mntp"),
    "mntp-early": Run("llm2vec", "texts", 2e-3, (MASKED, *STS), ("mntp",), batch=8, tokens=128, early=True, steps=30),
    "llm2vec-early": Run(
        "llm2vec", "texts", 1e-3, STS, ("simcse",), batch=32, tokens=32, after="mntp-early", early=True, steps=200
    ),
    "simcse": Run("simcse", "texts", 5e-3, STS, tokens=32, temperature=0.2),
    "e5": Run("e5", "pairs", 2e-3, SETS, early=True),
    "sgpt": Run("sgpt", "pairs", 1e-2, SETS[:1]),
    "prompteol": Run("prompteol", "pairs", 2e-3, STS, tokens=32, early=True),
    "prompteol-icl": Run("prompteol-icl", "words", 0.0, STS),
    "repllama": Run("repllama", "pairs", 2e-3, SETS[:1], early=True),
    "udever": Run("udever", "pairs", 1e-2, SETS[:1], early=True),
    "cpt": Run("cpt", "neighbours", 5e-4, SETS[1:], early=True),
    "gtr": Run("gtr", "pairs", 1e-4, SETS[:1]),
    "echo": Run("echo", "pairs", 2e-3, SETS[:1]),
    "gritlm": Run("gritlm", "pairs", 1e-4, SETS[:1]),
}


def early(folder: Path) -> str:
    """The base in a folder of its own: what tokens mean is there, what counts in a text has not been learnt yet."""
    if not (folder / "config.json").is_file():
        config = AutoConfig.from_pretrained(POCKET)
        torch.manual_seed(0)
        model, known = LlamaForCausalLM(config), LlamaForCausalLM.from_pretrained(POCKET, dtype=torch.float32)
        with torch.no_grad():
            shown = known.model.norm.weight != 0  # what other dimensions hold, a token takes from its own weight
            rows = functional.normalize(known.model.embed_tokens.weight * shown, dim=1)
            model.model.embed_tokens.weight.copy_(rows * math.sqrt(config.hidden_size) * SCALE)
            model.model.norm.weight.copy_(known.model.norm.weight)
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(POCKET).save_pretrained(folder)
    return str(folder)


def stories(count: int) -> list[list[str]]:
    """Paragraphs by document, half of them English and half Chinese, evenly from the files of each."""
    files = sorted((DATA / "pretrain").glob("*.zst"))
    languages = {file: next(lines(file))["lang"] for file in files}
    found: list[list[str]] = []
    for lang in ("en", "zh"):
        some = [file for file in files if languages[file] == lang]
        for file in some:
            found += drawn(some_documents(file, 5 * count // len(some)), count // (2 * len(some)))
    return found


def some_documents(file: Path, most: int) -> list[list[str]]:
    """The first runs of paragraphs of a file that are neither a heading nor a page, at most two in each."""
    found: list[list[str]] = []
    for row in lines(file):
        good = [text for text in paragraphs(str(row["text"])) if 40 <= len(text) <= 600]
        found += [good[at : at + 2] for at in range(0, len(good), 2)]
        if len(found) >= most:
            break
    return found


def data_of(learns: str) -> Data:
    """What a recipe learns from, read once; a run takes some of it out to measure by, so each has its own."""
    known = gathered(learns)
    return Data({name: list(rows) for name, rows in known.sets.items()}, list(known.texts), sources=list(known.sources))


@cache
def gathered(learns: str) -> Data:
    """The same for every seed."""
    if learns == "words":
        return Data(
            {"words": [Pair(*one) for one in DEMONSTRATIONS]}, sources=["sentences and words of this benchmark"]
        )
    if learns == "pairs":
        return read([DATA / "pairs" / f"{name}.jsonl.zst" for name in LEARNT], most=PAIRS_EACH)
    found, said = stories(TEXTS), ["pretrain/: paragraphs of every file, half English, half Chinese"]
    if learns == "neighbours":
        return Data({"neighbours": neighbours(found)}, sources=said)
    return Data(texts=[text for story in found for text in story], sources=said)


def base_of(name: str, options: argparse.Namespace, seed: int) -> str:
    """What a run starts from: the base, or another run's result."""
    run = RUNS[name]
    return str(folder_of(run.after, options, seed)) if run.after else root_of(run, options)


def root_of(run: Run, options: argparse.Namespace) -> str:
    """The model that nothing was trained on yet."""
    return str(options.base or (early(Path(options.work) / "early") if run.early else "pocket"))


def folder_of(name: str, options: argparse.Namespace, seed: int) -> Path:
    """The model of a run; one made before is taken as it is."""
    out = Path(options.work) / f"{name}-{seed}"
    if (out / "twofold.json").is_file():
        return out
    run = RUNS[name]
    given = Options(
        run.stages, "", steps=options.steps or run.steps, batch=run.batch, micro=128, rate=run.rate, tokens=run.tokens,
        every=10**6, seed=seed, temperature=run.temperature,
    )  # fmt: skip

    def tell(step: Step) -> None:
        if step.step % 10 == 0:
            print(f"{name} seed {seed}: {step.step}/{step.steps}, loss {step.loss:.3f}", flush=True)

    work = Work(find_recipe(run.recipe), base_of(name, options, seed), data_of(run.learns), out, given, tell=tell)
    if run.learns == "words":
        pairs = read_pairs(DATA / "sts" / STS[0], split="dev")
        few = replace(pairs, left=pairs.left[:TRIED], right=pairs.right[:TRIED], scores=pairs.scores[:TRIED])
        work.options = Options(seed=seed)
        work.dev = Dev(f"Spearman of {TRIED} pairs of {STS[0]} (dev)", lambda embedder: similarity(few, embedder).value)
    return train(work)


class Figures:
    """What was measured, times 100, kept in a file by model and method: a row is never measured twice."""

    def __init__(self, work: Path, *, whole: bool) -> None:
        self.file, self.vectors, self.whole = work / "figures.json", work / "vectors", whole
        self.known: dict[str, float] = json.loads(self.file.read_text("utf-8")) if self.file.is_file() else {}

    def of(self, measure: str, label: str, opened: Callable[[], Embedder]) -> float:
        """One measure of one model."""
        key = f"{label}: {measure}" + (" whole" if self.whole and measure in SETS else "")
        if key not in self.known:
            self.known[key] = round(100 * self._measured(measure, opened()), 3)
            self.file.write_text(json.dumps(self.known, indent=1), encoding="utf-8")
        return self.known[key]

    def _measured(self, measure: str, embedder: Embedder) -> float:
        if measure in STS:
            return similarity(read_pairs(DATA / "sts" / measure), embedder).value
        found = read_beir(DATA / "eval" / measure)
        evaluator = Evaluator(found if self.whole else smaller(found), self.vectors)
        try:
            return evaluator.run(embedder, "dense").metrics["ndcg@10"].value
        finally:
            evaluator.close()


def smaller(found: Dataset) -> Dataset:
    """Some of a test set, by the ids' own hashes: its relevant documents stay, the others are thinned out."""
    asked = drawn(sorted(found.judged), QUERIES)
    right = {number for query in asked for number, grade in found.judged[query].items() if grade > 0}
    others = drawn(sorted(set(found.documents) - right), max(1, DOCUMENTS - len(right)))
    documents = {number: found.documents[number][:CHARACTERS] for number in [*sorted(right), *others]}
    judged = {query: {n: g for n, g in found.judged[query].items() if n in documents} for query in asked}
    return Dataset(f"{found.name}, a part", documents, {query: found.queries[query] for query in asked}, judged)


def masked(folders: list[Path]) -> tuple[list[float], list[float]]:
    """The masked loss before and after, as the runs wrote it down."""
    told = [json.loads((folder / "training.json").read_text("utf-8"))["stages"][0]["score"] for folder in folders]
    return [one[0] for one in told], [one[1] for one in told]


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds."""
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def rows(name: str, options: argparse.Namespace, figures: Figures) -> list[str]:
    """The lines of a recipe."""
    run = RUNS[name]
    seeds = [int(seed) for seed in options.seeds.split(",")]
    folders = [folder_of(name, options, seed) for seed in seeds]
    bases = list(dict.fromkeys(base_of(name, options, seed) for seed in seeds))
    method = json.loads((folders[0] / "twofold.json").read_text("utf-8"))["method"]
    found = []
    for measure in run.measures:
        if measure == MASKED:
            before, after = masked(folders)
            found.append(f"| {name} | {measure} | {spread(before)} | – | {spread(after)} |")
            continue
        after = [figures.of(measure, folder.name, lambda f=folder: open_embedder(str(f))) for folder in folders]
        own = spread([figures.of(measure, *before_of(base, method)) for base in bases])
        plain = spread([figures.of(measure, *before_of(root_of(run, options), MEAN))])
        found.append(f"| {name} | {measure} | {own} | {plain} | {spread(after)} |")
    return found


def before_of(base: str, method: str) -> tuple[str, Callable[[], Embedder]]:
    """A base under the method that is trained for; UDEVER's tokens are not there yet, so its base is read by the last.

    PromptEOL's search begins at the prompt without a demonstration.
    """
    method = {"udever": "repllama", "prompteol-icl": "prompteol"}.get(method, method)
    return f"{Path(base).name}, {method}", lambda: open_embedder(base, method)


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="a model, instead of the bundled and the early one")
    parser.add_argument("--recipes", default=",".join(RUNS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--steps", type=int, default=0, help="of every stage, instead of its own")
    parser.add_argument("--whole", action="store_true", help="measure the test sets whole")
    parser.add_argument("--work", type=Path, help="keep models and vectors here, and go on from them")
    options: Any = parser.parse_args()
    kept = options.work is not None
    options.work = options.work or Path(tempfile.mkdtemp(prefix="twofold-train-"))
    table = ["| recipe | measure | before, its method | before, plain mean | after |", "|---|---|---|---|---|"]
    begun, figures = time.process_time(), Figures(options.work, whole=options.whole)
    for name in options.recipes.split(","):
        found = rows(name, options, figures)
        table += found
        print("\n".join(found), f"\n{name}: {time.process_time() - begun:.0f} s of CPU so far", flush=True)
    print("\n".join(table))
    if not kept:
        shutil.rmtree(options.work)


if __name__ == "__main__":
    main()
