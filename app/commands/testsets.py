"""`twofold testset`: questions made from the collection's own documents, listed, exported, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.commands.frame import Failure, Session, command
from app.commands.models import PANEL

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from indexer import Collection

ACTIONS = ("list", "make", "show", "export", "drop")


@command(
    PANEL,
    (
        "twofold testset make mine --questions 40",
        "twofold testset show mine",
        "twofold eval made:mine --methods pocket,words",
        "twofold testset export mine ~/testsets/mine",
        "twofold testset export votes ~/testsets/votes",
    ),
)
def testset(
    session: Session,
    action: Annotated[str, typer.Argument(metavar="[list|make|show|export|drop]", help="What to do.")] = "list",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which set; `votes` can be exported too.")] = "",
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where to export to: BEIR's layout.")
    ] = None,
    questions: Annotated[int, typer.Option(help="With make: how many questions to keep.")] = 50,
    origin: Annotated[
        Literal["auto", "taken", "written"],
        typer.Option(help="With make: taken from the documents, or written by the model; auto: as its card says."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="With make: another one draws other passages.")] = 0,
) -> None:
    """Make a test set from the collection's own documents, so that methods can be measured on them.

    Questions are kept that more than one method finds the source of again, and not every method first. A model that
    writes is prompted for questions, and is then related to what it judges; with a model whose card says that it writes
    poorly they are titles, headings and sentences, cut out of their passages.
    """
    if action not in ACTIONS or (action != "list" and not name) or (action == "export" and folder is None):
        raise typer.BadParameter("it is `twofold testset list`, `make|show|drop NAME`, or `export NAME FOLDER`")
    collection = session.collection()
    if action == "make":
        make(session, collection, name, questions, origin, seed)
    elif action == "show":
        show(session, collection, name)
    elif action == "export" and folder is not None:
        export(session, collection, name, folder.expanduser())
    elif action == "drop":
        drop(session, collection, name)
    else:
        list_sets(session, collection)


def make(session: Session, collection: Collection, name: str, wanted: int, origin: str, seed: int) -> None:
    """Make and keep a set, telling how far it is."""
    from app.commands.output import console, emit, say
    from app.commands.stopping import interruptible
    from app.making import Making, Plan, provenance
    from indexer.testset import QuestionSets

    author = writer(session, collection, origin)
    with interruptible() as stop:
        making = Making(collection, Plan(name, wanted, seed), judges(session, collection), author, stop)
        for step in making.run():
            say(step.current)
    found = QuestionSets(collection.catalogue).get(name)
    if session.json:
        emit(session, described(found))
        return
    dropped = ", ".join(f"{count} {reason}" for reason, count in found.details["dropped"].items() if count)
    console(session).print(
        f"{name}: {found.questions} questions kept of {found.details['tried']}; {dropped or 'none'} dropped"
    )
    say(provenance(found))


def writer(session: Session, collection: Collection, origin: str) -> Any:
    """The model that is to write, or None where questions are to be taken."""
    from app.commands.models import wanted
    from app.desk import writer_of
    from app.known_models import place_of
    from embedder import read_card

    model, _ = wanted(session.settings, collection)
    card = read_card(session.settings.model or place_of(session.settings.home, model))
    if origin == "taken" or (origin == "auto" and not card.writes):
        return None
    able = writer_of(session.embedder(collection))
    if able is None and origin == "written":
        raise Failure(f"{model} does not write: name another --model, or take the questions with --origin taken")
    return able


def judges(session: Session, collection: Collection) -> Iterator[tuple[str, Embedder]]:
    """Every space of the collection, one model after the other."""
    from app.contenders import contender, opened, space_labels

    spaces = collection.spaces()
    names = [label for label, space in space_labels(spaces).items() if space.ready]
    asked = [contender(name, spaces) for name in names]
    for one, embedder in opened(session.settings, asked, session.settings.model or "pocket"):
        assert embedder is not None
        yield one.label, embedder


def described(found: Any) -> dict[str, Any]:
    """A set as plain values."""
    from app.making import provenance

    return {
        "name": found.name, "origin": found.origin, "model": found.model, "questions": found.questions,
        "created": found.created, "details": found.details, "note": provenance(found),
    }  # fmt: skip


def list_sets(session: Session, collection: Collection) -> None:
    """Every set there is."""
    from app.commands.output import emit, table
    from indexer.testset import QuestionSets

    found = QuestionSets(collection.catalogue).all()
    if session.json:
        emit(session, {"testsets": [described(one) for one in found]})
        return
    rows = [(one.name, one.questions, one.origin, one.model or "-", one.created[:10]) for one in found]
    table(session, ("test set", "questions", "origin", "by", "made"), rows)


def show(session: Session, collection: Collection, name: str) -> None:
    """The questions of a set, with the ranks of their sources."""
    from app.commands.output import emit, table
    from indexer.testset import QuestionSets

    sets = QuestionSets(collection.catalogue)
    made = sets.get(name)
    questions = sets.questions(made.id)
    if session.json:
        rows = [
            {"id": q.id, "text": q.text, "kind": q.kind, "path": q.path, "chunk": q.chunk, "ranks": q.ranks}
            for q in questions
        ]
        emit(session, {**described(made), "questions": rows})
        return
    names = made.details.get("judges", [])
    lines = [
        (q.text, q.kind, *(str((q.ranks or {}).get(judge) or "–") for judge in names), Path(q.path).name)
        for q in questions
    ]
    table(session, ("question", "kind", *names, "from"), lines)


def export(session: Session, collection: Collection, name: str, folder: Path) -> None:
    """A set as a folder in BEIR's layout, the judgements as TREC qrels beside; it holds text of the documents."""
    from app.commands.output import console, emit
    from indexer.own import VOTES, own_dataset, write_beir
    from indexer.testset import QuestionSets

    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty: name a new folder")
    dataset = own_dataset(collection, name)
    about = {"name": VOTES} if name == VOTES else described(QuestionSets(collection.catalogue).get(name))
    write_beir(dataset, folder, about)
    lines = [f"{query} 0 {item} {grade}" for query, found in dataset.judged.items() for item, grade in found.items()]
    (folder / "qrels.trec").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = {"folder": str(folder), "documents": len(dataset.documents), "questions": len(dataset.queries)}
    if session.json:
        emit(session, told)
    else:
        console(session).print(f"{told['questions']} questions over {told['documents']:,} passages in {folder}")


def drop(session: Session, collection: Collection, name: str) -> None:
    """Forget a set."""
    from app.commands.output import console, emit
    from indexer.testset import QuestionSets

    sets = QuestionSets(collection.catalogue)
    found = sets.get(name)
    sets.drop(found.id)
    if session.json:
        emit(session, {"name": name, "dropped": True})
    else:
        console(session).print(f"{name}: {found.questions} questions dropped")
