import threading

import numpy as np
import pytest

from embedder import HashEngine, open_embedder
from indexer.evaluate import Stopped
from indexer.passkey import SPEECH, lengths, passkey, trial


@pytest.fixture(scope="module")
def wide():
    return open_embedder("hash", "mean", engine=HashEngine(dim=128, context=700))


def test_lengths_double_up_to_the_models_limit():
    assert lengths(2048) == [256, 512, 1024, 2048]
    assert lengths(700) == [256, 512, 700] and lengths(100) == [100]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("length", [256, 700])
def test_documents_fill_their_length_and_nothing_is_cut(wide, language, length):
    limited = wide.limited(length)
    made = trial(limited, language, length, documents=6, questions=4, seed=1)
    for prompt in limited.prompts("document", made.documents):
        assert not prompt.cut and length * 0.75 < len(prompt.ids) <= length
    for question, answer in zip(made.questions, made.answers, strict=True):
        name = next(
            name
            for last in SPEECH[language].last
            for first in SPEECH[language].first
            if (name := SPEECH[language].name.format(first=first, last=last)) in question
        )
        assert [n for n, text in enumerate(made.documents) if name in text] == [answer]


def test_the_same_seed_makes_the_same_trial_and_the_key_moves(wide):
    one, again = (trial(wide.limited(256), "en", 256, documents=8, questions=8, seed=3) for _ in range(2))
    assert one == again
    places = {text.index("pass key") * 10 // len(text) for text in one.documents}
    assert len(places) > 2


class Reader:
    """Knows every name it meets in the part of a text that it reads, `sight` of it from the beginning, and no more."""

    def __init__(self, embedder, sight):
        self.method, self.engine, self.sight, self.embedder = embedder.method, embedder.engine, sight, embedder

    def limited(self, tokens):
        return Reader(self.embedder.limited(tokens), self.sight)

    def room(self, side):
        return self.embedder.room(side)

    def documents(self, texts):
        return np.array([[name in text[: int(self.sight * len(text))] for name in NAMES] for text in texts], float)

    def queries(self, texts):
        return np.array([[name in text for name in NAMES] for text in texts], float)


NAMES = [
    speech.name.format(first=first, last=last)
    for speech in SPEECH.values()
    for last in speech.last
    for first in speech.first
]


def test_who_reads_all_is_always_right_and_who_reads_half_about_half_the_time(wide):
    whole = list(passkey(Reader(wide, 1.0), documents=100, questions=50))
    assert [(cell.language, cell.length) for cell in whole] == [(x, n) for x in ("en", "zh") for n in (256, 512, 700)]
    assert {cell.accuracy.value for cell in whole} == {1.0} and {cell.questions for cell in whole} == {50}
    half = list(passkey(Reader(wide, 0.5), documents=100, questions=50))
    assert all(0.3 < cell.accuracy.value < 0.75 and cell.accuracy.low < cell.accuracy.high for cell in half)


def test_it_can_be_stopped_and_asked_for_too_much(wide):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        list(passkey(wide, stop=stop))
    with pytest.raises(ValueError, match="documents"):
        list(passkey(wide, documents=1))
