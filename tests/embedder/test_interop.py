"""Other libraries get the same vectors; people see what a prompt is made of."""

import numpy as np
import pytest

from embedder import METHODS, HashEngine, combine, inspect, open_embedder
from embedder.transformers_engine import TransformersEngine
from tests import tiny

sentence_transformers = pytest.importorskip("sentence_transformers")
TEXTS = [*tiny.TEXTS, "x", 'a </s> "marker"']
ROWS = ["echo", "llm2vec", "e5-instruct", "sgpt-specb", "gritlm", "prompteol"]


def make(method, **options):
    model, tokenizer = tiny.make_model("qwen3"), tiny.make_tokenizer()
    engine = TransformersEngine(model, tokenizer, name="tiny", revision="0", context=512)
    return combine(METHODS[method], engine, **options)


@pytest.mark.parametrize("method", ROWS)
def test_an_exported_embedder_gives_the_same_vectors_saved_and_reloaded(method, tmp_path):
    from embedder.interop import read_sentence_transformer, to_sentence_transformer

    embedder = make(method, dim=16, limit=300)
    exported = to_sentence_transformer(embedder)
    exported.save_pretrained(str(tmp_path))
    reloaded = sentence_transformers.SentenceTransformer(str(tmp_path), trust_remote_code=True, device="cpu")
    for model in (exported, reloaded, read_sentence_transformer(str(tmp_path))):
        options = {"show_progress_bar": False}
        np.testing.assert_allclose(model.encode_query(TEXTS, **options), embedder.queries(TEXTS), atol=1e-5)
        np.testing.assert_allclose(model.encode_document(TEXTS, **options), embedder.documents(TEXTS), atol=1e-5)
        assert model.get_embedding_dimension() == 16


def test_a_prompt_given_to_the_export_is_the_instruction():
    from embedder.interop import to_sentence_transformer

    embedder = make("e5-instruct")
    exported = to_sentence_transformer(embedder)
    vectors = exported.encode(TEXTS, prompt="Find code", show_progress_bar=False)
    np.testing.assert_allclose(vectors, embedder.queries(TEXTS, instruction="Find code"), atol=1e-5)


def test_only_decoders_are_exported():
    from embedder.interop import to_sentence_transformer

    with pytest.raises(ValueError, match="hash is no decoder on transformers"):
        to_sentence_transformer(open_embedder("hash", "echo", engine=HashEngine()))


def test_langchain_gets_lists_of_floats():
    from embedder.interop import LangChainEmbeddings

    embedder = open_embedder("hash", "echo", engine=HashEngine())
    adapter = LangChainEmbeddings(embedder)
    assert adapter.embed_query("a cat") == pytest.approx(embedder.queries(["a cat"])[0].tolist())
    assert len(adapter.embed_documents(["a", "b"])) == 2


@pytest.mark.parametrize("method", sorted(METHODS))
def test_inspecting_shows_the_tokens_with_their_weights_and_parts(method, llama):
    embedder = combine(METHODS[method], llama)
    seen = inspect(embedder, "query", "two cats")
    prompt = embedder.prompts("query", ["two cats"])[0]
    assert [token.id for token in seen] == list(prompt.ids)
    assert [token.weight for token in seen] == list(prompt.weights)
    assert "two cats" in "".join(token.token for token in seen if token.part == "text")
    wanted = {"text", "instruction"} if METHODS[method].wants_instruction else {"text"}
    assert wanted <= {token.part for token in seen}
