"""Pictures of comparisons and measurements as altair charts; it knows no widget and no collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import altair as alt

from app import palette

if TYPE_CHECKING:
    from app.compare import Passage
    from indexer import Result

ROW = 26  # pixels of one rank
COSTS = {
    "tokens": ("Tokens read for a passage", lambda cost: cost.tokens),
    "p50": ("Wait for a query, ms (median)", lambda cost: cost.p50 * 1000),
    "bytes": ("Bytes of a vector", lambda cost: cost.bytes),
    "speed": ("Tokens per second", lambda cost: cost.tokens_per_s),
}


def colours(passages: Sequence[Passage]) -> dict[str, str]:
    """A colour for each passage that several columns found, by its letter; the others are grey."""
    shared = [one.letter for one in passages if one.shared > 1]
    return {letter: palette.colour(at) for at, letter in enumerate(shared)}


def rank_flow(passages: Sequence[Passage], titles: Mapping[str, str]) -> Any:
    """Ranks as columns of dots with the passages' letters; a line follows a passage from column to column."""
    known = colours(passages)
    names = list(titles)
    top = max((rank for one in passages for rank in one.ranks.values() if rank), default=1)
    dots = [
        {"column": titles[name], "rank": rank, "passage": one.letter, "file": PurePath(one.hit.path).name,
         "colour": known.get(one.letter, palette.ALONE)}
        for one in passages for name in names if (rank := one.ranks[name]) is not None
    ]  # fmt: skip
    lines = [
        {"line": f"{one.letter}{at}", "column": titles[side], "rank": one.ranks[side], "colour": known[one.letter]}
        for one in passages if one.letter in known
        for at in range(len(names) - 1) if one.ranks[names[at]] and one.ranks[names[at + 1]]
        for side in (names[at], names[at + 1])
    ]  # fmt: skip
    order = [titles[name] for name in names]
    x = alt.X("column:N", sort=order, scale=alt.Scale(domain=order, paddingOuter=0.25),
              axis=alt.Axis(orient="top", title=None, labelAngle=0, labelLimit=150, domain=False, ticks=False,
                            labelFontWeight="bold"))  # fmt: skip
    y = alt.Y("rank:Q", scale=alt.Scale(domain=[top + 0.5, 0.5], nice=False),
              axis=alt.Axis(title="rank", tickCount=min(top, 10), tickMinStep=1, grid=False, domain=False))  # fmt: skip
    paint = alt.Color("colour:N", scale=None, legend=None)
    told = [alt.Tooltip(name) for name in ("passage:N", "file:N", "column:N", "rank:Q")]
    picture = alt.Chart(alt.Data(values=dots)).encode(x=x, y=y)
    line = alt.Chart(alt.Data(values=lines)).mark_line(strokeWidth=2.5, opacity=0.75)
    layers = [
        line.encode(x=x, y=y, detail="line:N", color=paint),
        picture.mark_circle(size=330, opacity=1).encode(color=paint, tooltip=told),
        picture.mark_text(fontSize=11, fontWeight="bold", color="white").encode(text="passage:N", tooltip=told),
    ]
    return alt.layer(*layers).properties(height=ROW * top + 40)


def quality_against_cost(results: Sequence[Result], titles: Sequence[str], cost: str) -> Any:
    """nDCG@10 with its interval over one cost: up is better, and left is cheaper (for speed, right is faster)."""
    name, figure = COSTS[cost]
    rows = [
        {
            "method": title, "x": figure(one.cost), "ndcg": round(value.value, 4), "low": value.low, "high": value.high,
            "colour": palette.colour(at), "shape": palette.shape(at),
        }
        for at, (one, title) in enumerate(zip(results, titles, strict=True)) if one.cost
        for value in (one.metrics["ndcg@10"],)
    ]  # fmt: skip
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title=name, scale=alt.Scale(zero=False, nice=True, padding=24), axis=alt.Axis(grid=False))
    )
    y = alt.Y("low:Q", title="nDCG@10", scale=alt.Scale(zero=False, nice=True))
    told = [
        alt.Tooltip("method:N"),
        alt.Tooltip("ndcg:Q", format=".3f"),
        alt.Tooltip("x:Q", title=name, format=",.4~g"),
    ]
    paint = alt.Color("colour:N", scale=None, legend=None)
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(y=y, y2="high:Q", color=paint),
        base.mark_point(size=150, filled=True, opacity=1).encode(
            y="ndcg:Q", color=paint, shape=alt.Shape("shape:N", scale=None, legend=None), tooltip=told
        ),
        base.mark_text(align="left", dx=11, fontSize=12).encode(y="ndcg:Q", text="method:N", color=paint),
    ).properties(height=340)


def over_time(results: Sequence[Result], titles: Sequence[str]) -> Any:
    """nDCG@10 of every kept result on one set by when it was measured, a line for each contender."""
    order = list(dict.fromkeys(titles))
    rows = [
        {"method": title, "when": one.created, "ndcg": round(one.metrics["ndcg@10"].value, 4)}
        for one, title in zip(results, titles, strict=True)
    ]
    places = range(len(order))
    hues = alt.Scale(domain=order, range=[palette.colour(at) for at in places])
    forms = alt.Scale(domain=order, range=[palette.shape(at) for at in places])
    legend = alt.Legend(orient="top", columns=2, labelLimit=220)
    paint = alt.Color("method:N", title=None, legend=legend, scale=hues)
    shapes = alt.Shape("method:N", legend=None, scale=forms)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("when:T", title=None), y=alt.Y("ndcg:Q", title="nDCG@10", scale=alt.Scale(zero=False)), color=paint
    )
    told = [
        alt.Tooltip("method:N"),
        alt.Tooltip("ndcg:Q", format=".3f"),
        alt.Tooltip("when:T", format="%Y-%m-%d %H:%M"),
    ]
    return alt.layer(
        base.mark_line(), base.mark_point(size=80, filled=True).encode(shape=shapes, tooltip=told)
    ).properties(height=260)  # fmt: skip
