"""A GGUF file on llama.cpp embeds and writes as the folder it was made from, in every method and both attentions."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embedder import METHODS, Message, Prompt, Writer, combine, open_embedder, open_engine, probe
from embedder.engine import POCKET
from embedder.gguf_export import export_gguf
from tests import tiny
from tests.embedder.conftest import ODD_TEXTS
from tests.embedder.llama_kit import changed, lora, parts, write

ASK = [Message("user", "Who sat on the mat?")]
ROWS = [name for name in METHODS if name != "prompteol-icl"]  # which leaves no room on a tiny vocabulary
FAMILIES = ("llama", "qwen2", "qwen3", "mistral")
NEAR = 2e-3  # random weights this large make much of the last digits; the bundled model's are compared by their cosine
ALIKE = {"f32": 0.9999, "f16": 0.999, "q8_0": 0.99}
PARITY = [*tiny.TEXTS[:3], ODD_TEXTS["markers"], ODD_TEXTS["emoji"]]
LONG = "The cat sat on the mat and thought of nothing in particular. "


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each family that can be exported."""
    folder = tmp_path_factory.mktemp("gguf")
    return {family: write(folder, family) for family in FAMILIES}


@pytest.fixture(scope="module")
def pairs(files):
    """Each file's engine with that of the folder it was made from."""
    made = {name: (open_engine(str(file)), open_engine(str(file.parent / name))) for name, file in files.items()}
    yield made
    for ours, theirs in made.values():
        ours.close()
        theirs.close()


@pytest.fixture
def llama(pairs):
    return pairs["llama"][0]


@pytest.mark.parametrize("row", ROWS)
def test_every_method_gives_the_vectors_of_the_folder(pairs, row):
    ours, theirs = (combine(METHODS[row], engine) for engine in pairs["llama"])
    texts = [*tiny.TEXTS, *ODD_TEXTS.values()]
    np.testing.assert_allclose(ours.documents(texts), theirs.documents(texts), atol=NEAR)
    np.testing.assert_allclose(ours.queries(texts[:3]), theirs.queries(texts[:3]), atol=NEAR)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("causal", [True, False])
def test_every_family_gives_the_states_of_the_folder_in_both_attentions(pairs, family, causal):
    ours, theirs = pairs[family]
    row = METHODS["mean" if causal else "pocket"]
    np.testing.assert_allclose(
        combine(row, ours).documents(tiny.TEXTS), combine(row, theirs).documents(tiny.TEXTS), atol=NEAR
    )


@pytest.mark.parametrize("causal", [True, False])
def test_a_text_alone_and_among_two_hundred_others_has_the_same_vector(llama, causal):
    embedder = combine(METHODS["mean" if causal else "pocket"], llama)
    texts = [LONG[: 9 + n % 50] + str(n) for n in range(200)]
    together = embedder.documents(texts)
    for at in (0, 57, 199):
        np.testing.assert_allclose(together[at], embedder.documents([texts[at]])[0], atol=NEAR)


def test_nothing_leaks_from_later_tokens_and_bidirectional_attention_sees_them(llama):
    for padded in (False, True):
        assert not probe.leak(llama, causal=True, padded=padded)
        assert probe.leak(llama, causal=False, padded=padded)
        assert not probe.leak(llama, causal=True, padded=padded), "the other context has changed nothing"


def test_a_text_longer_than_a_call_is_read_in_parts(llama, monkeypatch):
    prompt = Prompt(tuple(llama.encode(LONG * 12)[:400]), (*(0.0,) * 99, 0.5, *(0.0,) * 299, 0.5))
    whole = llama.vectors([prompt], causal=True)
    monkeypatch.setattr("embedder.llama_cpp_engine.BATCH", 64)
    llama._embedding.pop(True).close()
    for _ in range(2):
        np.testing.assert_allclose(llama.vectors([prompt], causal=True), whole, atol=NEAR)
    early = Prompt(prompt.ids, (*(0.0,) * 70, 1.0, *(0.0,) * 329))
    short = Prompt(prompt.ids[:71], (*(0.0,) * 70, 1.0))
    np.testing.assert_allclose(*(llama.vectors([one], causal=True) for one in (early, short)), atol=NEAR)
    llama._embedding.pop(True).close()


