"""A question and its hits become an answer with citations, piece by piece. It knows no page, no SQL and no thread.

Two styles: "quote" shows the sentences of the hits that answer, every word a span of a source; "write" lets the
backbone write from the hits and then finds the passage each sentence rests on. Either may say: not in your files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from app.conversation import Budget, Turn, leans_on, messages, unknown
from app.quote import Sentence, choose
from app.support import rests, without_marks
from app.terms import terms

if TYPE_CHECKING:
    from embedder.embedder import Embedder
    from embedder.engine import Message
    from indexer import Citation, Found, Hit

Style = Literal["quote", "write"]
REFUSE_AT = 0.35  # the doubt from which a question is refused; see `refuses` for how it was chosen
HITS_WRITTEN_FROM = 6
BLANK_STEPS = 12  # so many steps without a visible letter, and a writer is given up


class Author(Protocol):
    """A model that writes and can count what it reads: an engine that is a Writer too."""

    context: int

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text."""

    def shorten(self, text: str, tokens: int) -> str:
        """The longest prefix of at most so many tokens."""

    def stream(self, messages: Sequence[Message], *, stop: threading.Event, max_tokens: int) -> Iterator[str]:
        """What follows the messages, piece by piece, until `stop` is set."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next characters of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `unsupported` are spans of it that no passage was found for."""

    text: str
    style: Style
    refused: bool = False
    stopped: bool = False
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    seconds_to_first_token: float = 0.0


def answer(
    question: str,
    found: Found,
    *,
    writer: Author | None = None,
    embedder: Embedder | None = None,
    style: Style = "quote",
    history: Sequence[Turn] = (),
    budget: Budget | None = None,
    p_value: float | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Piece | Answer]:
    """Pieces as they come, then the Answer they make; nothing is asked of the model before the first piece is."""
    if style not in get_args(Style):
        raise ValueError(f"style {style!r} is not one of {', '.join(get_args(Style))}")
    if style == "write" and writer is None:
        raise ValueError("style 'write' needs a model that writes; this one does not: use style 'quote'")
    begun = time.perf_counter()
    stop = stop or threading.Event()
    if refuses(question, found, p_value):
        steps = _refused(question, style)
    elif style == "write" and writer is not None:
        steps = _written(question, found.hits, writer, embedder, history, budget, stop)
    else:
        steps = _quoted(question, found.hits, embedder, history, stop)
    return _timed(steps, begun)


def refuses(question: str, found: Found, p_value: float | None) -> bool:
    """Whether the files seem not to hold an answer: nothing found, or much doubt.

    REFUSE_AT is the lowest value, in steps of 0.05, that refused at most 2% of 800 questions that four collections
    answer (`benchmarks/answers.py` makes this choice for one of them, and judges it on other questions): 1.9% of them,
    and 46% of 400 questions about other files, with the bundled model. So it knows questions about other things; one
    that a passage here nearly answers it does not tell apart, and the quote shows how near it is.
    """
    return not found.hits or (p_value is not None and doubt(question, found, p_value) >= REFUSE_AT)


def doubt(question: str, found: Found, p_value: float) -> float:
    """How often unrelated questions score as well, times the part of the question's terms no hit repeats, 0 to 1.

    Either alone is weak: a strange word lowers every cosine, and a question in other words than the text repeats none.
    """
    return p_value * (1 - covered(question, found))


def covered(question: str, found: Found) -> float:
    """The largest share of the question's terms that one of the hits repeats, 0 to 1."""
    wanted = {term.text for term in terms(question)}
    held = ({term.text for term in terms(hit.text)} for hit in found.hits[:HITS_WRITTEN_FROM])
    return max((len(wanted & words) / len(wanted) for words in held), default=0.0) if wanted else 0.0


def _timed(steps: Iterator[Piece | Answer], begun: float) -> Iterator[Piece | Answer]:
    first = 0.0
    for step in steps:
        first = first or time.perf_counter() - begun
        yield replace(step, seconds_to_first_token=first) if isinstance(step, Answer) else step


def _refused(question: str, style: Style) -> Iterator[Piece | Answer]:
    text = unknown(question)
    yield Piece(text)
    yield Answer(text, style, refused=True)


def _quoted(
    question: str,
    hits: Sequence[Hit],
    embedder: Embedder | None,
    history: Sequence[Turn],
    stop: threading.Event,
) -> Iterator[Piece | Answer]:
    text = ""
    citations: list[Citation] = []
    for sentence in choose(question, hits, embedder, before=leans_on(question, history)):
        if stop.is_set():
            break
        gap = "\n\n" if text else ""
        citations.append(_cite(len(citations) + 1, sentence, len(text + gap), len(text + gap + sentence.text)))
        text += gap + sentence.text
        yield Piece(gap + sentence.text)
    yield Answer(text, "quote", stopped=stop.is_set(), citations=tuple(citations))


def _written(
    question: str,
    hits: Sequence[Hit],
    writer: Author,
    embedder: Embedder | None,
    history: Sequence[Turn],
    budget: Budget | None,
    stop: threading.Event,
) -> Iterator[Piece | Answer]:
    budget = budget or Budget.of(writer.context)
    talk, used = messages(question, hits[:HITS_WRITTEN_FROM], history, budget, _counter(writer), writer.shorten)
    written, waited = "", 0
    for text in writer.stream(talk, stop=stop, max_tokens=budget.reply):
        written += text
        waited += not written.strip()
        if waited > BLANK_STEPS:
            break
        if written.strip():
            yield Piece(text)
    if written.strip() or stop.is_set():
        yield _supported(question, written, used, embedder, stopped=stop.is_set())
    else:  # a model that embeds well may have nothing to say; its quotes are worth more than an empty answer
        yield from _quoted(question, hits, embedder, history, stop)


def _counter(writer: Author) -> Callable[[str], int]:
    return lambda text: len(writer.encode(text))


def _supported(question: str, written: str, used: Sequence[Hit], embedder: Embedder | None, *, stopped: bool) -> Answer:
    """The written text less marks of its own, with a citation for every sentence that rests on a passage."""
    text = without_marks(written).strip()
    if text.startswith(unknown(question)[:-1]):
        return Answer(text, "write", refused=True, stopped=stopped)
    citations: list[Citation] = []
    bare: list[tuple[int, int]] = []
    for rest in rests(text, used, embedder):
        if rest.source is None:
            bare.append((rest.start, rest.end))
        else:
            citations.append(_cite(len(citations) + 1, rest.source, rest.start, rest.end))
    return Answer(text, "write", stopped=stopped, citations=tuple(citations), unsupported=tuple(bare))


def _cite(ordinal: int, sentence: Sentence, answer_start: int, answer_end: int) -> Citation:
    from indexer import Citation

    hit = sentence.hit
    return Citation(
        ordinal=ordinal, chunk=hit.chunk, document=hit.document, path=hit.path, page=hit.page, start=sentence.start,
        end=sentence.end, text=sentence.text, answer_start=answer_start, answer_end=answer_end,
    )  # fmt: skip
