"""Train: a paper's recipe on the model in memory, from the collection's own passages or from files of pairs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import streamlit as st

from app import parts, training_runs
from app.known_models import BUNDLED, noted, remember
from app.parts_shared import ARENA, LIBRARY, house, loading_note, note
from app.rivals import make, rivals
from app.training_runs import TrainingRun, on_a_page
from app.worker import Priority
from embedder.training.recipe import Recipe
from embedder.training.recipes import RECIPES

POLL_SECONDS = 2.0
STEPS = 100
LEFT_SECONDS = 120.0  # without a poll for so long, the reader has left the page and is not taken to another one
LEARNERS = {"": "As the recipe says", "lora": "A small adapter", "all": "All weights"}
LEARNS = {
    "lora": "a small adapter beside the weights; the model writes as before",
    "bitfit": "the biases alone",
    "tokens+bitfit": "four new tokens and the biases",
    "all": "all weights",
    "nothing": "nothing: it searches for the best demonstration",
}
PHASES = {"running": "under way", "finished": "finished", "stopped": "stopped", "failed": "failed"}


def base() -> str:
    """What the resident model is opened by."""
    home = house()
    model = home.runtime.state.model or BUNDLED
    return model if model == BUNDLED else noted(home.settings.home, model)


def facts(recipe: Recipe) -> None:
    """What a recipe does, and where it comes from."""
    stages = [stage for stage in recipe.chosen() if stage.objective != "search"]
    st.html(parts.chips([
        ("method", recipe.method),
        ("stages", " then ".join(stage.name for stage in recipe.chosen())),
        ("learns from", "texts" if all(s.views == "twice" or s.objective == "mntp" for s in stages) else "pairs"),
    ]))  # fmt: skip
    where = "On the command line" if "--" in recipe.note else "Note"
    said = f" {where}: {recipe.note}." if recipe.note else ""
    note(f"{recipe.source}. It trains {LEARNS[recipe.chosen()[0].trains]}.{said}")


def choose() -> None:
    """The recipe, what it learns from, and how long."""
    offered = [name for name, row in RECIPES.items() if row.stages[0].objective != "search"]
    name = st.selectbox(
        "Recipe", offered, index=offered.index("simcse"), key="train-recipe",
        format_func=lambda one: f"{one}: {RECIPES[one].title}",
    )  # fmt: skip
    facts(RECIPES[name])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        steps = st.number_input("Steps in a stage", 1, 100_000, STEPS, key="train-steps")
        batch = st.number_input("Texts or pairs in a batch", 2, 4096, 32, key="train-batch")
        seed = st.number_input("Seed", 0, 10_000, 0, key="train-seed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        learner = st.selectbox("What learns", list(LEARNERS), format_func=LEARNERS.__getitem__, key="train-trains")
        rate = st.number_input(
            "Learning rate", 0.0, 1.0, None, format="%g", key="train-rate", placeholder="the recipe's",
            help="The recipes' rates are for thousands of steps; for a hundred, 0.001 moves an adapter more.",
        )  # fmt: skip
    files = st.text_input(
        "Pairs from a file or folder, instead of this collection", key="train-data", placeholder="/home/me/pairs.jsonl",
        help="JSON lines with query and positive (and negatives), a BEIR folder, or a folder of plain text.",
    )  # fmt: skip
    if not files.strip():
        note("From the collection, passages that stand next to each other are the pairs, and each passage is a text.")
    words = ["--steps", str(steps), "--batch", str(batch), "--seed", str(seed), "--every", str(max(steps // 5, 1))]
    words += ["--trains", learner] if learner else []
    words += ["--rate", f"{rate:g}"] if rate else []
    with st.container(horizontal=True):
        ask = st.button("What would it cost?", key="train-cost", icon=":material/timer:")
        go = st.button("Start training", type="primary", key="train-start", icon=":material/play_arrow:")
    if ask or go:
        try:
            data = given(files)
        except (ValueError, OSError) as error:
            st.error(parts.plain(on_a_page(str(error)), 400), icon=":material/error:")
            return
        if ask:
            cost(name, data, steps, batch)
        else:
            start(name, files, words)


def given(files: str) -> Any:
    """The training data that was asked for; ValueError says what is wrong with it."""
    from embedder.training.data import read

    if files.strip():
        return read([Path(files.strip())])
    return training_runs.from_passages(house().collection, house().settings.collection)


def cost(recipe: str, data: Any, steps: int, batch: int) -> None:
    """Steps, tokens and time, by timing the resident model on a few of the texts."""
    from embedder.training.cost import estimate
    from embedder.training.work import Options, Work

    home = house()
    work = Work(RECIPES[recipe], base(), data, Path(), Options(steps=steps, batch=batch))
    engine = home.runtime.engine()
    try:
        found = home.runtime.submit(Priority.BULK, lambda: estimate(work, engine)).result()
    except ValueError as error:
        st.error(parts.plain(on_a_page(str(error)), 400), icon=":material/error:")
        return
    head = ["Stage", "Steps", "Batch", "Tokens", "Time on this machine, about"]
    rows = [[c.stage, f"{c.steps:,}", f"{c.batch:,}", f"{c.tokens:,}", parts.duration(c.seconds)] for c in found]
    st.html(parts.table(head, rows))
    note("Timed while nothing else ran here. Searching and asking go on during a run, and are slower.")


def start(recipe: str, files: str, words: list[str]) -> None:
    """Begin a run as a process of its own."""
    home = house()
    source = ["--data", files.strip()] if files.strip() else ["--from-collection"]
    source += ["--collection", home.settings.collection]
    name = training_runs.free_name(home.settings.home, recipe)
    training_runs.begin(home.settings.home, name, recipe, base(), [*source, *words])
    st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def watch() -> None:
    """All runs; a page that sees one end is drawn anew."""
    runs = training_runs.runs(house().settings.home)
    active = [run.name for run in runs if run.phase == "running"]
    seen = st.session_state.get("train-active", active)
    st.session_state["train-active"] = active
    if seen != active or await_rivals(runs):
        st.rerun(scope="app")
    if not runs:
        note("No run yet. What you train appears here, and stays.")
    for run in runs:
        with st.container(border=True, key=f"train-run-{run.name}"):
            draw(run)


def draw(run: TrainingRun) -> None:
    """One run: how far, its curve, and what can be done with it."""
    st.markdown(f"**{parts.plain(run.name)}** on {parts.plain(Path(run.base).name)}, {PHASES[run.phase]}")
    if run.phase == "stopped":
        note(run.reason)
    elif run.reason:
        st.error(parts.plain(run.reason, 400), icon=":material/error:")
    if run.phase == "running":
        progress(run)
    if len(run.rows) > 1:
        curve(run)
    home = house().settings.home
    with st.container(horizontal=True):
        if run.phase == "running" and st.button("Stop", key=f"train-stop-{run.name}", icon=":material/stop_circle:"):
            training_runs.stop(home, run.name)
            st.toast("It stops after this step and keeps what it has.")
        if run.phase in ("stopped", "failed") and st.button(
            "Go on" if run.phase == "stopped" else "Try again", key=f"train-resume-{run.name}", icon=":material/resume:"
        ):
            training_runs.resume(home, run)
            st.rerun(scope="app")
        if run.phase == "finished":
            finished(run)


def progress(run: TrainingRun) -> None:
    """The bar of a run under way."""
    if not run.rows:
        st.progress(0.0, text="Loading the model and the data")
        return
    last = run.rows[-1]
    text = f"{last['stage']}: step {last['step']:,} of {last['steps']:,}, loss {last['loss']:.3f}"
    text += f", {last['tokens_per_s']:,.0f} tokens/s, about {parts.duration(last['eta_s'])} left"
    st.progress(min(1.0, last["step"] / last["steps"]), text=parts.plain(text, 240))


def curve(run: TrainingRun) -> None:
    """Loss, its running mean, and the scores that were taken."""
    from embedder.training.picture import running

    losses = [float(row["loss"]) for row in run.rows]
    drawn = {"step": list(range(1, len(losses) + 1)), "loss": losses, "running mean": running(losses)}
    st.line_chart(drawn, x="step", y=["loss", "running mean"], height=220, x_label="step", y_label="loss",
                  color=["#8aa6a1", "#2f9c8d"])  # fmt: skip
    scores = [row["score"] for row in run.rows if row.get("score") is not None]
    if scores:
        note(f"Score on what was held out: {scores[0]:.4f} first, {scores[-1]:.4f} last.")


def finished(run: TrainingRun) -> None:
    """What can be done with a model: use it, or let the reader judge it against its base."""
    home = house()
    if home.runtime.state.model == str(run.folder):
        if st.button("Embed the documents with it", key=f"train-space-{run.name}", icon=":material/layers:"):
            begun = home.add_space(home.card().method)
            st.toast("The Library shows how far it is." if begun else "That is under way already.")
        st.page_link(LIBRARY, label="Library", icon=":material/folder_open:")
    elif st.button("Use this model", key=f"train-use-{run.name}", icon=":material/check:"):
        remember(home.settings.home, run.folder.name, str(run.folder))
        home.runtime.load(str(run.folder))
        st.rerun(scope="app")
    if st.session_state.get("train-arena", ("", 0.0))[0] == run.name:
        note(f"Vectors for the arena are being made{how_far()}. It opens when they are there.")
    elif home.collection.status()["chunks"] and st.button(
        "Judge it against the base", key=f"train-arena-{run.name}", icon=":material/swords:",
        help="Opens the blind arena with the two; vectors that one of them lacks are made first.",
    ):  # fmt: skip
        make(home, run)
        st.session_state["train-arena"] = (run.name, time.time())
        st.rerun(scope="app")


def how_far() -> str:
    """What the vectors under way still take."""
    progress = house().works.progress
    return f", about {parts.duration(progress.eta_s)} left" if progress is not None and progress.eta_s else ""


def await_rivals(runs: list[TrainingRun]) -> bool:
    """Whether the two that were to meet in the arena can, or cannot any more; notes that the reader is still here."""
    name, seen = st.session_state.get("train-arena", ("", 0.0))
    run = next((one for one in runs if one.name == name), None)
    if run is None or time.time() - seen > LEFT_SECONDS:
        st.session_state.pop("train-arena", None)
        return False
    st.session_state["train-arena"] = (name, time.time())
    return bool(rivals(house(), run).labels) or not (house().works.current or house().works.waiting)


def arrive() -> None:
    """Take the reader to the arena once a trained model and its base have all their vectors there; else say why not."""
    runs = {run.name: run for run in training_runs.runs(house().settings.home)}
    name, seen = st.session_state.get("train-arena", ("", 0.0))
    if name not in runs or time.time() - seen > LEFT_SECONDS:
        st.session_state.pop("train-arena", None)
        return
    labels = rivals(house(), runs[name]).labels
    if labels:
        del st.session_state["train-arena"]
        st.session_state.pop("arena", None)  # an earlier line of questions was for others
        st.session_state["arena-who"] = list(labels)
        st.switch_page(ARENA)
    if not (house().works.current or house().works.waiting):
        del st.session_state["train-arena"]
        for _, reason in house().works.problems[-1:] or [("", "the Methods page shows which there are")]:
            st.error(parts.plain(f"The vectors could not be made: {reason}", 400), icon=":material/error:")


def page() -> None:
    """The whole page."""
    arrive()
    st.html(parts.hero("Train", "Make the model in memory better at your files, by a recipe that was published."))
    loading_note()
    if house().runtime.state.phase != "ready":
        st.button("Look again", icon=":material/refresh:")
    else:
        note(f"The base is the model in memory: {Path(base()).name}. It stays as it is; the result is a new folder.")
        choose()
    st.subheader("Runs")
    watch()


page()
