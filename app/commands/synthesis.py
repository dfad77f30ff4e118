"""`twofold synthesize`: training pairs that a model writes, or better ones out of those there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.frame import Failure, Session, command
from app.commands.models import PANEL

if TYPE_CHECKING:
    from embedder.training.synthetic import Progress


@command(
    PANEL,
    (
        "twofold synthesize pairs.jsonl --count 200 --model ~/models/Qwen3-4B-Instruct",
        "twofold synthesize pairs.jsonl --count 5000 --url http://localhost:8000/v1 --server-model qwen3",
        "twofold synthesize mined.jsonl --refine pairs.jsonl --consistent --mine 1",
    ),
)
def synthesize(
    session: Session,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines; the same again goes on.")],
    count: Annotated[int, typer.Option(help="How many examples in all.")] = 100,
    groups: Annotated[str, typer.Option(metavar="A,B,…", help="Only these of the six groups.")] = "",
    languages: Annotated[str, typer.Option(metavar="A,B,…", help="Instead of the rows' own, such as English.")] = "",
    url: Annotated[str, typer.Option(help="A server with OpenAI's protocol instead of the resident model.")] = "",
    server_model: Annotated[str, typer.Option(help="The server's name for its model.")] = "",
    key_name: Annotated[str, typer.Option(help="The variable that holds the server's key.")] = "OPENAI_API_KEY",
    seed: Annotated[int, typer.Option(help="Another seed, other examples.")] = 0,
    refine: Annotated[list[Path] | None, typer.Option(metavar="PATH", help="Filter these pairs instead.")] = None,
    consistent: Annotated[bool, typer.Option("--consistent", help="Keep pairs found by their own query.")] = False,
    mine: Annotated[int, typer.Option(help="So many hard negatives for each pair.")] = 0,
    guard: Annotated[float, typer.Option(help="No negative above this share of the positive's score.")] = 0.95,
) -> None:
    """Have a model write training pairs in six groups (E5-mistral), or filter pairs and mine hard negatives."""
    if refine:
        refined(session, out, refine, consistent=consistent, mine=mine, guard=guard)
        return
    if url and not server_model:
        raise typer.BadParameter("say which of the server's models: --server-model NAME")
    from app.commands.output import emit, say
    from app.commands.stopping import interruptible
    from embedder.training.synthetic import Synthesis

    author = author_of(session, url, server_model, key_name)
    names, tongues = ([one.strip() for one in text.split(",") if one.strip()] for text in (groups, languages))

    def tell(step: Progress) -> None:
        if step.attempts % 10 == 0 or step.kept == step.wanted:
            say(f"{step.kept:,} of {step.wanted:,} examples, {step.attempts:,} answers, dropped: {dropped(step)}")

    with interruptible() as stop:
        done = Synthesis(out.expanduser(), author, names, seed, tongues, tell, stop).run(count)
    told = {"file": str(out), "examples": done.kept, "answers": done.attempts, "dropped": done.rejected}
    if session.json:
        emit(session, told)
    else:
        say(f"{done.kept:,} examples in {out}; read some before you train on them")


def dropped(step: Progress) -> str:
    """How many answers were dropped, by reason."""
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(step.rejected.items())) or "none"


def author_of(session: Session, url: str, server_model: str, key_name: str) -> Any:
    """Who writes: a server, or the model named by the options."""
    from embedder.training.authors import Remote, Resident

    if url:
        return Remote(url, server_model, key_name)
    from embedder import open_engine, read_card
    from embedder.transformers_engine import TransformersEngine

    model = session.settings.model or "pocket"
    if not read_card(model).writes:
        raise Failure(f"{model} does not write; name a model that does with --model, or a server with --url")
    engine = open_engine(model, device=session.settings.device, dtype=session.settings.dtype)
    if not isinstance(engine, TransformersEngine) or not engine.writes:
        raise Failure(f"{model} does not write here; name a decoder in safetensors, or a server with --url")
    return Resident(engine)


def refined(session: Session, out: Path, paths: list[Path], *, consistent: bool, mine: int, guard: float) -> None:
    """Filter pairs and mine negatives with the embedder that the options name."""
    import json

    from app.commands.output import emit, say
    from embedder.training import filters
    from embedder.training.data import read

    if not consistent and not mine:
        raise typer.BadParameter("say what is to be done: --consistent, --mine N, or both")
    data, embedder = read(paths), session.embedder()
    before = data.pairs
    with out.expanduser().open("w", encoding="utf-8") as file:
        for name, pairs in data.sets.items():
            kept = filters.consistent(pairs, embedder) if consistent else pairs
            kept = filters.mined(kept, embedder, negatives=mine, guard=guard) if mine else kept
            for pair in kept:
                row = {"query": pair.query, "positive": pair.positive, "negatives": list(pair.negatives)}
                row |= {"instruction": pair.instruction, "set": name}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            data.sets[name] = kept
    told = {"file": str(out), "pairs": data.pairs, "of": before}
    told["with_negatives"] = sum(bool(pair.negatives) for pairs in data.sets.values() for pair in pairs)
    if session.json:
        emit(session, told)
    else:
        say(f"{told['pairs']:,} of {before:,} pairs in {out}, {told['with_negatives']:,} with hard negatives")
