"""`twofold train`: a paper's recipe on any decoder, from files or from the collection's own passages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.frame import Failure, Session, command
from app.commands.models import PANEL

if TYPE_CHECKING:
    from embedder.training.journal import Step
    from embedder.training.work import Options

Data = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="PATH", help="JSON lines (.jsonl, .jsonl.zst), a BEIR folder, a folder of text."),
]
FROM = typer.Option("--from-collection", help="Learn from the passages of the collection.")


@command(
    PANEL,
    (
        "twofold train",
        "twofold train llm2vec --data ~/texts --out ~/models/mine",
        "twofold train e5 --model ~/models/Qwen3-0.6B --data pairs.jsonl.zst --dev beir/mine --out ~/models/mine",
        "twofold train simcse --from-collection --out ~/models/mine --dry-run",
        "twofold --model ~/models/mine search question",
    ),
)
def train(
    session: Session,
    recipe: Annotated[str, typer.Argument(metavar="[RECIPE]", help="Which recipe; without one they are listed.")] = "",
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the model goes; the same again goes on.")
    ] = None,
    from_collection: Annotated[bool, FROM] = False,
    dev: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A BEIR folder or sentence pairs to score by.")
    ] = None,
    generate: Annotated[Path | None, typer.Option(metavar="FILE", help="For gritlm: prompt and response.")] = None,
    stages: Annotated[str, typer.Option(metavar="A,B,…", help="Only these stages of the recipe.")] = "",
    trains: Annotated[str, typer.Option(help="lora, bitfit, tokens+bitfit or all, instead of the row's.")] = "",
    steps: Annotated[int, typer.Option(help="Batches in a stage; else the row's.")] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over the data; else the row's.")] = 0,
    batch: Annotated[
        int, typer.Option(help="Pairs in a batch; else the row's, as far as data and device bear it.")
    ] = 0,
    micro: Annotated[int, typer.Option(help="Texts in the model at once; halved where memory runs out.")] = 0,
    rate: Annotated[float, typer.Option(help="Highest learning rate; else the row's.")] = 0.0,
    temperature: Annotated[float, typer.Option(help="What cosines are divided by; else the row's.")] = 0.0,
    tokens: Annotated[int, typer.Option(help="Longest text in tokens; else the row's.")] = 0,
    most: Annotated[int, typer.Option(help="Rows of each data set at most (0: all).")] = 0,
    every: Annotated[int, typer.Option(help="Steps between two scores and checkpoints.")] = 50,
    patience: Annotated[int, typer.Option(help="Stop after so many scores without gain (0: never).")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed, another run.")] = 0,
    split: Annotated[str, typer.Option(help="Which judgements of a BEIR folder are learnt from.")] = "train",
    checkpointing: Annotated[bool, typer.Option("--checkpointing", help="Less memory, a third slower.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell steps, tokens and time.")] = False,
) -> None:
    """Train any decoder as an embedder by a paper's recipe; a run that was stopped goes on when it is started again."""
    from embedder.training.recipes import find_recipe
    from embedder.training.work import Options

    if not recipe:
        list_recipes(session)
        return
    row = find_recipe(recipe)
    options = Options(
        tuple(name.strip() for name in stages.split(",") if name.strip()), trains, steps, epochs, batch, micro, rate,
        tokens, every, patience, seed, session.settings.device, session.settings.dtype, checkpointing, temperature,
    )  # fmt: skip
    row.chosen(options.stages)  # names of stages that are none are told before anything is read
    if out is None and not dry_run:
        raise typer.BadParameter("say where the model goes: --out DIR")
    given = gathered(session, data or [], generate, from_collection=from_collection, split=split, most=most)
    Run(session, row, given, options).go(out=out.expanduser() if out else Path(), dev=dev, dry_run=dry_run)


def list_recipes(session: Session) -> None:
    """Every row of the table with its stages."""
    from dataclasses import asdict

    from app.commands.output import emit, table
    from embedder.training.recipes import TABLE

    if session.json:
        emit(session, {"recipes": [asdict(row) for row in TABLE]})
        return
    rows = [
        (
            row.name, stage.name + (" (optional)" if stage.optional else ""), stage.objective, stage.trains,
            stage.rate, stage.batch, stage.temperature if stage.objective != "mntp" else "-", row.method, row.source,
        )
        for row in TABLE
        for stage in row.stages
    ]  # fmt: skip
    heads = ("recipe", "stage", "objective", "trains", "rate", "batch", "temperature", "method", "source")
    table(session, heads, [tuple(f"{cell:g}" if isinstance(cell, float) else cell for cell in row) for row in rows])


