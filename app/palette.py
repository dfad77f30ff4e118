"""Colours of the pictures: readable on the light and on the dark page, apart for people who see fewer colours.

Each has a contrast of at least 3 against both backgrounds; neighbours in the list differ in lightness or in the
blue-yellow direction, which nearly everybody sees. A letter or a shape always says the same as the colour.
"""

from __future__ import annotations

COLOURS = ("#2f7fd0", "#c2691c", "#0f8f7a", "#b3559b", "#8a7a1a", "#7466d6", "#d2485a", "#3a8f3a")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
ALONE = "#7b8986"  # what has no counterpart


def colour(at: int) -> str:
    """The colour of the n-th thing; after the last one they begin anew."""
    return COLOURS[at % len(COLOURS)]


def shape(at: int) -> str:
    """The shape of the n-th thing."""
    return SHAPES[at % len(SHAPES)]
