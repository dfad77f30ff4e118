"""Published layouts, saved small: an id alone opens base, adapters in order, method, limit and number format."""

import json
import warnings

import numpy as np
import peft
import pytest
import torch

from embedder import build, find_method, hub, open_embedder, open_engine, read_card
from embedder.checkpoints import TABLE, find_checkpoint
from embedder.loading import pick_dtype
from tests import tiny

TEXTS = ["the cat sat on the mat", "tax law"]
LLAMA_2 = "meta-llama/Llama-2-7b-hf"
LLAMA_3 = "meta-llama/Meta-Llama-3-8B-Instruct"
MNTP = "McGill-NLP/LLM2Vec-Meta-Llama-3-8B-Instruct-mntp"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A hub in a folder: `shelf(id)` is where a model of that id belongs."""

    def place(model):
        return tmp_path / model.replace("/", "--")

    def fetch(model, revision):
        if not place(model).is_dir():
            raise ValueError(f"cannot open {model}: it is not on this machine")
        return place(model)

    monkeypatch.setattr(hub, "fetch", fetch)
    return place


def save_adapter(model, folder, base, seed, dtype=torch.float32):
    """An adapter as peft saves it, with weights that do something."""
    torch.manual_seed(seed)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = peft.get_peft_model(model, config)
        wrapped.save_pretrained(folder)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": base}))
    return wrapped.merge_and_unload()


def reference(body, model, texts=TEXTS):
    """The vectors of a merged body under the model's own row, one text at a time."""
    rows = []
    for text in texts:
        prompt = build(model.method, "document", text, model.engine)
        options = {}
        if not model.method.causal:
            size = len(prompt)
            options = {"attention_mask": torch.zeros(1, 1, size, size)}
        with torch.no_grad():
            states = body(input_ids=torch.tensor([prompt.ids]), **options).last_hidden_state[0].numpy()
        rows.append(np.asarray(prompt.weights) @ states)
    return np.stack([row / np.linalg.norm(row) for row in rows])


def test_llm2vec_merges_mntp_and_then_the_adapter_on_top(shelf):
    tiny.save("llama", shelf(LLAMA_3))
    body = tiny.make_model("llama").model
    body = save_adapter(body, shelf(MNTP), LLAMA_3, seed=1)
    body = save_adapter(body, shelf(f"{MNTP}-supervised"), LLAMA_3, seed=2)
    model = open_embedder(f"{MNTP}-supervised")
    assert (model.method.name, model.limit, model.untrained) == ("llm2vec", 512, False)
    np.testing.assert_allclose(model.documents(TEXTS), reference(body, model), atol=1e-5)
    assert not np.allclose(model.documents(TEXTS), open_embedder(MNTP).documents(TEXTS), atol=1e-3)


def test_repllama_is_its_adapter_on_llama_2(shelf):
    tiny.save("llama", shelf(LLAMA_2))
    name = "castorini/repllama-v1-7b-lora-passage"
    body = save_adapter(tiny.make_model("llama").model, shelf(name), LLAMA_2, seed=1)
    model = open_embedder(name)
    assert model.method.name == "repllama"
    np.testing.assert_allclose(model.documents(TEXTS), reference(body, model), atol=1e-5)


def test_an_adapter_saved_on_the_whole_model_fits_as_well(shelf):
    tiny.save("opt", shelf("facebook/opt-1.3b"))
    name = "royokong/prompteol-opt-1.3b"
    whole = save_adapter(tiny.make_model("opt"), shelf(name), "facebook/opt-1.3b", seed=1)
    model = open_embedder(name)
    assert (model.method.name, model.limit) == ("prompteol", 128)
    np.testing.assert_allclose(model.documents(TEXTS), reference(whole.model, model), atol=1e-5)


def test_an_adapter_in_a_folder_finds_its_base_by_its_own_configuration(tmp_path):
    base = tiny.save("llama", tmp_path / "base")
    merged = save_adapter(tiny.make_model("llama").model, tmp_path / "own", str(base), seed=3)
    model = open_embedder(str(tmp_path / "own"), "gritlm")
    np.testing.assert_allclose(model.documents(TEXTS), reference(merged, model), atol=1e-5)
    assert model.engine.revision.count("+") == 1


def test_an_adapter_of_another_base_is_refused(shelf):
    tiny.save("gpt2", shelf(LLAMA_2))
    save_adapter(tiny.make_model("llama").model, shelf("samaya-ai/RepLLaMA-reproduced"), LLAMA_2, seed=1)
    with pytest.raises(ValueError, match=r"RepLLaMA-reproduced|target modules"):
        open_engine("samaya-ai/RepLLaMA-reproduced")


