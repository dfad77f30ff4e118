"""How good are the answers? F1, exact match, whether the gold answer is in them, citation precision, and refusals.

    python -m benchmarks.answers [--model pocket] [--questions 150] [--styles first,quote,write] [--sets xquad-en,...]

The test sets lie in TWOFOLD_SHARED/data/eval (see data/README.md there). Every set is indexed as files in a collection
of its own, searched as a reader would, and answered from the hits. "first" is the baseline: the first sentence of the
top hit. Scores are means over questions; F1 and exact match are SQuAD's, by characters for Chinese. "holds" is the
share of answers that hold a gold answer, "of 5" the same where the gold passage is among the first five hits, "cited"
the share of citations that point into the gold document. Refusing is chosen on one half of the questions and judged on
the other.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.answer import REFUSE_AT, Answer, answer, doubt
from app.quote import split
from app.saved import p_value
from embedder import Embedder, open_embedder
from indexer import Citation, Collection, Found
from tests.shared import SHARED

SETS = ("xquad-en", "cmrc2018-dev", "xquad-zh", "clapnq")
UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
FOREIGN = {"xquad-en": "clapnq", "clapnq": "xquad-en", "xquad-zh": "cmrc2018-dev", "cmrc2018-dev": "xquad-zh"}
ALLOWED = 0.02  # answerable questions that may be refused
ARTICLES = {"a", "an", "the"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its gold answers ([] where the set says there is none), and the document that holds them."""

    text: str
    answers: tuple[str, ...]
    document: str


@dataclass(frozen=True, slots=True)
class Score:
    """What one answer was worth."""

    f1: float
    exact: float
    holds: float
    cited: float
    seconds: float
    among: bool = False  # the gold passage is among the first five hits


def read(name: str, count: int, *, answerable: bool = True) -> list[Question]:
    """`count` questions of a set, drawn once and for all."""
    lines = (SHARED / "data/eval" / name / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    kept = [row for row in rows if bool(row["answers"]) == answerable]
    random.Random(7).shuffle(kept)
    return [Question(row["query"], tuple(row["answers"]), row["doc"]) for row in kept[:count]]


def indexed(name: str, home: Path, embedder: Embedder) -> Collection:
    """A collection of the set's documents, each a file named by its id."""
    folder = home / "files"
    folder.mkdir(parents=True)
    for line in (SHARED / "data/eval" / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        title = f"{row['title']}\n\n" if row.get("title") else ""
        (folder / f"{row['_id']}.txt").write_text(title + row["text"], encoding="utf-8")
    collection = Collection.open(home)
    for _ in collection.ingest(folder, [embedder]):
        pass
    return collection


def units(text: str) -> list[str]:
    """Words, or characters for Chinese, without case, marks and articles."""
    found = UNIT.findall(unicodedata.normalize("NFKC", text).casefold())
    return [unit for unit in found if unit not in ARTICLES]


def f1(said: str, gold: str) -> float:
    """Harmonic mean of precision and recall over units (Rajpurkar et al. 2016, arXiv:1606.05250)."""
    ours, theirs = units(said), units(gold)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs)) if shared else 0.0


def holds(said: str, gold: str) -> bool:
    """Whether the gold answer stands in the text, unit for unit."""
    return f" {' '.join(units(gold))} " in f" {' '.join(units(said))} "


def score(question: Question, whole: Answer, found: Found, seconds: float) -> Score:
    """An answer against its gold answers; `cited` is the share of its citations that point into the gold document."""
    right = [Path(one.path).stem == question.document for one in whole.citations]
    return Score(
        f1=max(f1(whole.text, gold) for gold in question.answers),
        exact=max(float(units(whole.text) == units(gold)) for gold in question.answers),
        holds=max(float(holds(whole.text, gold)) for gold in question.answers),
        cited=sum(right) / len(right) if right else 0.0,
        seconds=seconds,
        among=question.document in {Path(hit.path).stem for hit in found.hits[:5]},
    )


def first_sentence(found: Found) -> Answer:
    """The baseline."""
    if not found.hits:
        return Answer("", "quote", refused=True)
    top = split(found.hits[:1])[0]
    at, size = top.hit, len(top.text)
    place = Citation(1, at.chunk, at.document, at.path, at.page, top.start, top.end, top.text, 0, size)
    return Answer(top.text, "quote", citations=(place,))


