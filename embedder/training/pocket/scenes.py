"""Sentences about everyday scenes, news and opinions, from a small grammar, each in English and in Chinese.

The texts at hand are manuals, textbooks, laws and novels: hardly anybody in them cooks, plays the guitar or wins a
match. A scene comes with variants that differ in one slot, so that a teacher says what each word changes. Words and
frames are rows of `scenes.txt`; the grammar knows no model and no test set.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str]  # English, Chinese

SLOT = re.compile(r"\{(\w+?)(_?)\}")
VARIANTS = 3  # of a scene, each with one slot filled anew
DROPPED = {  # stems that lose an e before -ing
    "bak", "bit", "chas", "danc", "div", "driv", "giv", "hid", "hik", "pos", "practis", "rid", "shak", "shav", "skat",
    "slic", "smil", "smok", "tak", "typ", "wav", "wrestl", "writ",
}  # fmt: skip


def read(text: str) -> tuple[dict[str, list[Row]], list[tuple[int, str, str]]]:
    """The lists of a grammar by name, and its frames: weight, English, Chinese."""
    lists: dict[str, list[Row]] = {}
    frames: list[tuple[int, str, str]] = []
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "frames" and line:
            weight, _, frame = line.partition(" ")
            english, chinese = frame.split("|")
            frames.append((int(weight), english, chinese))
        elif section and line:
            cells = (cell.strip().split("|") for cell in line.split(";"))
            lists.setdefault(section, []).extend((english, chinese) for english, chinese in cells)
    for doing, does in (("doing", "does"), ("animal_doing", "animal_does")):
        lists[does] = [("/".join(map(present, cell.split("/"))), chinese) for cell, chinese in lists.get(doing, [])]
    return lists, frames


def scenes(seed: int = 0) -> Iterator[Row]:
    """Endless sentences in English and Chinese: a scene told twice, then its variants, one slot changed in each.

    Of several ways to say a thing each telling draws one, so that a scene meets itself in other words.
    """
    lists, frames = read(Path(__file__).with_suffix(".txt").read_text("utf-8"))
    draw = random.Random(seed)
    while True:
        _, english, chinese = draw.choices(frames, [weight for weight, _, _ in frames])[0]
        slots = [name + again for name, again in SLOT.findall(english)]
        scene = {slot: _choose(draw, lists, slot) for slot in slots}
        changed = [scene | {slot: _choose(draw, lists, slot)} for slot in draw.choices(slots, k=VARIANTS)]
        for filled in (scene, scene, *changed):
            yield _told(english, filled, 0, draw), _told(chinese, filled, 1, draw)


def present(participle: str) -> str:
    """`riding a horse` -> `rides a horse`."""
    word, _, rest = participle.partition(" ")
    stem = word.removesuffix("ing")
    if stem in DROPPED:
        stem += "e"
    elif stem[-1] == stem[-2] and stem[-1] in "bgmnprt":
        stem = stem[:-1]
    if stem[-1] == "y" and stem[-2] not in "aeou":
        ending = "ies"
        stem = stem[:-1]
    else:
        ending = "es" if stem.endswith(("s", "sh", "ch", "x", "o")) else "s"
    return f"{stem}{ending} {rest}".strip()


def _choose(draw: random.Random, lists: dict[str, list[Row]], slot: str) -> Row:
    number = str(draw.randint(2, 90))
    name = slot.removesuffix("_")
    english, chinese = ("{number}", "{number}") if name == "number" else draw.choice(lists[name])
    return english.replace("{number}", number), chinese.replace("{number}", number)


def _told(frame: str, filled: dict[str, Row], language: int, draw: random.Random) -> str:
    for slot, row in filled.items():
        frame = frame.replace("{" + slot + "}", draw.choice(row[language].split("/")))
    if not language and re.match(r"(two|three|four|several|many|birds|a group)\b", frame):
        frame = frame.replace(" is ", " are ", 1)
    return frame[:1].upper() + frame[1:]
