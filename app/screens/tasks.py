"""Other tasks: what else embeddings are judged by, on folders of this machine, and how long a text a model carries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import parts
from app.contenders import BOTH, WORDS, Contender, contender, offered
from app.measuring import KIND, Run, Trials, passkey_figures, task_figures, title_of
from app.parts_shared import house, loading_note, note
from app.pictures_measured import LANGUAGES, length_against_accuracy
from embedder import METHODS
from indexer.measured import PASSKEY, Measured, Measurements, cell_of
from indexer.passkey import SHORTEST
from indexer.tasks import TABLE, TASKS, kind_of

if TYPE_CHECKING:
    from indexer import Interval, Progress

POLL_SECONDS = 1.0
FULL, QUICK = Trials(), Trials(documents=40, questions=25)
SIZES = {"quick": "Quick: 40 texts, 25 questions", "full": "Full: 100 texts, 50 questions, as the paper"}
Figures = Callable[..., Iterator[Measured]]


def contenders(key: str) -> list[Contender]:
    """Which methods are to be measured: the collection's spaces, or any method of the model in memory."""
    spaces = house().collection.spaces()
    labels = [label for label in offered(spaces) if label != WORDS and not label.endswith(BOTH)]
    own = house().card().method
    extra = [name for name in METHODS if name not in labels]
    start = labels or [own if own in METHODS else "echo"]
    chosen = st.multiselect("Methods", [*labels, *extra], default=start, key=key,
                            format_func=lambda label: contender(label, spaces).title)  # fmt: skip
    return [contender(label, spaces) for label in chosen]


def begin(name: str, asked: list[Contender], figures: Figures) -> None:
    """Have something measured in the background."""
    home = house()

    def start(stop: threading.Event) -> Iterator[Progress]:
        run = Run(home.collection, name, asked, home.of_contender, home.bench.telling, stop)
        return run.steps(lambda opened, stop, tell: figures(opened, stop=stop, tell=tell))

    if home.works.add(name, start):
        st.rerun()
    st.toast("That is being measured already.")


def running() -> list[Any]:
    """The jobs of measurements on their way, in whichever process."""
    return [job for job in house().collection.jobs(running=True) if job.kind == KIND]


def waiting() -> list[str]:
    """Names of measurements that have not begun."""
    works, begun = house().works, {job.target for job in running()}
    names = (works.current, *works.waiting)
    return [name for name in names if name.startswith(("task ", "passkey")) and name not in begun]


def under_way() -> None:
    """Measurements on their way; looked at again and again only while there are some."""
    st.fragment(progress, run_every=POLL_SECONDS if running() or waiting() else None)()


def progress() -> None:
    """How far the measurements on their way are; redraws the page when one ends."""
    home, jobs, later = house(), running(), waiting()
    seen, now = st.session_state.get("tasks-running", 0), len(jobs) + len(later)
    st.session_state["tasks-running"] = now
    if seen > now:
        st.rerun()
    for job in jobs:
        with st.container(horizontal=True, vertical_alignment="center"):
            text = f"{job.target}: {home.bench.telling.get(job.target, '')}"
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=parts.plain(text, 200))
            if st.button("Stop", key=f"tasks-stop-{job.id}", icon=":material/stop_circle:"):
                home.collection.cancel(job.id)
                home.works.stop(job.target)
    for name in later:
        note(f"Waiting: {name}")
    for name, reason in home.works.problems:
        if name.startswith(("task ", "passkey")):
            st.error(parts.plain(f"{name}: {reason}", 500), icon=":material/error:")


def by_folder() -> None:
    """A folder of another task, told by its files."""
    note("A folder tells its task by its files. Figures are those of MTEB, by scikit-learn, with bootstrap intervals.")
    with st.expander("Which files a folder has for each task", icon=":material/folder_data:"):
        st.html(parts.table(["Task", "Files and lines", "Main figure", "Source"], [
            [task.title, task.layout, task.main, task.source] for task in TABLE
        ]))  # fmt: skip
    text = st.text_input("Folder on this machine", key="tasks-folder", placeholder="/data/sts/stsb-en").strip()
    asked = contenders("tasks-methods")
    if st.button("Measure", type="primary", icon=":material/play_arrow:", key="tasks-go", disabled=not asked):
        measure(Path(text).expanduser(), asked) if text else st.info("Name a folder first.", icon=":material/info:")
    figures()


