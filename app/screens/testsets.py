"""Test sets: questions made from the documents, shown with their passages, edited, measured, taken along."""

from __future__ import annotations

import io
import re
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import parts
from app.contenders import space_labels
from app.desk import writer_of
from app.making import KIND, Making, Plan, Resident, provenance, task
from app.parts_shared import EVALUATE, LIBRARY, house, loading_note, note, passage_link, teach
from indexer.own import own_dataset, write_beir
from indexer.taking import Question
from indexer.testset import QuestionSet, QuestionSets

if TYPE_CHECKING:
    from embedder import Embedder
    from indexer import Progress

POLL_SECONDS = 1.0
ORIGINS = {"taken": "Taken from the documents", "written": "Written by the model"}


def sets() -> QuestionSets:
    """The test sets of the collection."""
    return QuestionSets(house().collection.catalogue)


def judges() -> Iterator[tuple[str, Embedder]]:
    """Every finished space whose model can be opened; words judge beside them."""
    home = house()
    for label, space in space_labels(home.collection.spaces()).items():
        if space.ready:
            try:
                embedder: Any = home.of_space(space)
            except (ValueError, OSError):  # its model has gone: the set's details name who judged
                continue
            yield label, embedder.patient() if hasattr(embedder, "patient") else embedder


def begin(plan: Plan, origin: str) -> bool:
    """Have a set made in the background; False if one of that name is under way already."""
    home = house()

    def run(stop: threading.Event) -> Iterator[Progress]:
        author = None
        if origin == "written":
            embedder = home.embedder()
            author = Resident(embedder.engine.name, writer_of(embedder), home.runtime)
        return Making(home.collection, plan, judges(), author, stop, home.bench.telling).run()

    return home.works.add(task(plan.name), run)


def make() -> None:
    """The form of a new set, with where its questions will come from."""
    home = house()
    able = home.writes() and home.card().writes
    origins = ["written", "taken"] if able else ["taken"]
    with st.container(border=True, key="testset-make"):
        st.markdown("**Make a test set**")
        if able:
            note("The model in memory writes the questions and is then judged by them: generator and judge are "
                 "related.")  # fmt: skip
        else:
            name = home.runtime.home_name() or "the model"
            note(f"The card of {name} says that it writes poorly, so nothing is written: questions are titles, "
                 "headings and sentences taken out of the documents (inverse cloze).")  # fmt: skip
        with st.form("testset-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", key="testset-name", placeholder="mine", max_chars=60)
            wanted = st.number_input("Questions to keep", 5, 500, 40, 5, key="testset-wanted", width=150)
            origin = st.selectbox("Questions", origins, format_func=ORIGINS.__getitem__, key="testset-origin")
            sent = st.form_submit_button("Make", type="primary", icon=":material/quiz:")
        note("Kept are questions whose passage more than one method finds again, and not every method at once: they "
             "tell methods apart. So figures compare methods on your files, and say nothing else.")  # fmt: skip
    if sent:
        started(name.strip(), int(wanted), origin)


def started(name: str, wanted: int, origin: str) -> None:
    """Begin, or say what is missing."""
    if not name or name == "votes" or any(row.name == name for row in sets().all()):
        st.error("Give the set a name that no other has.", icon=":material/error:")
    elif not begin(Plan(name, wanted), origin):
        st.info("This set is being made already.", icon=":material/info:")
    else:
        st.session_state["testset-shown"] = name


def making() -> list[Any]:
    """The jobs of sets on their way, in whichever process."""
    return [job for job in house().collection.jobs(running=True) if job.kind == KIND]


def busy() -> bool:
    """Whether a set is on its way or waits for its turn."""
    works = house().works
    return bool(making()) or any(name.startswith(task("")) for name in (works.current, *works.waiting))


def under_way() -> None:
    """Sets on their way; looked at again and again only while there are some."""
    st.fragment(progress, run_every=POLL_SECONDS if busy() else None)()


def progress() -> None:
    """How far the sets on their way are; redraws the page when the last is done."""
    home, running, now = house(), making(), busy()
    seen = st.session_state.get("testset-running", False)
    st.session_state["testset-running"] = now
    if seen and not now:
        st.session_state["testset-changed"] = st.session_state.get("testset-changed", 0) + 1
        st.rerun()
    for job in running:
        text = home.bench.telling.get(job.target, "")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(1.0, job.done / 100), text=parts.plain(f"{job.target}: {text}", 200))
            if st.button("Stop", key=f"testset-stop-{job.id}", icon=":material/stop_circle:"):
                home.collection.cancel(job.id)
                home.works.stop(job.target)
    if now and not running:
        note("Waiting for other work to end.")
    for name, reason in home.works.problems:
        if name.startswith(task("")):
            st.error(parts.plain(f"{name}: {reason}", 400), icon=":material/error:")


def shown(found: list[QuestionSet]) -> QuestionSet:
    """Which set is looked at."""
    names = [row.name for row in found]
    if st.session_state.get("testset-shown") not in names:
        st.session_state["testset-shown"] = names[0]
    name = st.selectbox("Test set", names, key="testset-shown")
    return found[names.index(name)]


