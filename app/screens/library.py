"""Library: what the collection holds, what is being read, what could not be, and how to add or remove."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import streamlit as st

from app import parts
from app.parts_shared import house, loading_note, note, passage_link, teach
from app.renewal import changed
from indexer import readable

POLL_SECONDS = 1.0
LISTED = 500
UPLOAD_BYTES = 200 * 2**20


def figures() -> None:
    """How much there is."""
    status = house().collection.status()
    st.html(parts.stats([
        ("documents", f"{status['documents']:,}"),
        ("passages", f"{status['chunks']:,}"),
        ("on disk", parts.size(status["bytes"])),
        ("could not be read", f"{status['failures']:,}"),
    ]))  # fmt: skip


def add() -> None:
    """Two ways in: a folder of this machine, or files sent through the browser."""
    by_path, by_upload = st.tabs(["A folder on this machine", "Upload files"])
    with by_path, st.form("library-add", border=False, clear_on_submit=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            folder = st.text_input(
                "Folder", key="library-folder", placeholder="/home/me/Documents",
                help="Files stay where they are; what changed is read again the next time.",
            )  # fmt: skip
            sent = st.form_submit_button("Add folder", type="primary", icon=":material/create_new_folder:")
        if sent:
            add_folder(folder)
    with by_upload:
        uploads()


def add_folder(text: str) -> None:
    """Check the folder and have it read."""
    folder = Path(text.strip()).expanduser()
    if not text.strip() or not folder.is_absolute():
        st.error("Give the whole path of a folder, such as /home/me/Documents.", icon=":material/error:")
    elif not folder.is_dir():
        st.error(parts.plain(f"There is no folder at {folder} on this machine.", 400), icon=":material/error:")
    elif not house().add_folder(folder.resolve()):
        st.info("This folder is being read already.", icon=":material/info:")


def uploads() -> None:
    """Keep what was sent beside the collection, and have that folder read."""
    with st.form("library-upload", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "Files", accept_multiple_files=True, key="library-files", max_upload_size=200,
            help="Kept in Twofold's own folder. For many files, add their folder instead.",
        )  # fmt: skip
        if not st.form_submit_button("Add files", type="primary", icon=":material/upload_file:"):
            return
    if not files:
        st.info("Choose one or more files first.", icon=":material/info:")
        return
    kept = [keep(file) for file in files]
    for reason in filter(None, kept):
        st.error(parts.plain(reason, 400), icon=":material/error:")
    if not all(kept):
        house().add_folder(house().uploads())


def keep(file: Any) -> str:
    """Write one uploaded file into the uploads folder; the reason if it was refused, whatever the browser let pass."""
    name = PurePath(file.name.replace("\\", "/")).name.strip()
    if not name or name.startswith(".") or "\x00" in name or len(name.encode()) > 200:
        return f"{file.name}: this name cannot be used"
    if not readable(Path(name)):
        return f"{name}: files of this kind are not read"
    if file.size > UPLOAD_BYTES:
        return f"{name}: larger than {parts.size(UPLOAD_BYTES)}; add its folder instead"
    (house().uploads() / name).write_bytes(file.getvalue())
    return ""


@st.fragment(run_every=POLL_SECONDS)
def under_way() -> None:
    """Progress of whatever reads into this collection, in any process; redraws the page when something ends."""
    home = house()
    running = home.collection.jobs(running=True)
    seen = st.session_state.get("library-running", False)
    st.session_state["library-running"] = bool(running or home.works.current or home.works.waiting)
    if seen and not st.session_state["library-running"]:
        st.rerun(scope="app")
    for job in running:
        bar(job)
    if home.works.current and not running:
        st.progress(0.0, text=parts.plain(f"{home.works.current}: starting", 200))
    for name in home.works.waiting:
        note(f"Waiting: {name}")
    for name, reason in home.works.problems:
        st.error(parts.plain(f"{name}: {reason}", 400), icon=":material/error:")


def lacking() -> None:
    """What has no vectors it can be found by, and a button that makes them."""
    if house().works.current or house().works.waiting:
        return  # they may be on their way
    for space, stale in house().lacking():
        if stale:
            text = f"{changed(space)}: until there are new ones, only words find the passages."
        else:
            text = (f"{parts.plural(space.missing, 'passage has', 'passages have')} no vector of {space.method} on "
                    f"{space.model} yet: there, only words find them.")  # fmt: skip
        with st.container(border=True, key=f"library-lacking-{space.id}"):
            st.markdown(f":material/layers: {parts.plain(text, 400)}")
            if st.button("Make the vectors", key=f"library-embed-{space.id}", icon=":material/play_arrow:"):
                make(space)


def make(space: Any) -> None:
    """Have the vectors made, or tell why that cannot be: a model may have gone."""
    try:
        house().complete(space)
    except ValueError as reason:
        st.error(parts.plain(str(reason), 400), icon=":material/error:")
    else:
        st.rerun()


def bar(job: Any) -> None:
    """One job: how far, how fast, and a button that ends it."""
    progress = house().works.progress if job.target == house().works.current else None
    unit = {"ingest": "file", "space": "passage"}.get(job.kind)
    text = f"{job.target}: {job.done:,} of {parts.plural(job.total, unit)}" if unit else job.target
    if progress is not None and progress.tokens_per_s:
        text += f", {progress.tokens_per_s:,.0f} tokens/s"
        text += f", about {parts.duration(progress.eta_s)} left" if progress.eta_s else ""
        if progress.long:
            text += f"; passage {progress.part:,} of {progress.parts:,} in {PurePath(progress.current).name}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=parts.plain(text, 240))
        if st.button("Stop", key=f"library-stop-{job.id}", icon=":material/stop_circle:"):
            house().collection.cancel(job.id)
            house().works.stop(job.target)


def failures() -> None:
    """Files that could not be read, each with its reason."""
    rows = house().collection.failures()
    if not rows:
        return
    with st.expander(f"{parts.plural(len(rows), 'file')} could not be read", icon=":material/error_outline:"):
        st.html(parts.table(["File", "Reason"], [[row.path, row.reason] for row in rows[:300]]))
        if len(rows) > 300:
            note(f"and {len(rows) - 300:,} more: `twofold status` lists them all")


def folders() -> None:
    """The folders that were added, to be read again."""
    names = [row["path"] for row in house().collection.status()["folders"]]
    if not names:
        return
    with st.expander(parts.plural(len(names), "folder"), icon=":material/folder:"):
        for at, name in enumerate(names):
            with st.container(horizontal=True, vertical_alignment="center"):
                note(name)
                if st.button("Read again", key=f"library-again-{at}", icon=":material/refresh:"):
                    house().add_folder(Path(name))
                    st.rerun()


def documents() -> None:
    """The documents, filtered by name, to open or to remove."""
    wanted = st.text_input("Find a document", key="library-find", placeholder="part of a name",
                           icon=":material/search:", label_visibility="collapsed")  # fmt: skip
    rows = house().collection.documents(like=wanted.strip(), limit=LISTED)
    if not rows:
        note("No document has such a name.")
        return
    table = [listed(row) for row in rows]
    picked = st.dataframe(table, hide_index=True, on_select="rerun", selection_mode="multi-row", key="library-table",
                          alt="The documents of the collection")  # fmt: skip
    chosen = [rows[at] for at in picked["selection"]["rows"] if at < len(rows)]
    if chosen:
        act(chosen)
    else:
        note("Select rows to open or remove documents.")


def listed(row: Any) -> dict[str, Any]:
    """A document as a row of the table."""
    path = PurePath(row.path)
    return {
        "Document": parts.cell(path.name), "Kind": row.kind, "Passages": row.chunks, "Tokens": row.tokens,
        "Size": parts.size(row.size), "Changed": row.modified[:10], "Folder": parts.cell(str(path.parent)),
    }  # fmt: skip


def act(chosen: list[Any]) -> None:
    """Open or remove the selected documents."""
    for row in chosen[:5]:
        passage_link(f"Open {parts.plain(PurePath(row.path).name)}", row.id, 0, 0, icon=parts.icon(row.kind, row.path))
    with st.popover(f"Remove {parts.plural(len(chosen), 'document')}", icon=":material/delete:"):
        st.markdown("Their text, passages and vectors leave the collection. The files themselves stay where they are, "
                    "and come back if their folder is read again.")  # fmt: skip
        if st.button("Remove", type="primary", key="library-remove"):
            for row in chosen:
                house().collection.remove(row.path)
            st.rerun()


def page() -> None:
    """The whole page."""
    st.html(parts.hero("Library", "Everything here was read on this machine and stays on it."))
    loading_note()
    empty = not house().collection.status()["documents"]
    if not empty:
        figures()
    add()
    under_way()
    lacking()
    if empty:
        teach("Nothing here yet", "Give the path of a folder above. PDF, Word, PowerPoint, Excel, web pages, "
              "notebooks, mail, e-books, Markdown, plain text in any encoding and source code are read; a file that "
              "cannot be is listed with the reason.", ":material/menu_book:")  # fmt: skip
        failures()
        return
    failures()
    folders()
    documents()


page()
