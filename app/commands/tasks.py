"""What `twofold eval` does with a folder of another task than retrieval, and with `passkey`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.frame import Session

if TYPE_CHECKING:
    from indexer import Interval
    from indexer.measured import Measured

PASSKEY = "passkey"


def is_task(name: str) -> bool:
    """Whether a name is `passkey` or a folder of a task kind that has neither questions nor scored pairs."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return name == PASSKEY
    from indexer.tasks import kind_of

    try:
        return kind_of(folder).name not in ("retrieval", "sts")
    except FileNotFoundError:
        return False


def measure_task(session: Session, name: str, methods: str, instruction: str, longest: int) -> None:
    """The figures of each method, kept in the collection where there is one."""
    from app.commands.evaluating import here, noted, unnamed
    from app.commands.output import emit, progress_bar
    from app.commands.stopping import interruptible
    from app.contenders import opened, parsed
    from app.measuring import Trials, judged, passkey_figures, task_figures
    from indexer.measured import Measurements

    collection = here(session)
    spaces = collection.spaces() if collection is not None else []
    labels = ",".join(judged([label.strip() for label in methods.split(",") if label.strip()]))
    contenders = parsed(labels, spaces, "dense", instruction) or [unnamed(session, "dense", instruction)]
    done: list[Measured] = []
    folder = Path(name).expanduser()
    with interruptible() as stop, progress_bar("Encoding") as show:
        pairs = noted(opened(session.settings, contenders, session.settings.model or "pocket"))
        if folder.is_dir():
            steps = task_figures(folder, pairs, instruction=instruction, stop=stop, tell=show)
        else:
            steps = passkey_figures(pairs, Trials(longest=longest), stop=stop, tell=show)
        for one in steps:
            done.append(one)
            if collection is not None:
                Measurements(collection.catalogue).keep(one)
    if session.json:
        emit(session, report(done))
    elif folder.is_dir():
        show_figures(session, done)
    else:
        show_lengths(session, done)


def report(done: Sequence[Measured]) -> dict[str, Any]:
    """Figures by method, each a value with the ends of its interval."""
    methods = {
        one.label: {
            "figures": {name: [round(part, 4) for part in three(value)] for name, value in one.figures.items()},
            "items": one.items,
            "seconds": round(one.seconds, 3),
            "model": one.model,
        }
        for one in done
    }
    return {"dataset": done[0].dataset, "task": done[0].task, "methods": methods}


def three(value: Interval) -> tuple[float, float, float]:
    """Value, low, high."""
    return value.value, value.low, value.high


def show_figures(session: Session, done: Sequence[Measured]) -> None:
    """A line for each method, the best first."""
    from app.commands.measure import interval
    from app.commands.output import table
    from app.measuring import title_of

    names = list(done[0].figures)
    best = sorted(done, key=lambda one: -one.figures[names[0]].value)
    rows = [(one.label, *(interval(one.figures[name]) for name in names), one.items, one.seconds) for one in best]
    table(session, (f"{done[0].dataset} ({title_of(done[0].task).lower()})", *names, "items", "seconds"), rows)


def show_lengths(session: Session, done: Sequence[Measured]) -> None:
    """A line for each method and language, a column for each length."""
    from app.commands.output import table
    from indexer.measured import cell_of

    cells = {(one.label, *cell_of(name)): value for one in done for name, value in one.figures.items()}
    lengths = sorted({length for _, _, length in cells})
    pairs = list(dict.fromkeys((label, language) for label, language, _ in cells))
    rows = [
        (label, language, *(share(cells.get((label, language, length))) for length in lengths))
        for label, language in pairs
    ]
    table(session, ("passkey", "language", *(f"{length:,}" for length in lengths)), rows)


def share(value: Interval | None) -> str:
    """The part of questions answered right, with its interval; a dash where a model does not reach so far."""
    return f"{value.value:.0%} ({value.low:.0%} to {value.high:.0%})" if value is not None else "–"
