"""What pages draw of measurements: progress, the advice, tables of figures, how single questions went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import streamlit as st

from app import parts
from app.evaluation import aligned
from app.parts_shared import house, note, passage_link
from app.recommend import Advice, evidence, named, sentence
from indexer import Document, QueryRow, Result, paired

POLL_SECONDS = 1.0
HEADLINES = {
    "promote": "Recommendation", "stay": "You use the best already", "words": "Words are enough here",
    "tie": "They cannot be told apart yet", "alone": "One method measured",
}  # fmt: skip


@st.fragment(run_every=POLL_SECONDS)
def progress() -> None:
    """Measurements under way, each with a button that ends it; the page is drawn anew when one ends."""
    bench, works = house().bench, house().works
    running = bench.running()
    mine = [name for name in (works.current, *works.waiting) if name.startswith("measurement")]
    busy = bool(running or mine)
    seen = st.session_state.get("measure-busy", "")
    st.session_state["measure-busy"] = done = f"{busy} {[job.done // 1000 for job in running]}"
    if seen and seen != done:
        st.rerun(scope="app")
    for job in running:
        text = f"{job.target}: {bench.telling.get(job.target, 'under way')}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=parts.plain(text, 240))
            if st.button("Stop", key=f"measure-stop-{job.id}", icon=":material/stop_circle:"):
                bench.stop(job)
    for name in works.waiting:
        note(f"Waiting: {name}")
    if mine and not running:
        note(f"{mine[0]}: waiting for {works.current}" if works.current != mine[0] else f"{mine[0]}: starting")
    for name, reason in works.problems:
        if name.startswith("measurement"):
            st.error(parts.plain(f"{name}: {reason}", 400), icon=":material/error:")


def titles_of(results: Sequence[Result]) -> list[str]:
    """What each result is called; a model that is not the usual one is named, and an instruction among several."""
    pairs = {(one.method, one.model) for one in results if one.model}
    shared = {method for method, _ in pairs if sum(other == method for other, _ in pairs) > 1}
    several = {(one.method, one.mode) for one in results}
    usual = usual_model([model for _, model in pairs])
    names = []
    for one in results:
        name = "words (BM25)" if one.mode == "words" else one.label.replace("+words", " + words")
        if one.model and (one.method in shared or one.model != usual):
            name += f" on {PurePath(one.model).name}"
        if one.instruction and len(several) < len(results):
            name += f" “{one.instruction[:40]}{'…' if len(one.instruction) > 40 else ''}”"
        names.append(name)
    return names


def usual_model(models: Sequence[str]) -> str:
    """The model most methods are on, which goes without saying; "" where none is ahead of the others."""
    ranked = Counter(models).most_common(2)
    ahead = len(ranked) == 1 or (len(ranked) == 2 and ranked[0][1] > ranked[1][1])
    return ranked[0][0] if ahead else ""


def advice_card(advice: Advice, *, own: bool) -> bool:
    """The advice with its evidence; True where its button was pressed. There is one only where the test supports it."""
    text = parts.escaped(sentence(advice, own=own))
    st.html(f'<div class="tf-advice"><div class="tf-dim">{HEADLINES[advice.verdict]}</div>{text}'
            f"{parts.dim(evidence(advice))}</div>")  # fmt: skip
    if advice.verdict != "promote":
        return False
    space = next((s for s in house().collection.spaces() if s.fingerprint == advice.best.fingerprint), None)
    if space is None or not space.ready:
        missing = "has no vectors of it yet" if space is None else f"lacks {space.missing:,} of its vectors"
        note(f"This collection {missing}: they can be made on the Methods page.")
        return False
    return st.button(f"Use {named(advice.best, advice.rival)} for searches", key="measure-promote", type="primary",
                     icon=":material/check:", help="Makes it the default, at once and for all pages. The Methods page "
                     "can undo it.")  # fmt: skip


def figures(results: Sequence[Result], titles: Sequence[str]) -> None:
    """Quality with its intervals beside cost, the best first."""
    rows = []
    for one, title in zip(results, titles, strict=True):
        cost = one.cost
        row = [title, interval(one, "ndcg@10"), interval(one, "recall@10"), interval(one, "mrr@10")]
        row += [
            f"{cost.tokens:,.0f}" if cost and cost.tokens else "–",
            f"{cost.tokens_per_s:,.0f}" if cost and cost.tokens_per_s else "–",
            parts.size(cost.bytes) if cost and cost.bytes else "–",
            f"{cost.p50 * 1000:,.1f} / {cost.p95 * 1000:,.1f} ms" if cost else "–",
        ]
        rows.append(row)
    head = ["", "nDCG@10", "Recall@10", "MRR@10", "Tokens a passage", "Tokens/s", "Vector", "Query p50 / p95"]
    st.html(parts.table(head, rows))
    note("In brackets 95% bootstrap intervals over the questions. Tokens a passage counts all that the model reads for "
         "it, template included.")  # fmt: skip


def interval(result: Result, metric: str) -> str:
    """A figure with its interval."""
    value = result.metrics[metric]
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def tests(results: Sequence[Result], titles: Sequence[str]) -> None:
    """The best against each other one, question by question."""
    best, *others = results
    rows = []
    for one, title in zip(others, titles[1:], strict=True):
        d = paired(*aligned(best, one))
        rows.append([f"{titles[0]} – {title}", f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]", f"{d.p:.2g}",
                     f"{d.better:,}", f"{d.worse:,}"])  # fmt: skip
    st.html(parts.table(["Pair", "Difference in nDCG@10", "p (paired, single)", "Better on", "Worse on"], rows))


def questions(left: Result, right: Result, names: tuple[str, str], texts: dict[str, str]) -> list[dict[str, Any]]:
    """A row for each question both were asked, what the left loses most first."""
    there = {row.query: row for row in right.rows}
    rows = []
    for one in left.rows:
        other = there.get(one.query)
        if other is None:
            continue
        a, b = one.metrics["ndcg@10"], other.metrics["ndcg@10"]
        rows.append({
            "Question": parts.cell(texts.get(one.query) or one.text or f"question {one.query}"),
            names[0]: round(a, 3), names[1]: round(b, 3), "Difference": round(a - b, 3), "id": one.query,
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["Difference"])


def hits(row: QueryRow, judged: dict[str, int], texts: dict[str, str], *, own: bool) -> None:
    """The first hits of one question, the relevant ones marked; own passages open where they stand."""
    if not row.hits:
        note("Nothing found.")
    for rank, (name, score) in enumerate(row.hits, 1):
        mark = '<span class="tf-won">✓ relevant</span>' if judged.get(name, 0) > 0 else ""
        begin = parts.escaped(" ".join(texts.get(name, "").split())[:180])
        st.html(f'<div class="tf-tie"><b>#{rank}</b><span class="tf-dim">{score:.3g}</span>{mark}</div>'
                f'<div class="tf-text" style="font-size:0.88rem">{begin}</div>')  # fmt: skip
        if own and (place := where(name)) is not None:
            document, start, end = place
            passage_link(parts.plain(PurePath(document.path).name, 60), document.id, start, end, query=row.text)


def where(chunk: str) -> tuple[Document, int, int] | None:
    """The document and span of a chunk, while it is there."""
    from sqlalchemy import select

    from indexer import catalogue as c

    with house().collection.catalogue.read() as connection:
        wanted = select(c.chunk.c.document_id, c.chunk.c.start, c.chunk.c.end).where(c.chunk.c.id == int(chunk))
        row = connection.execute(wanted).one_or_none()
    return None if row is None else (house().collection.document(row.document_id), row.start, row.end)
