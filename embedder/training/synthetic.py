"""Training pairs that a model writes (E5-mistral): tasks first, then examples of them, in six groups.

Attempt n draws its group and its values from the seed and n alone, and each attempt is kept as soon as it is made: a
run that was stopped goes on. What is no valid JSON, repeats itself or was there before is dropped and counted.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embedder.training.authors import Author
from embedder.training.data import lines
from embedder.training.groups import BY_NAME, GROUPS, Choice, Group

PER_TASK = 2  # examples of a task before new ones are thought of, as in the paper (320k of 150k)
TASK_TOKENS, EXAMPLE_TOKENS = 1200, 1600


class Invalid(ValueError):
    """An answer that cannot be used; its text is the kind of reason."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far: examples kept of those wanted, attempts made, and how many were dropped for which reason."""

    kept: int
    wanted: int
    attempts: int
    rejected: dict[str, int]


@dataclass(slots=True)
class Synthesis:
    """A file of synthetic pairs that grows; beside it, its tasks and the count of attempts (FILE.state.json)."""

    out: Path
    author: Author
    names: Sequence[str] = ()
    seed: int = 0
    languages: Sequence[str] = ()
    tell: Callable[[Progress], None] = lambda progress: None
    stop: threading.Event = field(default_factory=threading.Event)
    tasks: dict[str, list[str]] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.names) - set(BY_NAME))
        if unknown:
            raise ValueError(f"no group called {', '.join(unknown)}; groups: {', '.join(BY_NAME)}")
        self._remember()

    @property
    def kept(self) -> int:
        """Examples in the file."""
        return sum(self.made.values())

    def run(self, count: int, *, patience: int = 50) -> Progress:
        """Write until there are `count` examples; ValueError after `patience` attempts in a row gave nothing."""
        vain = 0
        while self.kept < count and not self.stop.is_set():
            before = self.kept, sum(map(len, self.tasks.values()))
            self.attempt()
            vain = 0 if (self.kept, sum(map(len, self.tasks.values()))) != before else vain + 1
            self.tell(self.progress(count))
            if vain >= patience:
                reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(self.rejected.items()))
                raise ValueError(
                    f"{self.author.name} gave nothing usable in {patience} attempts ({reasons}): it does not follow the"
                    " prompts; take a larger instruction-tuned model, or a server with --url"
                )
        return self.progress(count)

    def progress(self, count: int) -> Progress:
        """How far it is."""
        return Progress(self.kept, count, self.attempts, dict(self.rejected))

    def attempt(self) -> None:
        """One answer of the author: new tasks where they are wanted, else an example."""
        number = self.attempts
        chance = np.random.default_rng([self.seed, number])
        chosen = [group for group in GROUPS if not self.names or group.name in self.names]
        weights = np.array([group.weight for group in chosen])
        group = chosen[int(chance.choice(len(chosen), p=weights / weights.sum()))]
        try:
            known = self.tasks.setdefault(group.name, [])
            if group.tasks and self.made.get(group.name, 0) >= PER_TASK * len(known):
                self._think(group, number)
            else:
                self._write(group, chance, number)
        except Invalid as error:
            self.rejected[str(error)] = self.rejected.get(str(error), 0) + 1
        self.attempts = number + 1
        self._save()

    def _think(self, group: Group, number: int) -> None:
        answer = self.author.write(group.tasks, seed=self.seed * 10**6 + number, max_tokens=TASK_TOKENS)
        known = self.tasks[group.name]
        known += [task for task in strings(answer) if task not in known]

    def _write(self, group: Group, chance: np.random.Generator, number: int) -> None:
        known = self.tasks[group.name]
        task = known[int(chance.integers(len(known)))] if known else ""
        values = chosen_values(group, chance, self.languages)
        prompt = fill(group.example, {**values, "task": task})
        answer = self.author.write(prompt, seed=self.seed * 10**6 + number, max_tokens=EXAMPLE_TOKENS)
        row = example(group, answer, task)
        key = _key(row)
        if key in self._seen:
            raise Invalid("there was one like it")
        row |= {"group": group.name, "attempt": number, "language": values.get("language", "")}
        with self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._seen.add(key)
        self.made[group.name] = self.made.get(group.name, 0) + 1

    @property
    def _state(self) -> Path:
        return self.out.with_name(self.out.name + ".state.json")

    def _remember(self) -> None:
        """What an earlier run made; an example written just before a kill counts although its attempt was not noted."""
        if self._state.is_file():
            told = json.loads(self._state.read_text(encoding="utf-8"))
            self.tasks, self.rejected, self.attempts = told["tasks"], told["rejected"], told["attempts"]
        if not self.out.is_file():
            return
        whole = self.out.read_bytes()
        if not whole.endswith(b"\n"):  # a line that a kill cut short
            self.out.write_bytes(whole[: whole.rfind(b"\n") + 1])
        for row in lines(self.out):
            self._seen.add(_key(row))
            self.made[row["group"]] = self.made.get(row["group"], 0) + 1
            self.attempts = max(self.attempts, row["attempt"] + 1)

    def _save(self) -> None:
        told = {"tasks": self.tasks, "rejected": self.rejected, "attempts": self.attempts, "author": self.author.name}
        part = self._state.with_suffix(".part")
        part.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        part.replace(self._state)