def test_a_body_saved_without_its_head_embeds_and_does_not_write(shelf):
    name = "intfloat/e5-mistral-7b-instruct"
    tiny.make_model("mistral").model.save_pretrained(shelf(name))
    tiny.make_tokenizer().save_pretrained(shelf(name))
    (shelf(name) / "modules.json").write_text("[]")  # published for sentence-transformers as well
    model = open_embedder(name)
    assert (model.method.name, model.limit, model.engine.writes) == ("e5-instruct", 512, False)
    np.testing.assert_allclose(model.documents(TEXTS), reference(tiny.make_model("mistral").model, model), atol=1e-5)


def test_missing_weights_are_not_made_up(tmp_path):
    folder = tiny.save("llama", tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3, "layer_types": None}))
    with pytest.raises(ValueError, match=r"weights are missing, the first is model\.layers\.2"):
        open_engine(str(folder))


@pytest.mark.parametrize(
    ("name", "family", "method", "causal"),
    [
        ("jspringer/echo-mistral-7b-instruct-meantoken", "mistral", "echo-trained-mean", True),
        ("Muennighoff/SGPT-125M-weightedmean-msmarco-specb-bitfit", "gpt-neo", "sgpt-specb", True),
        ("Muennighoff/SGPT-125M-weightedmean-nli-bitfit", "gpt-neo", "sgpt", True),
        ("izhx/udever-bloom-560m", "bloom", "udever", True),
        ("GritLM/GritLM-7B", "mistral-window", "gritlm", False),
        ("BAAI/bge-en-icl", "mistral", "bge-en-icl", True),
        ("Qwen/Qwen3-Embedding-0.6B", "qwen3", "qwen3-embedding", True),
        ("Alibaba-NLP/gte-Qwen2-7B-instruct", "qwen2", "gte-qwen2-instruct", False),
    ],
)
def test_an_id_or_a_folder_of_its_name_selects_the_method(shelf, tmp_path, name, family, method, causal):
    folder = tiny.save(family, tmp_path / name.rpartition("/")[2])
    by_id = shelf(name)
    folder.rename(by_id)
    model = open_embedder(name)
    assert (model.method.name, model.method.causal, model.untrained) == (method, causal, False)
    assert model.engine.writes == (method == "gritlm") == read_card(name).writes
    by_id.rename(folder)
    assert open_embedder(str(folder)).method.name == method


def test_native_weights_open_although_the_folder_brings_code_of_its_own(shelf):
    name = "Alibaba-NLP/gte-Qwen2-1.5B-instruct"
    folder = tiny.save("qwen2", shelf(name))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "modeling_qwen.Qwen2Model"}}))
    (folder / "modeling_qwen.py").write_text("raise SystemExit('code of a model was run')")
    assert open_embedder(name).method.name == "gte-qwen2-instruct"


def test_a_checkpoint_that_needs_code_names_the_alternative():
    with pytest.raises(ValueError, match=r"needs its own code.*Qwen3-Embedding-8B"):
        open_engine("nvidia/NV-Embed-v2")


def test_a_pickled_adapter_is_refused(shelf):
    tiny.save("llama", shelf(LLAMA_2))
    name = "castorini/repllama-v1-7b-lora-doc"
    save_adapter(tiny.make_model("llama").model, shelf(name), LLAMA_2, seed=1)
    (shelf(name) / "adapter_model.safetensors").rename(shelf(name) / "adapter_model.bin")
    with pytest.raises(ValueError, match=r"no safetensors; pickled weights \(adapter_model.bin\)"):
        open_engine(name)


def test_a_missing_base_is_named(shelf):
    save_adapter(tiny.make_model("llama").model, shelf(MNTP), LLAMA_3, seed=1)
    with pytest.raises(ValueError, match=f"cannot open {LLAMA_3}"):
        open_engine(MNTP)


def test_ids_in_the_table_are_found_whatever_their_case_and_their_methods_exist():
    for row in TABLE:
        found = find_checkpoint(row.id.replace("*", "large").lower())
        assert found is not None
        assert found.refused or find_method(found.method)
    assert find_checkpoint("someone/else") is None


def test_the_number_format_is_the_checkpoints_on_an_accelerator_and_exact_on_a_cpu():
    row = find_checkpoint("intfloat/e5-mistral-7b-instruct")
    assert pick_dtype("auto", torch.device("cpu"), row) == torch.float32
    assert pick_dtype("auto", torch.device("mps"), row) == torch.float16
    assert pick_dtype("bfloat16", torch.device("cpu"), row) == torch.bfloat16


def test_the_revision_of_a_hub_snapshot_is_its_commit(shelf, tmp_path, monkeypatch):
    folder = tmp_path / "models--a--b" / "snapshots" / ("0123456789" * 4)
    tiny.save("llama", folder)
    monkeypatch.setattr(hub, "fetch", lambda model, revision: folder)
    assert open_engine("a/b").revision == "012345678901"


def test_a_model_that_is_not_here_says_what_to_do_without_a_network():
    with pytest.raises(ValueError, match=r"not on this machine and the hub cannot be reached|cannot open"):
        open_engine("no-such-owner/no-such-model")
