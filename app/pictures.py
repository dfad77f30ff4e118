"""Pictures of comparisons and measurements as altair charts; it knows no widget and no collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import altair as alt

from app import palette

if TYPE_CHECKING:
    from app.compare import Passage
    from indexer import Result

ROW = 26  # pixels of one rank
BRIEF = 16  # characters of a name
LEGEND_ROW = 24  # pixels
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
    """Ranks as columns of dots with the passages' letters; a line follows a passage from column to column.

    It is dashed where it passes a column that did not find the passage.
    """
    known = colours(passages)
    names = list(titles)
    top = max((rank for one in passages for rank in one.ranks.values() if rank), default=1)
    dots = [
        {"column": titles[name], "rank": rank, "passage": one.letter, "file": PurePath(one.hit.path).name,
         "colour": known.get(one.letter, palette.ALONE)}
        for one in passages for name in names if (rank := one.ranks[name]) is not None
    ]  # fmt: skip
    lines = [
        {"line": f"{one.letter}{at}", "column": titles[side], "rank": one.ranks[side], "colour": known[one.letter],
         "beyond": names.index(after) - names.index(before) > 1}
        for one in passages if one.letter in known
        for at, (before, after) in enumerate(pairwise(name for name in names if one.ranks[name]))
        for side in (before, after)
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
    dashes = alt.StrokeDash("beyond:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [4, 5]]), legend=None)
    line = alt.Chart(alt.Data(values=lines)).mark_line(strokeWidth=2.5, opacity=0.75)
    layers = [
        line.encode(x=x, y=y, detail="line:N", color=paint, strokeDash=dashes),
        picture.mark_circle(size=330, opacity=1).encode(color=paint, tooltip=told),
        picture.mark_text(fontSize=11, fontWeight="bold", color="white").encode(text="passage:N", tooltip=told),
    ]
    return alt.layer(*layers).properties(height=ROW * top + 40)


def quality_against_cost(results: Sequence[Result], titles: Sequence[str], cost: str) -> Any:
    """nDCG@10 with its interval over one cost: up is better, and left is cheaper (for speed, right is faster)."""
    name, figure = COSTS[cost]
    known = [(one, title, figure(one.cost)) for one, title in zip(results, titles, strict=True) if one.cost]
    most = max((x for _, _, x in known), default=0.0) or 1.0
    places = apart([x for _, _, x in known], 0.015 * most)
    rows = [
        {"method": title, "x": round(x, 4), "place": place, "ndcg": round(value.value, 4), "low": value.low,
         "high": value.high}
        for (one, title, x), place in zip(known, places, strict=True) for value in (one.metrics["ndcg@10"],)
    ]  # fmt: skip
    x = alt.X("place:Q", title=name, scale=alt.Scale(domain=[-0.02 * most, 1.08 * most], nice=False),
              axis=alt.Axis(grid=False))  # fmt: skip
    y = alt.Y("low:Q", title="nDCG@10", scale=alt.Scale(zero=False, nice=True))
    told = [
        alt.Tooltip("method:N"),
        alt.Tooltip("ndcg:Q", format=".3f"),
        alt.Tooltip("x:Q", title=name, format=",.4~g"),
    ]
    paint, form = legend_of([title for _, title, _ in known])
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=paint)
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(y=y, y2="high:Q"),
        base.mark_point(size=150, filled=True, opacity=1).encode(y="ndcg:Q", shape=form, tooltip=told),
    ).properties(height=340 + LEGEND_ROW * len(titles))  # the legend's height counts


def apart(values: Sequence[float], step: float) -> list[float]:
    """The values, those that would be drawn over each other moved a little to the right."""
    placed: list[float] = []
    for value in values:
        at = value
        while any(abs(at - other) < step * 0.99 for other in placed):
            at += step
        placed.append(at)
    return placed


def legend_of(titles: Sequence[str]) -> tuple[Any, Any]:
    """Colour and shape by title, in one legend."""
    order = list(dict.fromkeys(titles))
    hues = alt.Scale(domain=order, range=[palette.colour(at) for at in range(len(order))])
    forms = alt.Scale(domain=order, range=[palette.shape(at) for at in range(len(order))])
    columns = 2 if max(map(len, order), default=0) <= BRIEF else 1  # two long names do not fit side by side on a phone
    legend = alt.Legend(orient="bottom", columns=columns, labelLimit=240, symbolSize=110, title=None)
    return (
        alt.Color("method:N", title=None, scale=hues, legend=legend),
        alt.Shape("method:N", title=None, scale=forms, legend=legend),
    )


def over_time(results: Sequence[Result], titles: Sequence[str]) -> Any:
    """nDCG@10 of every kept result on one set by when it was measured, a line for each contender."""
    rows = [
        {"method": title, "when": one.created, "ndcg": round(one.metrics["ndcg@10"].value, 4)}
        for one, title in zip(results, titles, strict=True)
    ]
    paint, shapes = legend_of(titles)
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
