"""What `twofold eval` does with a set of questions: opens models one after the other, tells, keeps the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.frame import Session
from app.settings import Settings

if TYPE_CHECKING:
    from app.contenders import Contender
    from embedder.embedder import Embedder
    from indexer import Collection, Interval, Mode, Result

FIGURES = ("ndcg@10", "recall@10", "mrr@10")


def is_pairs(name: str) -> bool:
    """Whether a name is a folder of sentence pairs."""
    folder = Path(name).expanduser()
    return folder.is_dir() and not (folder / "corpus.jsonl").is_file() and bool(list(folder.glob("*.tsv")))


def here(session: Session) -> Collection | None:
    """The collection, where there is one; one asked for by name has to be there."""
    try:
        return session.collection()
    except LookupError:
        if "collection" in session.given:
            raise
        return None


def evaluated(session: Session, name: str, methods: str, mode: Mode, instruction: str) -> dict[str, Result]:
    """The result of each contender by its label, in the order asked for; kept in the collection where there is one."""
    from app.commands.output import progress_bar
    from app.commands.stopping import interruptible
    from app.contenders import opened, parsed
    from app.evaluation import evaluate, open_test_set
    from indexer import Results

    collection = here(session)
    test = open_test_set(collection, name)
    spaces = collection.spaces() if collection is not None else []
    contenders = parsed(methods, spaces, mode, instruction) or [unnamed(session, mode, instruction)]
    done: dict[str, Result] = {}
    with interruptible() as stop, progress_bar("Encoding") as show_step:
        pairs = noted(opened(session.settings, contenders, session.settings.model or "pocket"))
        steps = evaluate(
            test, pairs, collection=collection, cache=session.settings.home / "cache" / "eval",
            stop=stop, tell=show_step,
        )  # fmt: skip
        for one, result in steps:
            done[one.label or result.method] = result
            if collection is not None:
                Results(collection.catalogue).keep(result)
    wanted = [one.label for one in contenders if one.label]
    return {label: done[label] for label in wanted} or done


def unnamed(session: Session, mode: Mode, instruction: str) -> Contender:
    """What is measured where no method is named: the settings' or the model's own; words alone need neither."""
    from app.contenders import Contender

    if mode == "words":
        return Contender("words", mode)
    return Contender("", mode, session.settings.method, instruction=instruction)


def noted(pairs: Iterator[tuple[Contender, Embedder | None]]) -> Iterator[tuple[Contender, Embedder | None]]:
    """The pairs as they come; untrained use is said."""
    from app.commands.models import note_untrained

    for one, embedder in pairs:
        if embedder is not None:
            note_untrained(embedder)
        yield one, embedder


def report(session: Session, done: dict[str, Result]) -> dict[str, Any]:
    """The results as one JSON document: figures by method, then what tells the methods apart."""
    from app.evaluation import aligned
    from app.recommend import advice_json, recommend
    from indexer import paired

    pairs = {f"{a},{b}": paired(*aligned(done[a], done[b])) for a, b in combinations(done, 2)}
    first = next(iter(done.values()))
    return {
        "dataset": first.dataset,
        "methods": {label: figures(result) for label, result in done.items()},
        "differences": {pair: asdict(difference) for pair, difference in pairs.items()},
        "recommendation": advice_json(recommend(list(done.values()), default(session))),
    }


def figures(result: Result) -> dict[str, Any]:
    """One method's figures, as the contract names them, with intervals and cost beside."""
    told: dict[str, Any] = {name: round(result.metrics[name].value, 4) for name in FIGURES}
    told |= {"queries": len(result.rows), "seconds": result.seconds, "mode": result.mode, "model": result.model}
    told["intervals"] = {name: [round(value.low, 4), round(value.high, 4)] for name, value in result.metrics.items()}
    told["cost"] = asdict(result.cost) if result.cost else None
    return told


def default(session: Session) -> str:
    """The fingerprint of the space that the collection's searches use."""
    collection = here(session)
    space = collection.default_space() if collection is not None else None
    return space.fingerprint if space else ""


def show(session: Session, done: dict[str, Result]) -> None:
    """A line for each method, the best first; then what the questions support."""
    from app.commands.measure import interval
    from app.commands.output import console, size, table
    from app.recommend import evidence, recommend, sentence

    ordered = sorted(done.items(), key=lambda pair: -pair[1].metrics["ndcg@10"].value)
    lines = []
    for label, one in ordered:
        cost = one.cost
        costs = (f"{cost.tokens_per_s:,.0f}", size(cost.bytes), f"{cost.p50 * 1000:.1f} ms") if cost else ("", "", "")
        values = (interval(one.metrics[name]) for name in FIGURES)
        lines.append((label, one.mode, *values, len(one.rows), *costs))
    dataset = ordered[0][1].dataset
    heads = (dataset, "mode", *FIGURES, "queries", "tokens/s", "vector", "a query")
    table(session, heads, lines)
    advice = recommend(list(done.values()), default(session))
    if advice is not None and advice.rival is not None:
        own = dataset == "votes" or dataset.startswith("made:")
        console(session).print(f"\n{sentence(advice, own=own)}\n{evidence(advice)}")


def similarities(
    settings: Settings, folder: Path, methods: Sequence[str], instruction: str
) -> Iterator[tuple[str, Interval]]:
    """Each method's rank correlation with people's judgement of sentence pairs."""
    from app.contenders import Contender, opened, parsed
    from indexer import read_pairs, similarity

    pairs = read_pairs(folder)
    asked = parsed(",".join(methods), []) or [Contender("", "dense", settings.method)]
    for one, embedder in noted(opened(settings, asked, settings.model or "pocket")):
        assert embedder is not None
        yield one.label or embedder.method.name, similarity(pairs, embedder, instruction=instruction)
