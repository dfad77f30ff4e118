"""Answers with their citations, as rows: (answer, ordinal, chunk, span), to be reopened after any restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Row

from indexer import catalogue as c
from indexer.catalogue import Catalogue

TITLE = 80  # characters of a conversation's title


@dataclass(frozen=True, slots=True)
class Citation:
    """Characters answer_start:answer_end of an answer rest on start:end of a document, which read `text`.

    `there`: the document is still in the collection.
    """

    ordinal: int
    chunk: int
    document: int
    path: str
    page: str
    start: int
    end: int
    text: str
    answer_start: int = 0
    answer_end: int = 0
    there: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with what was answered; `state` is "writing", "done" or "stopped"."""

    id: int
    conversation: int
    question: str
    text: str
    state: str
    refused: bool
    style: str
    model: str
    method: str
    instruction: str
    created: str
    details: dict[str, Any]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions and answers that follow on each other."""

    id: int
    title: str
    created: str


class Answers:
    """The answers of one collection."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Rows live in the collection's catalogue."""
        self.catalogue = catalogue

    def start(
        self, question: str, *, conversation: int | None = None, style: str = "", model: str = "", method: str = "",
        instruction: str = "",
    ) -> int:  # fmt: skip
        """A new answer, before its first word, so that a question is never lost; its id."""
        with self.catalogue.write() as connection:
            if conversation is None:
                made = connection.execute(insert(c.conversation).values(title=question[:TITLE], created=c.now()))
                conversation = c.new_id(made)
            row = connection.execute(insert(c.answer).values(
                conversation_id=conversation, question=question, state="writing", style=style, model=model,
                method=method,
                instruction=instruction, created=c.now(), details={},
            ))  # fmt: skip
            return c.new_id(row)

    def finish(
        self, answer: int, text: str, citations: Sequence[Citation] = (), *, refused: bool = False, state: str = "done",
        details: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Store what was written and what it rests on, replacing what was stored before."""
        values = {"text": text, "refused": refused, "state": state, "details": details or {}}
        with self.catalogue.write() as connection:
            connection.execute(update(c.answer).where(c.answer.c.id == answer).values(**values))
            connection.execute(delete(c.citation).where(c.citation.c.answer_id == answer))
            if citations:
                connection.execute(insert(c.citation), [_values(answer, one) for one in citations])

    def get(self, answer: int) -> Answer:
        """One answer; LookupError where there is none."""
        found = self._read(c.answer.c.id == answer)
        if not found:
            raise LookupError(f"no answer {answer} in this collection")
        return found[0]

    def of(self, conversation: int) -> list[Answer]:
        """The answers of a conversation, first to last."""
        return self._read(c.answer.c.conversation_id == conversation)

    def conversations(self, limit: int = 50) -> list[Conversation]:
        """Conversations, newest first."""
        wanted = select(c.conversation).order_by(c.conversation.c.id.desc()).limit(limit)
        with self.catalogue.read() as connection:
            return [Conversation(row.id, row.title, row.created) for row in connection.execute(wanted)]

    def title(self, conversation: int) -> str:
        """What a conversation is called, "" where there is none."""
        with self.catalogue.read() as connection:
            wanted = select(c.conversation.c.title).where(c.conversation.c.id == conversation)
            return connection.execute(wanted).scalar() or ""

    def rename(self, conversation: int, title: str) -> None:
        """Call a conversation something else than its first question; ValueError without a title."""
        if not title.strip():
            raise ValueError("a conversation needs a title: one word is enough")
        with self.catalogue.write() as connection:
            wanted = update(c.conversation).where(c.conversation.c.id == conversation)
            connection.execute(wanted.values(title=" ".join(title.split())[:TITLE]))

    def forget(self, conversation: int) -> None:
        """Remove a conversation with its answers."""
        with self.catalogue.write() as connection:
            connection.execute(delete(c.conversation).where(c.conversation.c.id == conversation))

    def _read(self, condition: Any) -> list[Answer]:
        with self.catalogue.read() as connection:
            rows = connection.execute(select(c.answer).where(condition).order_by(c.answer.c.id)).all()
            there = select(c.document.c.id).where(c.document.c.id == c.citation.c.document_id).exists().label("there")
            wanted = select(c.citation, there).where(c.citation.c.answer_id.in_([row.id for row in rows]))
            cited = connection.execute(wanted.order_by(c.citation.c.answer_id, c.citation.c.ordinal)).all()
        return [_answer(row, tuple(_citation(one) for one in cited if one.answer_id == row.id)) for row in rows]


def _values(answer: int, one: Citation) -> dict[str, Any]:
    return {
        "answer_id": answer, "ordinal": one.ordinal, "chunk_id": one.chunk, "document_id": one.document,
        "path": one.path,
        "page": one.page, "start": one.start, "end": one.end, "text": one.text,
        "details": {"answer_start": one.answer_start, "answer_end": one.answer_end},
    }  # fmt: skip


def _citation(row: Row[Any]) -> Citation:
    return Citation(
        ordinal=row.ordinal, chunk=row.chunk_id, document=row.document_id, path=row.path, page=row.page,
        start=row.start,
        end=row.end, text=row.text, there=bool(row.there), **(row.details or {}),
    )  # fmt: skip


def _answer(row: Row[Any], citations: tuple[Citation, ...]) -> Answer:
    return Answer(
        id=row.id, conversation=row.conversation_id, question=row.question, text=row.text, state=row.state,
        refused=row.refused, style=row.style, model=row.model, method=row.method, instruction=row.instruction,
        created=row.created, details=row.details or {}, citations=citations,
    )  # fmt: skip
