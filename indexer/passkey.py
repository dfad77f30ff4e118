"""Personalised passkey retrieval, made on the spot: whose number is hidden where in a long text? Knows no collection.

As Wang et al. 2024 (arXiv:2401.00368, section 5) test long contexts: many documents of one length, each with another
person's number at a random place among sentences about nothing; a question names a person, and is right where that
person's document is the nearest. The names, the sentences and the Chinese form are this project's own, so figures stand
beside each other here and not beside the paper's.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Literal

import numpy as np

from indexer.evaluate import Stopped
from indexer.metrics import Interval, bootstrap

if TYPE_CHECKING:
    from embedder.embedder import Embedder

Language = Literal["en", "zh"]
SHORTEST = 256  # tokens
DOCUMENTS, QUESTIONS = 100, 50  # of each length, as in the paper
BATCH = 10
ROOM = 24  # tokens left free, since a text counts a few more or fewer once it is joined


@dataclass(frozen=True, slots=True)
class Speech:
    """How one language says it: `key` and `ask` take a name and a number; names are all pairs of `first` and `last`."""

    filler: tuple[str, ...]
    key: str
    ask: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    name: str
    joint: str


SPEECH: dict[Language, Speech] = {
    "en": Speech(
        filler=(
            "The river is wide.", "The clouds drift by.", "A bird sings in the hedge.", "Somewhere a door is open.",
            "The road leads over the hill.", "It may rain later.", "The fields are quiet.", "Here the path turns back.",
        ),
        key="The pass key of {name} is {number}. Keep it in mind: {number} is the pass key of {name}.",
        ask="What is the pass key of {name}?",
        first=tuple("Ada Boris Clara Dmitri Elena Felix Greta Hugo Irene Jonas Karen Leo Mira Nils Olga Paul".split()),
        last=tuple("Abbott Berg Castle Dunmore Ekholm Farley Grant Hollis Ivers Jansen Keller Lund Moss".split()),
        name="{first} {last}", joint=" ",
    ),
    "zh": Speech(
        filler=(
            "河水很宽。", "云慢慢飘过。", "树篱里有鸟在叫。", "不知哪里有一扇门开着。", "路翻过了山坡。",
            "晚些时候也许会下雨。", "田野很安静。", "小路到这里又折了回去。",
        ),
        key="{name}的通行码是{number}。请记住，{number}就是{name}的通行码。",
        ask="{name}的通行码是多少？",
        first=tuple("伟 芳 娜 敏 静 磊 洋 艳 勇 杰 娟 涛 超 霞 平 刚".split()),
        last=tuple("王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 马".split()),
        name="{last}{first}", joint="",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """How one method does at one length (in tokens) in one language: the part of questions answered right, 0 to 1."""

    method: str
    language: Language
    length: int
    accuracy: Interval
    questions: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Documents of one length, and questions with the number of the document that each asks for."""

    documents: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[int, ...]


def lengths(longest: int) -> list[int]:
    """256 and its doubles, up to a model's limit; the limit itself last, where it is no double."""
    found = [SHORTEST * 2**step for step in range(20) if SHORTEST * 2**step <= longest]
    return found if found and found[-1] == longest else [*found, longest]


def trial(embedder: "Embedder", language: Language, length: int, *, documents: int, questions: int, seed: int) -> Trial:
    """A trial whose documents fill `length` tokens, the embedder's limit, with nothing cut off."""
    speech, chance = SPEECH[language], random.Random(f"{seed} {language} {length}")
    names = [speech.name.format(first=first, last=last) for last in speech.last for first in speech.first]
    people = chance.sample(names, documents)
    room = embedder.room("document")
    keys = [speech.key.format(name=name, number=chance.randrange(10_000, 100_000)) for name in people]
    made = tuple(_document(embedder, speech, key, room, chance) for key in keys)
    asked = chance.sample(range(documents), min(questions, documents))
    return Trial(made, tuple(speech.ask.format(name=people[n]) for n in asked), tuple(asked))


def _document(embedder: "Embedder", speech: Speech, key: str, room: int, chance: random.Random) -> str:
    """The key at a random place among as many sentences as fit."""
    counted = [len(embedder.engine.encode(sentence + speech.joint)) for sentence in speech.filler]
    left = room - ROOM - len(embedder.engine.encode(key + speech.joint))
    sentences: list[str] = []
    start = chance.randrange(len(counted))
    while left >= (tokens := counted[(start + len(sentences)) % len(counted)]):
        sentences.append(speech.filler[(start + len(sentences)) % len(counted)])
        left -= tokens
    sentences.insert(chance.randint(0, len(sentences)), key)
    return speech.joint.join(sentences)


def passkey(
    embedder: "Embedder", languages: Sequence[Language] = ("en", "zh"), *, longest: int = 0,
    documents: int = DOCUMENTS, questions: int = QUESTIONS, seed: int = 0, stop: Event | None = None,
) -> Iterator[Cell]:  # fmt: skip
    """A cell for each language and length, as they come; `longest` 0 is the model's context.

    The method's own limit is lifted to the length: what is tested is how far the model carries, not where it is cut.
    """
    if documents < 2 or documents > len(SPEECH["en"].first) * len(SPEECH["en"].last):
        raise ValueError(f"2 to {len(SPEECH['en'].first) * len(SPEECH['en'].last)} documents, not {documents}")
    most = min(longest or embedder.engine.context, embedder.engine.context)
    for language in languages:
        for length in lengths(most):
            wide = embedder.limited(length)
            made = trial(wide, language, length, documents=documents, questions=questions, seed=seed)
            right = _right(wide, made, stop)
            yield Cell(embedder.method.name, language, length, bootstrap(right), len(right))


def _right(embedder: "Embedder", made: Trial, stop: Event | None) -> list[float]:
    parts = []
    for start in range(0, len(made.documents), BATCH):
        if stop is not None and stop.is_set():
            raise Stopped(f"stopped after {start} of {len(made.documents)} documents")
        parts.append(embedder.documents(made.documents[start : start + BATCH]))
    scores = embedder.queries(made.questions) @ np.concatenate(parts).T
    return [float(best == answer) for best, answer in zip(scores.argmax(1), made.answers, strict=True)]