def given(style: str, question: str, found: Found, embedder: Embedder, odds: float | None) -> Answer:
    """The whole answer in a style."""
    if style == "first":
        return first_sentence(found)
    engine: Any = embedder.engine
    kept = "quote" if style == "quote" else "write"
    *_, last = answer(question, found, writer=engine, embedder=embedder, style=kept, p_value=odds)
    assert isinstance(last, Answer)
    return last


def measured(
    collection: Collection, questions: Sequence[Question], embedder: Embedder, style: str
) -> Iterator[tuple[Score, bool]]:
    """Score and refusal of each question."""
    for question in questions:
        started = time.perf_counter()
        found = collection.search(question.text, embedder, top=8)
        odds = p_value(collection, embedder, found)
        whole = given(style, question.text, found, embedder, odds if style != "first" else None)
        yield score(question, whole, found, time.perf_counter() - started), whole.refused


def style_row(name: str, style: str, rows: Sequence[tuple[Score, bool]]) -> str:
    """One line of the table."""
    names = ("f1", "exact", "holds", "cited")
    means = [sum(getattr(one, part) for one, _ in rows) / len(rows) for part in names]
    gone = sum(refusal for _, refusal in rows) / len(rows)
    middle = sorted(one.seconds for one, _ in rows)[len(rows) // 2]
    near = [one.holds for one, _ in rows if one.among]
    cells = "".join(f"{value:>9.3f}" for value in [*means, sum(near) / max(1, len(near)), gone])
    return f"{name:<14}{style:<8}{len(rows):>5}{cells}{middle:>9.2f}"


def doubts(collection: Collection, embedder: Embedder, questions: Sequence[Question]) -> list[float]:
    """What a refusal is decided by, for each question."""
    found = [collection.search(question.text, embedder, top=8) for question in questions]
    odds = [p_value(collection, embedder, one) or 0.0 for one in found]
    return [doubt(question.text, one, p) for question, one, p in zip(questions, found, odds, strict=True)]


def refused(seen: Sequence[float], at: float) -> float:
    """The share of questions whose doubt is so large."""
    return sum(one >= at for one in seen) / max(1, len(seen))


def calibrated(own: Sequence[float]) -> float:
    """The lowest threshold, in steps of 0.05, that refuses at most ALLOWED of the answerable questions."""
    return next((n / 20 for n in range(1, 20) if refused(own, n / 20) <= ALLOWED), 1.0)


def refusals(collection: Collection, embedder: Embedder, name: str, count: int) -> None:
    """Precision and recall of refusing a set's unanswerable questions, and those of another set.

    A threshold is chosen on every other question and judged on the rest, beside the one that answers use.
    """
    foreign = FOREIGN[name]
    kinds = {"answerable": read(name, count), f"questions of {foreign} (no passage there)": read(foreign, count)}
    if name == "clapnq":
        kinds["unanswerable (their passage is there)"] = read(name, count, answerable=False)
    seen = {kind: doubts(collection, embedder, questions) for kind, questions in kinds.items()}
    own, *others = seen
    for title, at in (("chosen on the other half", calibrated(seen[own][::2])), ("in use", REFUSE_AT)):
        wrong = refused(seen[own][1::2], at)
        print(f"{name}: doubt of {at:.2f} ({title}) refuses {wrong:.1%} of the answerable questions")
        for kind in others:
            right = refused(seen[kind][1::2], at)
            precision = f"{right / (right + wrong):.3f}" if right + wrong else "-"
            print(f"  {kind}: recall {right:.3f}, precision {precision}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--method", default="")
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--styles", default="first,quote,write")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--no-refusals", action="store_true")
    options = parser.parse_args()
    if not (SHARED / "data/eval").is_dir():
        raise SystemExit(f"no test sets at {SHARED}: set TWOFOLD_SHARED to a folder that holds data/eval")
    embedder = open_embedder(options.model, options.method)
    columns = ("F1", "exact", "holds", "cited", "of 5", "refused", "s (p50)")
    print(f"{'set':<14}{'style':<8}{'n':>5}" + "".join(f"{column:>9}" for column in columns))
    for name in options.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            collection = indexed(name, Path(folder), embedder)
            questions = read(name, options.questions)
            for style in options.styles.split(","):
                print(style_row(name, style, list(measured(collection, questions, embedder, style))), flush=True)
            if not options.no_refusals:
                refusals(collection, embedder, name, options.questions)
            collection.close()


if __name__ == "__main__":
    main()