def measure(folder: Path, asked: list[Contender]) -> None:
    """Check the folder, and have it measured."""
    try:
        kind = kind_of(folder)
    except FileNotFoundError as error:
        st.error(parts.plain(str(error), 900), icon=":material/error:")
        return
    if kind.measure is None:
        st.info("This is a retrieval set: Evaluate measures it.", icon=":material/leaderboard:")
    else:
        begin(f"task {folder.name}", asked, partial(task_figures, folder))


def figures() -> None:
    """The newest figures of every set, the best method first."""
    kept = {key: rows for key, rows in Measurements(house().collection.catalogue).latest().items() if key[0] != PASSKEY}
    for (task, dataset), rows in kept.items():
        st.subheader(f"{parts.plain(dataset, 60)} · {title_of(task).lower()}")
        names = list(rows[0].figures)
        best = sorted(rows, key=lambda row: -row.figures[names[0]].value if names[0] in row.figures else 0.0)
        head = ["Method", "Model", *names, TASKS[task].items if task in TASKS else "items", "Took"]
        st.html(parts.table(head, [
            [contender(row.label, []).title, row.model, *(told(row.figures.get(name)) for name in names),
             f"{row.items:,}", parts.duration(row.seconds)]
            for row in best
        ]))  # fmt: skip
    if not kept:
        note("Nothing measured yet.")


def told(value: Interval | None) -> str:
    """A figure with its interval."""
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" if value is not None else "–"


def by_length() -> None:
    """The passkey test: who still finds a number in a long text."""
    note("Many texts of one length, each with another person's number somewhere among sentences about nothing; a "
         "question names the person. After the personalised passkey test of E5-mistral, with sentences of Twofold's "
         "own, made on the spot.")  # fmt: skip
    asked = contenders("passkey-methods")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        languages = st.pills("Languages", list(LANGUAGES), default=list(LANGUAGES), selection_mode="multi",
                             format_func=LANGUAGES.__getitem__, key="passkey-languages")  # fmt: skip
        size = st.selectbox("Size", list(SIZES), format_func=SIZES.__getitem__, key="passkey-size")
        longest = st.selectbox("Up to", [0, *(SHORTEST * 2**step for step in range(8))], key="passkey-longest",
                               format_func=lambda n: f"{n:,} tokens" if n else "the model's context")  # fmt: skip
    ready = bool(asked and languages)
    if st.button("Test", type="primary", icon=":material/play_arrow:", key="passkey-go", disabled=not ready):
        base = FULL if size == "full" else QUICK
        chosen = Trials(tuple(languages or ()), int(longest or 0), base.documents, base.questions)
        begin("passkey test", asked, partial(passkey_figures, trials=chosen))
    lengths()


def lengths() -> None:
    """Pictures and tables of the newest passkey figures, a language each."""
    rows = Measurements(house().collection.catalogue).latest().get((PASSKEY, PASSKEY), [])
    if not rows:
        note("Not tested yet.")
        return
    several = len({row.model for row in rows}) > 1
    titles = [contender(row.label, []).title + (f" ({row.model})" if several else "") for row in rows]
    for language, name in LANGUAGES.items():
        cells = found(rows, titles, language)
        if cells:
            st.subheader(name)
            said = f"Numbers found against length, {name}; the table below has the figures"
            st.altair_chart(length_against_accuracy(rows, titles, language), width="stretch", alt=said)
            at = sorted({length for _, length in cells})
            head = ["Method", *(f"{length:,} tokens" for length in at)]
            st.html(parts.table(head, [[title, *(share(cells.get((title, n))) for n in at)] for title in titles]))


def found(rows: list[Measured], titles: list[str], language: str) -> dict[tuple[str, int], Interval]:
    """The figures of one language by title and length."""
    every = ((title, *cell_of(key), value) for row, title in zip(rows, titles, strict=True)
             for key, value in row.figures.items())  # fmt: skip
    return {(title, length): value for title, said, length, value in every if said == language}


def share(value: Interval | None) -> str:
    """The part found, with its interval."""
    return f"{value.value:.0%} [{value.low:.0%}, {value.high:.0%}]" if value is not None else "–"


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Other tasks", "Finding passages is one thing vectors are for. Here is how well they do the "
                       "others, and how long a text they carry."))  # fmt: skip
    loading_note()
    under_way()
    folder, length = st.tabs(["A folder of a task", "Passkey: how long a text"])
    with folder:
        by_folder()
    with length:
        by_length()


page()