def about(made: QuestionSet) -> None:
    """Where its questions come from, how many were dropped and why."""
    text = parts.plain(provenance(made), 600)
    st.info(text, icon=":material/family_history:" if made.origin == "written" else ":material/content_cut:")
    details = made.details
    st.html(parts.stats([
        ("questions", f"{made.questions:,}"), ("were tried", f"{details.get('tried', 0):,}"),
        *((f"dropped: {reason}", f"{count:,}") for reason, count in details.get("dropped", {}).items()),
    ]))  # fmt: skip
    note(f"Judged by {', '.join(details.get('judges', [])) or 'nobody'}. Made on {made.created[:10]}.")


def edit(made: QuestionSet, questions: list[Question]) -> None:
    """The questions as a table in which words can be changed and rows marked for removal."""
    names = made.details.get("judges", [])
    rows = [row(question, names) for question in questions]
    fixed = [name for name in rows[0] if name not in ("Question", "Remove")]
    changed = st.data_editor(
        rows, hide_index=True, disabled=fixed, key=f"testset-table-{made.id}", num_rows="fixed", width="stretch",
        column_config={"Question": st.column_config.TextColumn(width="large", required=True, max_chars=500)},
    )  # fmt: skip
    if st.button("Save changes", icon=":material/save:", key="testset-save", type="primary"):
        save(questions, changed)
    note("The columns of methods hold the rank at which each found the passage again; –: not among the first ten.")


def row(question: Question, judges: list[str]) -> dict[str, Any]:
    """A question as a row of the table."""
    gone = " (its passage has gone)" if question.chunk is None else ""
    ranks = {judge: str((question.ranks or {}).get(judge) or "–") for judge in judges}
    name = parts.cell(PurePath(question.path).name) + gone
    return {"Question": question.text, "Remove": False, "Kind": question.kind, **ranks, "From": name}


def save(questions: list[Question], changed: list[dict[str, Any]]) -> None:
    """Keep what was changed in the table."""
    store = sets()
    gone = [question.id for question, now in zip(questions, changed, strict=True) if now["Remove"]]
    for question, now in zip(questions, changed, strict=True):
        text = str(now["Question"] or "").strip()
        if question.id not in gone and text and text != question.text:
            store.edit(question.id, text)
    store.remove(gone)
    st.session_state["testset-changed"] = st.session_state.get("testset-changed", 0) + 1
    st.rerun()


def look(questions: list[Question]) -> None:
    """One question with its passage; what was taken out of it is struck through."""
    names = {number: " ".join(question.text.split())[:90] for number, question in enumerate(questions)}
    at = st.selectbox("Look at the passage of", names, format_func=names.__getitem__, key="testset-look")
    question = questions[at or 0]
    if question.chunk is not None:
        hit = house().collection.document_at(question.path)
        span = next((chunk for chunk in hit.chunks if chunk.id == question.chunk), None) if hit else None
        if hit is not None and span is not None:
            label = parts.plain(PurePath(question.path).name, 60)
            passage_link(label, hit.id, span.start, span.end, icon=parts.icon(hit.kind, question.path))
    st.html(f'<div class="tf-quote">{struck(question)}</div>')


def struck(question: Question) -> str:
    """The passage escaped, with what was taken of it struck through."""
    taken = re.finditer(re.escape(question.taken), question.passage) if question.taken else ()
    spans = [one.span() for one in taken]
    return parts.marked(question.passage, spans, "<s>", "</s>")


def packed(name: str) -> bytes:
    """A set as a zip of a folder in BEIR's layout."""
    made = sets().get(name)
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packing:
        write_beir(own_dataset(house().collection, name), Path(folder), {"name": name, "note": provenance(made)})
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file():
                packing.write(file, file.relative_to(folder))
    return buffer.getvalue()


def acts(made: QuestionSet) -> None:
    """Measure on the set, take it along, forget it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(EVALUATE, label="Measure methods on it", icon=":material/speed:",
                     query_params={"set": f"made:{made.name}"})  # fmt: skip
        st.download_button("Save as a BEIR folder (zip)", partial(packed, made.name), f"{made.id}-testset.zip",
                           "application/zip", icon=":material/download:", on_click="ignore",
                           help="It holds the text of your passages.")  # fmt: skip
        with st.popover("Forget it", icon=":material/delete:"):
            note("The questions go; the documents and the figures measured on them stay.")
            if st.button("Forget", type="primary", key="testset-drop"):
                sets().drop(made.id)
                st.rerun()


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Test sets", "Questions made from your own documents, so that methods can be measured on them."))
    if not house().collection.status()["chunks"]:
        teach("No documents to ask about yet", "Add a folder in the Library first.", ":material/folder_open:")
        st.page_link(LIBRARY, label="Add a folder", icon=":material/add:")
        return
    loading_note()
    make()
    under_way()
    found = sets().all()
    if not found:
        return
    made = shown(found)
    about(made)
    questions = sets().questions(made.id)
    if questions:
        edit(made, questions)
        look(questions)
    else:
        note("No question of this set is left. More documents or more methods may give some.")
    acts(made)


page()
