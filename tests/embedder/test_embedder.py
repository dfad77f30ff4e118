"""An embedder: a method on an engine, with a fingerprint that tells which vectors may meet."""

import json
import subprocess
import sys

import numpy as np
import pytest

import embedder
from embedder import METHODS, HashEngine, Method, combine, find_method, open_embedder, read_card
from embedder.card import Card
from embedder.probe import check, leak
from tests import tiny


def test_the_two_sides_give_unit_rows_in_order():
    model = open_embedder("hash", "e5-instruct", engine=HashEngine())
    texts = ["the cat sat", "tax law reform", "the cat slept"]
    for rows in (model.queries(texts), model.documents(texts)):
        assert rows.shape == (3, 64) and rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(model.documents(texts)[1:2], model.documents(texts[1:2]))


def test_an_instruction_moves_queries_and_has_no_place_on_documents():
    model = open_embedder("hash", "pocket", engine=HashEngine())
    assert not np.allclose(model.queries(["cat"]), model.queries(["cat"], instruction="Find code"))


def test_no_texts_give_no_rows():
    assert open_embedder("hash", "echo", engine=HashEngine()).queries([]).shape == (0, 64)


def fingerprint(method="echo", engine=None, **options):
    return open_embedder("hash", method, engine=engine or HashEngine(), **options).fingerprint


def test_the_fingerprint_changes_with_whatever_changes_vectors():
    other = HashEngine()
    other.revision = "2"
    rough = HashEngine()
    rough.dtype = "bfloat16"
    prints = [
        fingerprint(),
        fingerprint("mean"),
        fingerprint(engine=other),
        fingerprint(engine=rough),
        fingerprint(engine=HashEngine(dim=32)),
        fingerprint(limit=100),
        fingerprint(dim=16),
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint() == fingerprint()


def test_the_fingerprint_does_not_change_with_the_default_instruction():
    row = METHODS["pocket"]
    other = Method(row.name, "", "", row.query, row.document, row.pool, row.causal, instruction="Another")
    assert combine(row, HashEngine()).fingerprint == combine(other, HashEngine()).fingerprint


def test_a_trained_row_is_untrained_use_unless_the_card_names_it():
    assert open_embedder("hash", "qwen3-embedding", engine=HashEngine()).untrained
    assert not open_embedder("hash", "echo", engine=HashEngine()).untrained


def test_the_card_of_a_model_names_its_row(tmp_path):
    folder = tiny.save("llama", tmp_path / "m")
    assert open_embedder(str(folder)).method.name == "echo"
    (folder / "twofold.json").write_text(json.dumps({"method": "gritlm", "limit": 200, "dimensions": [32, 16]}))
    (folder / "README.md").write_text("# M")
    model = open_embedder(str(folder))
    assert (model.method.name, model.untrained, model.limit) == ("gritlm", False, 200)
    assert read_card(str(folder)).text == "# M"
    assert read_card(str(folder)).dimensions == (32, 16)


def test_a_card_with_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "twofold.json").write_text('{"methods": "x"}')
    with pytest.raises(ValueError, match="unknown keys methods; known are"):
        read_card(str(tmp_path))


def test_a_model_without_a_card_has_the_defaults():
    assert read_card("some/hub-id") == embedder.Card()


def test_vectors_are_cut_to_fewer_dimensions_and_normalised_again():
    whole, cut = (open_embedder("hash", "mean", engine=HashEngine(), dim=dim) for dim in (0, 16))
    rows = whole.documents(["a b", "c"])[:, :16]
    np.testing.assert_allclose(cut.documents(["a b", "c"]), rows / np.linalg.norm(rows, axis=1, keepdims=True))
    with pytest.raises(ValueError, match="64 dimensions, 65 were asked for"):
        open_embedder("hash", "mean", engine=HashEngine(), dim=65)


def test_a_text_of_as_many_tokens_as_there_is_room_is_not_cut():
    model = open_embedder("hash", "echo", engine=HashEngine(context=100))
    text = "word " * model.room("document")
    assert model.prompts("document", [text])[0].cut == 0
    assert model.prompts("document", [text * 2])[0].cut > 0


def test_a_limit_that_leaves_hardly_any_text_is_refused():
    with pytest.raises(ValueError, match=r"leaves under 8 tokens|no room"):
        open_embedder("hash", "echo", engine=HashEngine(context=20))


def test_an_engine_that_attends_the_wrong_way_is_not_served():
    class Wrong(HashEngine):
        def vectors(self, prompts, *, causal):
            return super().vectors(prompts, causal=not causal)

    with pytest.raises(ValueError, match="sees later tokens under causal attention"):
        check(METHODS["echo"], Wrong())
    with pytest.raises(ValueError, match="does not see later tokens under bidirectional attention"):
        check(METHODS["gritlm"], Wrong())
    assert leak(HashEngine(), causal=False, padded=True)


def test_the_double_gives_shared_words_a_higher_cosine():
    rows = open_embedder("hash", "mean", engine=HashEngine()).documents(["the cat sat", "the cat slept", "tax reform"])
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]


def test_importing_the_package_loads_no_model_library():
    code = "import embedder, sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_exported_names_are_sorted_and_complete():
    assert embedder.__all__ == sorted(embedder.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(embedder, name) for name in embedder.__all__)


def test_a_passage_is_placed_as_near_as_itself_and_its_surroundings():
    surrounded = combine(find_method("mean"), HashEngine(dim=32), Card(method="mean", surround=0.5))
    texts = [f"passage {n} about {n * 3} things" for n in range(8)]
    rows, sizes = surrounded.documents(texts), [10, 20, 30, 40, 50, 60, 70, 80]
    query = surrounded.queries(["things"])[0]
    for n, place in enumerate(surrounded.placed(rows, sizes)):
        near = slice(max(n - 2, 0), n + 3)
        around = (rows[near] * np.array(sizes[near])[:, None]).sum(axis=0)
        wanted = (query @ rows[n] + 0.5 * (query @ around) / np.linalg.norm(around)) / 1.5
        assert query @ place == pytest.approx(wanted, abs=1e-5)
    assert np.allclose(surrounded.placed(rows[:1], [10]), rows[:1], atol=1e-6)  # alone, a passage is where it is


def test_without_surroundings_places_and_fingerprint_stay():
    plain = combine(find_method("mean"), HashEngine(dim=32))
    surrounded = combine(find_method("mean"), HashEngine(dim=32), Card(method="mean", surround=0.5))
    rows = plain.documents(["one", "two"])
    assert np.array_equal(plain.placed(rows, [3, 3]), rows)
    assert plain.fingerprint != surrounded.fingerprint
    assert combine(find_method("last"), HashEngine(dim=32), Card(method="mean", surround=0.5)).surround == 0