@pytest.mark.parametrize("family", FAMILIES)
def test_writing_and_scores_are_those_of_the_folder(pairs, family):
    ours, theirs = pairs[family]
    stop = threading.Event()
    assert isinstance(ours, Writer) and ours.writes and ours.chats
    assert list(ours.stream(ASK, stop=stop, max_tokens=8)) == list(theirs.stream(ASK, stop=stop, max_tokens=8))
    assert list(ours.complete("The cat", stop=stop, max_tokens=8)) == list(
        theirs.complete("The cat", stop=stop, max_tokens=8)
    )
    assert ours.score("The cat", " sat on the mat") == pytest.approx(
        theirs.score("The cat", " sat on the mat"), abs=1e-3
    )
    assert ours.score("word " * 2000, "end") < 0


def test_two_answers_at_once_do_not_disturb_each_other_or_a_query_between(llama):
    stop = threading.Event()
    alone = list(llama.stream(ASK, stop=stop, max_tokens=8))
    first, second = (llama.stream(ASK, stop=stop, max_tokens=8) for _ in range(2))
    mixed: list[str] = []
    for piece, other in zip(first, second, strict=True):
        assert piece == other
        combine(METHODS["pocket"], llama).queries(["in between"])
        mixed.append(piece)
    assert mixed == alone


def test_a_stop_ends_it_at_the_next_token_and_closing_gives_the_context_back(llama):
    stop = threading.Event()
    pieces = llama.stream(ASK, stop=stop, max_tokens=50)
    next(pieces)
    stop.set()
    assert len(list(pieces)) <= 1
    pieces = llama.stream(ASK, stop=threading.Event(), max_tokens=50)
    next(pieces)
    kept = len(llama._writers)
    pieces.close()
    assert len(llama._writers) == kept + 1


def test_six_threads_at_once_get_what_each_would_get_alone(llama):
    texts = [f"text number {n} about cats" for n in range(20)]
    embedders = [combine(METHODS[row], llama) for row in ("mean", "pocket")]
    alone = [embedder.documents(texts) for embedder in embedders]
    written = list(llama.complete("The cat", stop=threading.Event(), max_tokens=10))

    def use(number):
        if number % 3 < 2:
            np.testing.assert_allclose(embedders[number % 3].documents(texts), alone[number % 3], atol=1e-6)
        else:
            assert list(llama.complete("The cat", stop=threading.Event(), max_tokens=10)) == written

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(use, range(18)))


def test_an_engine_that_is_closed_while_somebody_uses_it_says_so_and_still_reads_text(files):
    engine = open_engine(str(files["llama"]))
    combine(METHODS["mean"], engine)
    pieces = engine.stream(ASK, stop=threading.Event(), max_tokens=50)
    next(pieces)
    engine.close()
    assert engine.decode(engine.encode("text")) == "text"  # a collection is being read for it meanwhile
    for use in (lambda: next(pieces), lambda: engine.score("a", "b")):
        with pytest.raises(RuntimeError, match="closed meanwhile"):
            use()
    with pytest.raises(RuntimeError, match="closed meanwhile"):
        engine.vectors([Prompt((5,), (1.0,))], causal=True)
    engine.close()


def test_a_stop_ends_the_reading_of_a_prompt_too(llama):
    stop = threading.Event()
    writer = llama._writer(400)
    writer.stop = stop
    stop.set()
    assert len(writer.logits(llama.encode(LONG * 12)[:400], 0)) == 0
    llama._leave(writer)