def chosen_values(group: Group, chance: np.random.Generator, languages: Sequence[str] = ()) -> dict[str, str]:
    """A value for each placeholder; `languages` takes the place of the row's own; two languages differ."""
    found: dict[str, str] = {}
    for name, values in group.values.items():
        if languages and name in ("language", "source", "target"):
            values = tuple((language, 1.0) for language in languages)
        if name == "target" and len(values) > 1:
            values = tuple(pair for pair in values if pair[0] != found["source"])
        found[name] = _pick(values, chance)
    return found


def _pick(values: Choice, chance: np.random.Generator) -> str:
    weights = np.array([weight for _, weight in values])
    return values[int(chance.choice(len(values), p=weights / weights.sum()))][0]


def fill(template: str, values: dict[str, str]) -> str:
    """The template with its placeholders replaced once, in one pass: braces in a value stay what they are."""
    parts = template.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled.append(values[name] + rest)
    return "".join(filled)


def strings(answer: str) -> list[str]:
    """The tasks of an answer: a JSON list of strings, perhaps inside other words."""
    found = _json(answer, "[")
    tasks = [" ".join(item.split()) for item in found if isinstance(item, str) and 10 <= len(item.strip()) <= 400]
    if not tasks:
        raise Invalid("no list of tasks")
    return tasks


def example(group: Group, answer: str, task: str) -> dict[str, Any]:
    """A row of training data from an answer; Invalid where it is not what was asked for."""
    found = _json(answer, "{")
    texts = [found.get(key) for key in group.keys]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise Invalid("keys missing")
    sides = [str(text).strip() for text in texts]
    if len({side.casefold() for side in sides}) < len(sides):
        raise Invalid("texts repeated")
    if group.apart and any(side.casefold() in sides[0].casefold() for side in sides[1:]):
        raise Invalid("label in the text")
    row = {"query": sides[0], "positive": sides[1], "instruction": group.instruction or task}
    return row | ({"negatives": sides[2:]} if len(sides) > 2 else {})


def _json(answer: str, opening: str) -> Any:
    """The first JSON value that begins with `opening`."""
    at = answer.find(opening)
    if at < 0:
        raise Invalid("no JSON")
    try:
        return json.JSONDecoder().raw_decode(answer[at:])[0]
    except ValueError:
        raise Invalid("broken JSON") from None


def _key(row: dict[str, Any]) -> str:
    text = "\x00".join(" ".join(str(row[name]).casefold().split()) for name in ("query", "positive"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
