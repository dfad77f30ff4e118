"""A query in, hits out: the two legs, their fusion, the passages. Reads the catalogue and the views, writes nothing."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer import fuse, spaces, words
from indexer.catalogue import Catalogue
from indexer.fuse import Fusion
from indexer.library import kinds
from indexer.records import MODES, Filters, Found, Hit, Leg
from indexer.scan import stored
from indexer.view import View, selector

if TYPE_CHECKING:
    from embedder.embedder import Embedder

LOG = logging.getLogger(__name__)
DEPTH = 200  # candidates of each leg: what lies deeper in one leg rarely rises by the other
KEPT = 16  # filters whose selectors are kept


@dataclass(slots=True)
class Trace:
    """What one search collects on its way: notes for the reader, seconds for each step."""

    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note how long a step takes."""
        started = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - started


@dataclass(slots=True)
class _Ask:
    """One search under way."""

    query: str
    embedder: "Embedder | None"
    top: int
    mode: str
    filters: Filters
    fusion: Fusion
    trace: Trace
    vector: np.ndarray | None = None
    space: int | None = None
    match: words.Match | None = None

    @property
    def depth(self) -> int:
        """How many candidates each leg gives."""
        return max(DEPTH, 2 * self.top) if self.mode == "hybrid" else self.top


