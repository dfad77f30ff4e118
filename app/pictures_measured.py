"""Pictures of votes and of tasks beyond retrieval as altair charts; it knows no widget and no collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from app import palette
from indexer.measured import Measured, cell_of

if TYPE_CHECKING:
    from indexer.arena import Rating
    from indexer.passkey import Language

LANGUAGES: dict[Language, str] = {"en": "English", "zh": "Chinese"}
ROW = 38  # pixels of one method


def standings(ratings: Sequence[Rating], titles: Mapping[str, str]) -> Any:
    """Ratings with their intervals, the best on top."""
    order = [titles[one.method] for one in ratings]
    rows = [
        {"method": titles[one.method], "rating": round(one.value), "low": round(one.low), "high": round(one.high),
         "votes": one.votes}
        for one in ratings
    ]  # fmt: skip
    told = [alt.Tooltip(name) for name in ("method:N", "rating:Q", "low:Q", "high:Q", "votes:Q")]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("method:N", sort=order, title=None, axis=alt.Axis(labelLimit=170, domain=False, ticks=False))
    )
    scale = alt.Scale(zero=False, nice=True, padding=12)
    mark = palette.colour(0)
    return alt.layer(
        base.mark_rule(strokeWidth=3, color=mark).encode(
            x=alt.X("low:Q", title="rating, 95% interval", scale=scale), x2="high:Q", tooltip=told
        ),
        base.mark_circle(size=160, opacity=1, color=mark).encode(x="rating:Q", tooltip=told),
    ).properties(height=ROW * len(rows) + 90)


def length_against_accuracy(rows: Sequence[Measured], titles: Sequence[str], language: str) -> Any:
    """The passkey test in one language: a line for each method over the lengths, with its intervals."""
    cells: list[dict[str, Any]] = [
        {
            "method": title, "length": length, "accuracy": value.value, "low": value.low, "high": value.high,
            "colour": palette.colour(at),
        }
        for at, (one, title) in enumerate(zip(rows, titles, strict=True))
        for name, value in one.figures.items()
        for said, length in (cell_of(name),) if said == language
    ]  # fmt: skip
    order = list(dict.fromkeys(titles))
    ticks = sorted({cell["length"] for cell in cells})
    x = alt.X("length:Q", title="length in tokens", scale=alt.Scale(type="log", base=2, padding=16, nice=False),
              axis=alt.Axis(values=ticks, format="d", grid=False))  # fmt: skip
    y = alt.Y("accuracy:Q", title="found", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5))
    domain = alt.Scale(domain=order, range=[palette.colour(at) for at in range(len(order))])
    shapes = alt.Scale(domain=order, range=[palette.shape(at) for at in range(len(order))])
    paint = alt.Color("method:N", title=None, scale=domain, legend=alt.Legend(orient="top", labelLimit=220, columns=2))
    told = [
        alt.Tooltip("method:N"),
        alt.Tooltip("length:Q", format=",d"),
        alt.Tooltip("accuracy:Q", format=".0%"),
        alt.Tooltip("low:Q", format=".0%"),
        alt.Tooltip("high:Q", format=".0%"),
    ]
    base = alt.Chart(alt.Data(values=cells)).encode(x=x, color=paint)
    return alt.layer(
        base.mark_line(strokeWidth=2.5).encode(y=y),
        base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(size=110, filled=True, opacity=1).encode(
            y=y, tooltip=told, shape=alt.Shape("method:N", scale=shapes, legend=None)
        ),
    ).properties(height=300)