def gathered(
    session: Session, paths: list[Path], generate: Path | None, *, from_collection: bool, split: str, most: int
) -> Any:
    """The data of files and of the collection."""
    from app.training_runs import from_passages
    from embedder.training.data import Data, lines, read, reply

    if not paths and not from_collection:
        raise Failure("nothing to learn from: give --data PATH, or --from-collection")
    data = read(paths, split=split, most=most) if paths else Data()
    if from_collection:
        data.add(from_passages(session.collection(), session.settings.collection, most))
    if generate is not None:
        data.replies += [reply(row) for row in lines(generate)]
    return data


class Run:
    """One run of the command: what it costs, or the training itself behind a bar."""

    def __init__(self, session: Session, recipe: Any, data: Any, options: Options) -> None:
        self.session, self.recipe, self.data, self.options = session, recipe, data, options
        self.base = session.settings.model or "pocket"

    def go(self, *, out: Path, dev: Path | None, dry_run: bool) -> None:
        """Tell the cost, or train and tell where the model is."""
        from app.commands.stopping import interruptible
        from embedder.training.work import Work

        work = Work(self.recipe, self.base, self.data, out, self.options)
        if dry_run:
            self.cost(work)
            return
        from embedder.training.run import train as run

        work.dev = measure(dev) if dev else None
        with interruptible() as stop, training_bar(self.recipe.name) as show:
            work.stop, work.tell = stop, show
            folder = run(work)
        self.told(folder)

    def cost(self, work: Any) -> None:
        """Steps, tokens and time of each stage."""
        from dataclasses import asdict

        from app.commands.output import emit, table
        from app.parts import duration
        from embedder import open_engine
        from embedder.training.cost import estimate

        costs = estimate(work, open_engine(self.base, device=self.options.device, dtype=self.options.dtype))
        if self.session.json:
            emit(self.session, {"recipe": self.recipe.name, "stages": [asdict(cost) for cost in costs]})
            return
        rows = [(cost.stage, cost.steps, cost.batch, cost.tokens, duration(cost.seconds)) for cost in costs]
        table(self.session, ("stage", "steps", "batch", "tokens", "about"), rows)

    def told(self, folder: Path) -> None:
        """Where the model is and how it did."""
        import json

        from app.commands.output import console, emit, plain

        told = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        if self.session.json:
            emit(self.session, {"model": str(folder), **told})
            return
        screen = console(self.session)
        for stage in told.get("stages", []):
            first, last = stage["loss"]
            line = f"{stage['stage']['name']}: {stage['steps']:,} steps, loss {first:.3f} to {last:.3f}"
            if stage["score"]:
                line += f", {stage['measure']} {stage['score'][0]:.4f} to {stage['score'][1]:.4f}"
            screen.print(plain(line))
        screen.print(plain(f"The model is in {folder}: twofold --model {folder} search …"))


def measure(folder: Path) -> Any:
    """A score to be taken during training: nDCG@10 of a BEIR folder's dev judgements, else Spearman of its pairs."""
    from embedder.training.dev import Dev
    from indexer.dataset import read_beir, read_pairs
    from indexer.evaluate import Evaluator, similarity

    folder = folder.expanduser()
    if (folder / "corpus.jsonl").is_file():
        split = "dev" if (folder / "qrels" / "dev.tsv").is_file() else "test"
        dataset = read_beir(folder, split=split)

        def ndcg(embedder: Any) -> float:
            return Evaluator(dataset).run(embedder, "dense").metrics["ndcg@10"].value

        return Dev(f"nDCG@10 of {folder.name} ({split})", ndcg)
    split = "dev" if (folder / "dev.tsv").is_file() else "test"
    pairs = read_pairs(folder, split=split)
    return Dev(f"Spearman of {folder.name} ({split})", lambda embedder: similarity(pairs, embedder).value)


@contextmanager
def training_bar(title: str) -> Iterator[Callable[[Step], None]]:
    """A bar on stderr where a person watches; where nobody does, a line for each score."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from app.commands.output import say

    screen = Console(stderr=True, highlight=False)
    if not screen.is_terminal:
        yield lambda step: say(told_step(step)) if step.score is not None or step.step == step.steps else None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Bar(*columns, TimeRemainingColumn(compact=True), console=screen, transient=True) as bar:
        task = bar.add_task(title, total=None, told="")
        scores: list[str] = []

        def show(step: Step) -> None:
            if step.score is not None:
                scores[:] = [f", score {step.score:.4f}"]
            told = f"loss {step.loss:.3f}, {step.tokens_per_s:,.0f} tokens/s" + "".join(scores)
            bar.update(task, completed=step.step, total=step.steps, told=told, description=f"{title}: {step.stage}")

        yield show


def told_step(step: Step) -> str:
    """One step as a line."""
    from app.parts import duration

    score = f", score {step.score:.4f}" if step.score is not None else ""
    return (
        f"{step.stage} {step.step:,}/{step.steps:,}: loss {step.loss:.3f}{score}, {step.tokens_per_s:,.0f} tokens/s,"
        f" about {duration(step.eta_s)} left"
    )
