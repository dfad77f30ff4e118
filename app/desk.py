"""Answers under way: each is searched for and written by a thread of its own, into a buffer that any page can read.

A page that is reloaded, or a second tab, finds the answer by its row and the text so far in the buffer; what is
finished lives in the collection alone. It knows no page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from app.answer import Answer, Style, answer
from app.conversation import Turn, standalone
from app.rerank import rerank
from app.saved import p_value, retrieved, save
from app.worker import Priority
from indexer import Filters

if TYPE_CHECKING:
    from app.answer import Author
    from app.runtime import Runtime
    from embedder.embedder import Embedder
    from indexer import Collection, Found

LOG = logging.getLogger(__name__)
Phase = Literal["loading", "searching", "writing", "done", "stopped", "failed"]
SAVE_SECONDS = 2.0  # a killed process loses at most so much of an answer


@dataclass(frozen=True, slots=True)
class Ask:
    """A question and how it is to be answered."""

    question: str
    conversation: int | None = None
    style: Style = "quote"
    top: int = 8
    mode: str = "hybrid"
    method: str = ""
    instruction: str = ""
    filters: Filters = field(default_factory=Filters)
    rerank: bool = False


@dataclass(slots=True)
class Buffer:
    """What there is of one answer; only its own thread writes, anybody reads."""

    ask: Ask
    text: str = ""
    phase: Phase = "loading"
    reason: str = ""
    begun: float = field(default_factory=time.monotonic)
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Desk:
    """Where answers are asked for, read while they grow, and stopped."""

    def __init__(self, runtime: Runtime, collection: Collection, embedder: Callable[[str], Embedder]) -> None:
        """`embedder` gives the resident model under a method, "" for the default one."""
        self._runtime = runtime
        self._embedder = embedder
        self._collection = collection
        self._buffers: dict[int, Buffer] = {}
        self._lock = threading.Lock()

    def ask(self, ask: Ask, history: Sequence[Turn] = ()) -> int:
        """Begin an answer; its row, with the question, is there when this returns."""
        number = self._collection.answers.start(
            ask.question, conversation=ask.conversation, style=ask.style, model=self._runtime.state.model,
            method=ask.method, instruction=ask.instruction,
        )  # fmt: skip
        buffer = Buffer(ask)
        with self._lock:
            self._buffers[number] = buffer
        given = (number, buffer, tuple(history))
        threading.Thread(target=self._run, args=given, name=f"twofold-answer-{number}", daemon=True).start()
        return number

    def buffer(self, number: int) -> Buffer | None:
        """The answer while it is under way in this process."""
        return self._buffers.get(number)

    def stop(self, number: int) -> None:
        """End an answer where it is; what is written stays."""
        buffer = self._buffers.get(number)
        if buffer is not None:
            buffer.stop.set()

    def wait(self, number: int, timeout_s: float = 60.0) -> bool:
        """Until an answer is over; False if that took too long."""
        buffer = self._buffers.get(number)
        return buffer is None or buffer.over.wait(timeout_s)

    def _run(self, number: int, buffer: Buffer, history: Sequence[Turn]) -> None:
        try:
            self._answer(number, buffer, history)
        except Exception as error:  # the page shows the reason beside the question
            LOG.warning("answer %s: %s", number, error, exc_info=True)
            buffer.phase, buffer.reason = "failed", str(error) or type(error).__name__
            details = {"reason": buffer.reason}
            self._collection.answers.finish(number, buffer.text, state="failed", details=details)
        finally:
            buffer.over.set()
            with self._lock:
                self._buffers.pop(number, None)

    def _answer(self, number: int, buffer: Buffer, history: Sequence[Turn]) -> None:
        with self._runtime.holding():  # the model that writes must not leave between two words
            self._held(number, buffer, history)

    def _held(self, number: int, buffer: Buffer, history: Sequence[Turn]) -> None:
        ask = buffer.ask
        embedder = self._embedder(ask.method)
        buffer.phase = "searching"
        found = self._search(ask, history, embedder)
        odds = p_value(self._collection, embedder, found)
        buffer.phase = "writing"
        saved = time.monotonic()
        steps = self._runtime.stream(lambda: answer(
            ask.question, found, writer=writer_of(embedder), embedder=embedder, style=ask.style,
            history=history, p_value=odds, stop=buffer.stop,
        ))  # fmt: skip
        for step in steps:
            if isinstance(step, Answer):
                self._finish(number, buffer, found, step, odds)
                return
            buffer.text += step.text
            if time.monotonic() - saved > SAVE_SECONDS:
                self._collection.answers.finish(number, buffer.text, state="writing")
                saved = time.monotonic()

    def _search(self, ask: Ask, history: Sequence[Turn], embedder: Embedder) -> Found:
        question = standalone(ask.question, history)
        found = self._collection.search(
            question, embedder, top=ask.top, mode=ask.mode, instruction=ask.instruction, filters=ask.filters
        )
        writer: Any = writer_of(embedder)
        if not ask.rerank or writer is None:
            return found
        moved = self._runtime.submit(Priority.ANSWER, lambda: rerank(question, found.hits, writer)).result()
        return replace(found, hits=moved)

    def _finish(self, number: int, buffer: Buffer, found: Found, whole: Answer, odds: float | None) -> None:
        details = {
            "seconds": round(time.monotonic() - buffer.begun, 3),
            "p_value": odds,
            "notes": list(found.notes),
            "retrieved": retrieved(found),
        }
        save(self._collection, number, whole, details)
        buffer.phase = "stopped" if whole.stopped else "done"


def writer_of(embedder: Embedder) -> Author | None:
    """The resident model as a writer; None where it only embeds."""
    engine: Any = embedder.engine
    return cast("Author", engine) if hasattr(engine, "stream") and getattr(engine, "writes", True) else None