def test_what_does_not_fit_is_refused_before_the_library_is_asked(llama):
    long = llama.encode(LONG * 40)
    prompt = Prompt(tuple(long[:513]), (*(0.0,) * 512, 1.0))
    for causal in (True, False):
        with pytest.raises(ValueError, match="513 tokens does not fit the context of 512"):
            llama.vectors([prompt], causal=causal)
    with pytest.raises(ValueError, match="leave no room to write in a context of 512"):
        llama.continue_ids(long[:600], stop=threading.Event(), max_tokens=5)
    context = llama._context(False, 300)
    with pytest.raises(ValueError, match="do not fit a call of 512"):  # there llama.cpp would end the process
        context.states([long[:300], long[:300]], [np.array([0]), np.array([0])])
    with pytest.raises(ValueError, match="not among the 400"):
        llama.vectors([Prompt((5, 400), (0.0, 1.0))], causal=True)
    assert llama.vectors([], causal=True).shape == (0, 32)


def test_an_adapter_counts_for_embedding_and_not_for_writing(tmp_path, files):
    base = tmp_path / "base.gguf"
    base.write_bytes(files["llama"].read_bytes())
    adapter = lora(tmp_path / "tuned.gguf")
    merged = changed(base, tmp_path / "merged.GGUF", lambda _, tensors: add(tensors, parts(adapter)))
    plain, tuned, whole = (open_engine(str(file)) for file in (base, adapter, merged))
    for row in ("mean", "pocket"):
        vectors = [combine(METHODS[row], engine).documents(tiny.TEXTS) for engine in (plain, tuned, whole)]
        assert np.abs(vectors[0] - vectors[1]).max() > 0.01
        np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-4)
    stop = threading.Event()
    texts = ["".join(engine.complete("The cat", stop=stop, max_tokens=12)) for engine in (plain, tuned)]
    assert texts[0] == texts[1]
    assert tuned.name == "tuned" and tuned.revision != plain.revision
    for engine in (plain, tuned, whole):
        engine.close()


def add(tensors, gains):
    for layer, gain in enumerate(gains):
        tensors[f"blk.{layer}.attn_output.weight"] += gain


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """The bundled model as a file in each number format."""
    folder = tmp_path_factory.mktemp("bundled")
    return {kind: export_gguf("pocket", folder / f"pocket-{kind}.gguf", kind) for kind in ALIKE}


@pytest.fixture(scope="module")
def wanted():
    """What the transformers engine gives for a few texts, by method."""
    engine = open_engine()
    fitting = [name for name in METHODS if name != "udever"]  # which wants tokens of its own
    rows = {name: open_embedder(method=name, engine=engine).documents(PARITY) for name in fitting}
    engine.close()
    return rows


@pytest.mark.parametrize("kind", ALIKE)
def test_the_bundled_model_is_alike_in_every_method_and_number_format(bundled, wanted, kind):
    file = str(bundled[kind])
    engine = open_engine(file)
    for name, rows in wanted.items():
        cosines = (open_embedder(file, name, engine=engine).documents(PARITY) * rows).sum(1)
        assert cosines.min() >= ALIKE[kind], name
    engine.close()


def test_the_card_in_a_file_picks_its_method(bundled):
    ours, theirs = open_embedder(str(bundled["q8_0"])), open_embedder()
    assert (ours.method, ours.limit, ours.chunk, ours.untrained) == (theirs.method, theirs.limit, theirs.chunk, False)
    assert (ours.engine.dtype, ours.engine.name) == ("q8_0", "pocket-q8_0")
    assert ours.fingerprint != theirs.fingerprint
    assert bundled["q8_0"].stat().st_size < 0.6 * (POCKET / "model.safetensors").stat().st_size
    ours.engine.close()


MEASURED = """
import sys, threading
from pathlib import Path
from embedder import METHODS, Message, combine, open_engine

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssFile"))) * 1024

def write():
    list(engine.complete("The roof of the Lantern", stop=threading.Event(), max_tokens=8))

empty = resident()
engine = open_engine(sys.argv[1])
write()
one = resident()
combine(METHODS["pocket"], engine).documents(["a short text about a lighthouse and its lamp"] * 100)
write()
print(empty, one, resident(), engine.bytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_embedding_beside_writing_costs_little_memory_more_than_writing_alone(bundled):
    words = [sys.executable, "-c", MEASURED, str(bundled["q8_0"])]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    empty, one, both, weights = map(int, said.split())
    assert one - empty > 0.9 * weights, "the weights are in memory"
    assert both <= 1.15 * one