class Searcher:
    """Searches one collection; safe from any number of threads."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        """`folder` is where the views are cached."""
        self.catalogue, self.folder = catalogue, folder
        self._views: dict[int, View] = {}
        self._selectors: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._saver: threading.Thread | None = None

    def view(self, space: int, dim: int) -> View:
        """The view of a space, the same one for every thread."""
        known = self._views.get(space)
        return known or self._views.setdefault(space, View(space, dim, self.folder / f"space-{space}.faiss"))

    def rewrite(self, space: int, dim: int) -> None:
        """Save a view again if it was ever saved, so that vectors that have left are not in its file either."""
        view = self.view(space, dim)
        if view.file.exists():
            with self.catalogue.read() as connection:
                view.refresh(connection)
            view.save()

    def _keep(self, view: View) -> None:
        """Save a view that has changed much, beside the searches; the process ends only after that."""
        if view.worth_saving and not (self._saver and self._saver.is_alive()):
            self._saver = threading.Thread(target=_save, args=(view,), name=f"twofold-view-{view.space}")
            self._saver.start()

    def close(self) -> None:
        """Wait for what is being saved."""
        if self._saver is not None:
            self._saver.join()

    def drop(self, space: int) -> None:
        """Forget the view of a space that has gone."""
        view = self._views.pop(space, None) or View(space, 1, self.folder / f"space-{space}.faiss")
        view.forget()

    def search(
        self, query: str, embedder: "Embedder | None", *, top: int = 10, mode: str = "hybrid", instruction: str = "",
        filters: Filters | None = None, query_vector: np.ndarray | None = None, fusion: Fusion = fuse.DEFAULT,
    ) -> Found:  # fmt: skip
        """The passages that answer a query best."""
        if not query.strip():
            raise ValueError("the query is empty: type a few words or a question")
        if mode not in MODES or top < 1:
            raise ValueError(f"mode is one of {', '.join(MODES)} and top at least 1; got {mode!r} and {top}")
        ask = _Ask(query, embedder, top, mode, filters or Filters(), fusion, Trace(), query_vector)
        if mode != "words":
            self._encode(ask, instruction)
        with self.catalogue.read() as connection:
            dense = self._dense(connection, ask) if ask.vector is not None else {}
            lexical = self._words(connection, ask) if mode != "dense" else {}
            return self._found(connection, ask, lexical, dense)

    def _encode(self, ask: _Ask, instruction: str) -> None:
        if ask.embedder is None:
            ask.vector = None
            ask.trace.notes.append("the dense leg did not run: no model is loaded")
        elif ask.vector is None:
            with ask.trace.timed("query"):
                ask.vector = ask.embedder.queries([ask.query], instruction=instruction)[0]

    def _dense(self, connection: Connection, ask: _Ask) -> dict[int, float]:
        assert ask.embedder is not None and ask.vector is not None
        ask.space = spaces.find(connection, ask.embedder.fingerprint)
        if ask.space is None:
            name = f"{ask.embedder.method.name} on {ask.embedder.engine.name}"
            ask.trace.notes.append(f"the dense leg did not run: this collection has no vectors of {name} yet")
            return {}
        view = self.view(ask.space, ask.embedder.dim)
        with ask.trace.timed("refresh"):
            mark = view.refresh(connection)
            self._keep(view)
        allowed = self._allowed(connection, ask.filters, mark) if ask.filters else None
        with ask.trace.timed("dense"):
            near = view.search(ask.vector, ask.depth, allowed)
        if len(near.ids) < ask.depth and (missing := _missing(connection, len(view))):
            ask.trace.notes.append(f"{missing} passages have no vector in this space yet: only words can find them")
        return dict(zip(near.ids.tolist(), near.scores.tolist(), strict=True))

    def _words(self, connection: Connection, ask: _Ask) -> dict[int, float]:
        with ask.trace.timed("words"):
            if not words.terms(ask.query):
                ask.trace.notes.append("the words leg did not run: the query has no word to look for")
                return {}
            ask.match = words.affordable(connection, ask.query)
            clause, values = allowed_sql(ask.filters)
            return dict(words.search(connection, ask.match, ask.depth, within=clause, values=values))

    def _found(self, connection: Connection, ask: _Ask, lexical: dict[int, float], dense: dict[int, float]) -> Found:
        with ask.trace.timed("fuse"):
            fused = ask.fusion(lexical, dense) if lexical and dense else lexical or dense
            best = fuse.best(fused, ask.top)
        with ask.trace.timed("fetch"):
            shown = [chunk for chunk, _ in best]
            scored = lexical, dense
            if lexical and dense:
                unseen = [chunk for chunk in shown if chunk not in lexical]
                scored = (
                    lexical | words.scores(connection, ask.match, unseen),
                    dense | self._cosines(connection, ask, shown),
                )
            hits = self._hits(connection, best, _legs(shown, (lexical, dense), scored), ask.filters)
        wanted = ask.filters.kind
        if not hits and wanted and (there := kinds(connection)) and wanted not in there:
            ask.trace.notes.append(f"no document is of kind {wanted!r}; there are {', '.join(there)}")
        return Found(hits, tuple(ask.trace.notes), ask.trace.seconds)

    def _cosines(self, connection: Connection, ask: _Ask, chunks: Sequence[int]) -> dict[int, float]:
        """Exact cosines, also of passages that only their words brought here."""
        assert ask.vector is not None
        query = ask.vector
        columns = select(c.vector.c.chunk_id, c.vector.c.data)
        wanted = columns.where(c.vector.c.chunk_id.in_(chunks), c.vector.c.space_id == ask.space)
        return {chunk: float(np.frombuffer(data, np.float16) @ query) for chunk, data in connection.execute(wanted)}

    def _allowed(self, connection: Connection, filters: Filters, mark: Any) -> Any:
        key = (filters, mark)
        if key not in self._selectors:
            clause, values = allowed_sql(filters)
            ids = connection.execute(text(clause), values).scalars().all()
            self._selectors[key] = selector(np.asarray(ids, np.int64))
            while len(self._selectors) > KEPT:
                self._selectors.popitem(last=False)
        return self._selectors[key]

    def _hits(
        self,
        connection: Connection,
        best: Sequence[tuple[int, float]],
        legs: dict[int, dict[str, Leg]],
        filters: Filters,
    ) -> list[Hit]:
        rows = _passages(connection, [chunk for chunk, _ in best])
        paths = _paths(connection, {row.document_id for row in rows.values()}, filters)
        hits: list[Hit] = []
        for chunk, score in best:
            if (row := rows.get(chunk)) is None:
                continue
            path, *also = paths[row.document_id]
            hits.append(Hit(
                rank=len(hits) + 1, score=score, chunk=chunk, document=row.document_id, path=path, also=tuple(also),
                page=row.page, start=row.start, end=row.end, text=row.body, legs=legs[chunk], kind=row.kind,
                title=row.title,
            ))  # fmt: skip
        return hits


def _save(view: View) -> None:
    try:
        view.save()
    except OSError as error:  # a full disk must not cost a search: the view is made from SQL the next time
        LOG.warning("the view of space %s could not be saved: %s", view.space, error)


def _legs(
    shown: Sequence[int],
    ranked: tuple[dict[int, float], dict[int, float]],
    scored: tuple[dict[int, float], dict[int, float]],
) -> dict[int, dict[str, Leg]]:
    """For each hit what each leg said: ranks among the candidates, scores also where it was none."""
    names = ("words", "dense")
    ranks = [fuse.ranks(leg) for leg in ranked]
    return {
        chunk: {
            name: Leg(rank.get(chunk), leg.get(chunk)) for name, rank, leg in zip(names, ranks, scored, strict=True)
        }
        for chunk in shown
    }


def _missing(connection: Connection, there: int) -> int:
    return max((connection.execute(select(func.count()).select_from(c.chunk)).scalar() or 0) - there, 0)


_BODY = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start).label("body")
# Built once: making a statement takes longer than running it.
_PASSAGES = (
    select(c.chunk.c.id, c.chunk.c.document_id, c.chunk.c.page, c.chunk.c.start, c.chunk.c.end)
    .add_columns(c.document.c.kind, c.document.c.title, _BODY)
    .join(c.document)
    .where(c.chunk.c.id.in_(bindparam("chunks", expanding=True)))
)
_PATHS = (
    select(c.path.c.document_id, c.path.c.path)
    .where(c.path.c.document_id.in_(bindparam("documents", expanding=True)))
    .order_by(c.path.c.path)
)


def _passages(connection: Connection, chunks: Sequence[int]) -> dict[int, Any]:
    return {row.id: row for row in connection.execute(_PASSAGES, {"chunks": chunks})}


def _paths(connection: Connection, documents: set[int], filters: Filters) -> dict[int, list[str]]:
    """The paths of documents, those that pass the filters first."""
    found: dict[int, list[str]] = {}
    for document, path in connection.execute(_PATHS, {"documents": list(documents)}):
        found.setdefault(document, []).append(path)
    prefix = stored(filters.path)
    return {document: sorted(paths, key=lambda path: not path.startswith(prefix)) for document, paths in found.items()}


def allowed_sql(filters: Filters) -> tuple[str, dict[str, object]]:
    """A subquery of the chunk ids that pass the filters, and its values; "" where all pass."""
    since, until = filters.span_ns()
    clauses, values = [], dict[str, object]()
    if filters.path:
        clauses.append("p.path >= :prefix AND p.path < :beyond")
        values |= {"prefix": stored(filters.path), "beyond": stored(filters.path) + "\U0010ffff"}
    if filters.kind:
        clauses.append("d.kind = :kind")
        values["kind"] = filters.kind
    if since is not None:
        clauses.append("p.mtime_ns >= :since")
        values["since"] = since
    if until is not None:
        clauses.append("p.mtime_ns < :until")
        values["until"] = until
    if not clauses:
        return "", {}
    held = f"SELECT d.id FROM path p JOIN document d ON d.id = p.document_id WHERE {' AND '.join(clauses)}"
    return f"SELECT id FROM chunk WHERE document_id IN ({held})", values
