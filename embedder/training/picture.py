"""The curve of a run as an SVG: loss of each step, its running mean, and the scores where some were taken.

It draws by itself, so that a run needs no library for it; colours follow the reader's light or dark mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 300, 56, 56, 34, 40
SMOOTH = 0.1  # weight of a new step in the running mean
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#555}.axis{stroke:#bbb;fill:none}.raw{stroke:#9bb;opacity:.5;fill:none}"
    ".mean{stroke:#1c6e8c;stroke-width:2;fill:none}.score{stroke:#b4531a;stroke-width:1.5;fill:none}"
    ".dot{fill:#b4531a}.edge{stroke:#ccc;stroke-dasharray:3 4}"
    "@media(prefers-color-scheme:dark){text{fill:#bbb}.mean{stroke:#6fc3e0}.score{stroke:#f0a06a}.dot{fill:#f0a06a}"
    ".axis,.edge{stroke:#555}}"
)


def curve(steps: Sequence[dict[str, Any]]) -> str:
    """The picture of all stages one after the other; each row has stage, step, loss, and score or None."""
    if not steps:
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"/>'
    losses = [float(step["loss"]) for step in steps]
    scored = [(n, float(step["score"])) for n, step in enumerate(steps) if step.get("score") is not None]
    low, high = min(losses), max(losses)
    count = sum({step["stage"]: int(step["step"]) for step in steps}.values())
    parts = [_frame(low, high, count), _edges(steps)]
    parts.append(_line(list(enumerate(losses)), low, high, len(steps), "raw"))
    parts.append(_line(list(enumerate(running(losses))), low, high, len(steps), "mean"))
    if scored:
        values = [value for _, value in scored]
        least, most = min(values), max(values)
        parts.append(_line(scored, least, most, len(steps), "score"))
        parts += [_dot(n, value, least, most, len(steps)) for n, value in scored]
        parts.append(
            _text(WIDTH - RIGHT + 6, TOP + 4, f"{most:.3f}") + _text(WIDTH - RIGHT + 6, HEIGHT - BOTTOM, f"{least:.3f}")
        )
    inner = "".join(parts)
    said = escape(f"Loss over {count:,} steps, from {losses[0]:.3f} to {losses[-1]:.3f}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">'
        f"<style>{STYLE}</style>{inner}</svg>\n"
    )


def running(values: Sequence[float]) -> list[float]:
    """The exponential running mean, without the pull to zero at its beginning."""
    found, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = (1 - SMOOTH) * total + SMOOTH * value, (1 - SMOOTH) * weight + SMOOTH
        found.append(total / weight)
    return found


def _x(n: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * n / max(count - 1, 1)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def _line(points: Sequence[tuple[int, float]], low: float, high: float, count: int, kind: str) -> str:
    at = " ".join(f"{_x(n, count):.1f},{_y(value, low, high):.1f}" for n, value in points)
    return f'<polyline class="{kind}" points="{at}"/>'


def _dot(n: int, value: float, low: float, high: float, count: int) -> str:
    return f'<circle class="dot" r="3" cx="{_x(n, count):.1f}" cy="{_y(value, low, high):.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _frame(low: float, high: float, count: int) -> str:
    bottom = HEIGHT - BOTTOM
    axis = f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    left = _text(LEFT - 6, TOP + 4, f"{high:.3f}", "end") + _text(LEFT - 6, bottom, f"{low:.3f}", "end")
    below = _text(LEFT, bottom + 18, "1") + _text(WIDTH - RIGHT, bottom + 18, f"{count:,} steps", "end")
    heads = _text(LEFT, 18, "loss (left; thick: running mean)") + _text(WIDTH - RIGHT, 18, "score (right)", "end")
    return axis + left + below + heads


def _edges(steps: Sequence[dict[str, Any]]) -> str:
    """A line where a stage ends and the next begins, with its name."""
    found = []
    for n, step in enumerate(steps):
        if n == 0 or step["stage"] != steps[n - 1]["stage"]:
            x = _x(n, len(steps))
            found.append(_text(x + 4, HEIGHT - BOTTOM - 6, str(step["stage"])))
            if n:
                found.append(f'<path class="edge" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    return "".join(found)
