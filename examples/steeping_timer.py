"""A timer for the counter: one pot per line, the next one to pour is always on top.

Run it as `python steeping_timer.py green oolong black` and press Ctrl-C when the house is empty.
"""

from __future__ import annotations

import heapq
import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tea:
    """How a tea is brewed: water in degrees Celsius, grams of leaf per litre, seconds until the leaves come out."""

    name: str
    celsius: int
    grams_per_litre: float
    seconds: int


TEAS = {
    tea.name: tea
    for tea in (
        Tea("green", 78, 20, 120),
        Tea("white", 83, 20, 180),
        Tea("oolong", 95, 24, 180),
        Tea("black", 97, 22, 240),
        Tea("pu-erh", 100, 24, 180),
        Tea("peppermint", 100, 12, 420),
    )
}


@dataclass(order=True)
class Pot:
    """A pot on a table, ordered by the moment it is ready."""

    ready: float
    table: int = field(compare=False)
    tea: Tea = field(compare=False)


def cooling_minutes(start: float, target: float, room: float = 21.0, rate: float = 0.035) -> float:
    """Minutes until water falls from `start` to `target` degrees in an open jug.

    Newton's law of cooling: the difference to the room shrinks by the same share every minute. The rate was measured
    with our one-litre jug; a thinner jug cools faster.
    """
    import math

    if not room < target < start:
        raise ValueError(f"water at {start} degrees cannot cool to {target} in a room at {room}")
    return math.log((start - room) / (target - room)) / rate


def pour_order(pots: list[Pot]) -> list[Pot]:
    """The pots in the order in which the leaves have to come out."""
    heap = list(pots)
    heapq.heapify(heap)
    return [heapq.heappop(heap) for _ in range(len(heap))]


def main(names: list[str]) -> None:
    """Start one pot per name and call each table when its tea is ready."""
    now = time.monotonic()
    pots = [Pot(now + TEAS[name].seconds, table, TEAS[name]) for table, name in enumerate(names, 1)]
    for pot in pour_order(pots):
        time.sleep(max(0.0, pot.ready - time.monotonic()))
        print(f"table {pot.table}: {pot.tea.name} tea is ready")


if __name__ == "__main__":
    main(sys.argv[1:] or ["green", "black"])
