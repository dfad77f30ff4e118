"""Which FAISS index a view uses: exact while that is fast enough, inverted lists above, a GPU copy where there is one.

faiss is asked for GPUs by `getattr`: the CPU build has no such function.
"""

from typing import Any

import numpy as np

EXACT = 200_000  # vectors; an exact pass over so many takes some 20 ms on a laptop
RECALL = 0.98  # of the ten exact neighbours, how many the lists must find
SAMPLE = 200  # queries the recall is measured on
GROWN = 1.5  # lists are made anew when a view has grown by so much since


def library() -> Any:
    """faiss, imported when it is first wanted: it takes a quarter second, and words need none of it."""
    import faiss

    return faiss


def make(dim: int) -> Any:
    """An empty exact index."""
    faiss = library()
    return faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT))


def lists(index: Any) -> Any:
    """The inverted lists inside an index, None in an exact one."""
    faiss = library()
    inner = faiss.downcast_index(index.index)
    return inner if isinstance(inner, faiss.IndexIVFScalarQuantizer) else None


def fit(index: Any, dim: int, exact: int, recall: float | None) -> tuple[Any, float | None]:
    """The index its size asks for, with the recall it reached (None: exact)."""
    inner = lists(index)
    if index.ntotal <= exact:
        return (index, None) if inner is None else (_exact(index, dim), None)
    if inner is None or index.ntotal > GROWN * _trained_on(inner):
        return _listed(index, dim)
    return index, recall


def _trained_on(inner: Any) -> float:
    return float((inner.nlist / 4) ** 2)  # the inverse of how many lists `_listed` makes


def vectors(index: Any) -> tuple[np.ndarray, np.ndarray]:
    """All ids and vectors of an index, as (n,) and (n, dim) float32."""
    faiss = library()
    inner = lists(index)
    if inner is not None:
        inner.make_direct_map()
    rows = index.index.reconstruct_n(0, index.ntotal)
    if inner is not None:
        inner.set_direct_map_type(faiss.DirectMap.NoMap)
    return faiss.vector_to_array(index.id_map).copy(), rows


def _exact(index: Any, dim: int) -> Any:
    ids, rows = vectors(index)
    fresh = make(dim)
    fresh.add_with_ids(rows, ids)
    return fresh


def _listed(index: Any, dim: int) -> tuple[Any, float]:
    """Inverted lists over the same vectors: 4 sqrt(n) of them, as many visited as the recall wants."""
    faiss = library()
    ids, rows = vectors(index)
    count = int(4 * len(ids) ** 0.5)
    coarse = faiss.IndexFlatIP(dim)
    inner = faiss.IndexIVFScalarQuantizer(
        coarse, dim, count, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    chance = np.random.default_rng(0)
    inner.train(rows[chance.choice(len(rows), min(len(rows), 40 * count), replace=False)])
    fresh = faiss.IndexIDMap(inner)
    fresh.add_with_ids(rows, ids)
    coarse.this.disown()
    inner.own_fields = True
    inner.this.disown()
    fresh.own_fields = True
    return fresh, _visit(fresh, _probes(rows, chance))


def _probes(rows: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Query-like vectors: real ones lie near documents but are none, so each is a document moved towards another."""
    pairs = rows[chance.choice(len(rows), (SAMPLE, 2))]
    mixed = 0.7 * pairs[:, 0] + 0.3 * pairs[:, 1]
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def _visit(index: Any, probes: np.ndarray) -> float:
    """Visit more lists until the recall is reached; the recall."""
    inner = lists(index)
    inner.nprobe = inner.nlist
    exact = index.search(probes, 10)[1]
    visited, found = 8, 0.0
    while found < RECALL and visited < inner.nlist:
        visited = min(2 * visited, inner.nlist)
        inner.nprobe = visited
        near = index.search(probes, 10)[1]
        found = float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, near, strict=True)]))
    return found


def gpu_copy(index: Any) -> Any:
    """A copy of an exact index on the first GPU; None where there is none or it does not fit."""
    faiss = library()
    if not getattr(faiss, "get_num_gpus", lambda: 0)() or lists(index) is not None or not index.ntotal:
        return None
    try:
        options = faiss.GpuClonerOptions()
        options.useFloat16 = True
        copy = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index.index, options)
    except (RuntimeError, MemoryError):
        return None
    return copy


def reachable(index: Any, gpu: Any, query: np.ndarray, top: int, allowed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores and ids, (1, top) each, from the GPU copy where that can answer; id -1 where there are fewer."""
    faiss = library()
    if gpu is not None and allowed is None and top <= 2048:  # the most a GPU index returns
        scores, rows = gpu.search(query, top)
        names = faiss.vector_to_array(index.id_map)
        return scores, np.where(rows < 0, -1, names[rows])
    if allowed is None:
        found = index.search(query, top)
    elif lists(index) is not None:
        found = index.search(query, top, params=faiss.SearchParametersIVF(sel=allowed, nprobe=lists(index).nlist))
    else:
        found = index.search(query, top, params=faiss.SearchParameters(sel=allowed))
    return found[0], found[1]
