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
    """The index itself if it is made of inverted lists, None if it is exact."""
    inner = library().downcast_index(index)
    return inner if isinstance(inner, library().IndexIVFScalarQuantizer) else None


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


def ids(index: Any) -> np.ndarray:
    """All ids of an index, in no order."""
    if lists(index) is None:
        return np.asarray(library().vector_to_array(index.id_map), np.int64)
    filled = [n for n in range(index.nlist) if index.invlists.list_size(n)]
    return np.concatenate([np.empty(0, np.int64), *(_ids(index.invlists, n) for n in filled)])


def vectors(index: Any) -> tuple[np.ndarray, np.ndarray]:
    """All ids and vectors of an index, as (n,) and (n, dim) float32."""
    if lists(index) is None:
        return ids(index), index.index.reconstruct_n(0, index.ntotal)
    filled = [n for n in range(index.nlist) if index.invlists.list_size(n)]
    codes = [np.empty((0, index.d), np.float16), *(_codes(index.invlists, n, index.d) for n in filled)]
    return ids(index), np.concatenate(codes).astype(np.float32)


def _ids(inverted: Any, number: int) -> np.ndarray:
    faiss = library()
    return np.asarray(faiss.rev_swig_ptr(inverted.get_ids(number), inverted.list_size(number)), np.int64).copy()


def _codes(inverted: Any, number: int, dim: int) -> np.ndarray:
    """The codes of one list: they are the vectors themselves, in float16."""
    faiss = library()
    size = inverted.list_size(number)
    raw = np.asarray(faiss.rev_swig_ptr(inverted.get_codes(number), size * dim * 2), np.uint8)
    return raw.copy().view(np.float16).reshape(size, dim)


def _exact(index: Any, dim: int) -> Any:
    names, rows = vectors(index)
    fresh = make(dim)
    fresh.add_with_ids(rows, names)
    return fresh


def _listed(index: Any, dim: int) -> tuple[Any, float]:
    """Inverted lists over the same vectors: 4 sqrt(n) of them, as many visited as the recall wants."""
    faiss = library()
    names, rows = vectors(index)
    count = int(4 * len(names) ** 0.5)
    coarse = faiss.IndexFlatIP(dim)
    # Lists keep the chunk ids themselves: an IndexIDMap around them would confuse ids as soon as one is removed.
    fresh = faiss.IndexIVFScalarQuantizer(
        coarse, dim, count, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    chance = np.random.default_rng(0)
    fresh.train(rows[chance.choice(len(rows), min(len(rows), 40 * count), replace=False)])
    fresh.add_with_ids(rows, names)
    coarse.this.disown()
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
