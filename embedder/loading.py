"""Opening a model with transformers: safe files only, pinned, in a number format that fits the device."""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import torch
import transformers

from embedder import weights
from embedder.transformers_engine import TransformersEngine

LONGEST = 8192  # tokens; longer contexts are cut to it, for memory's sake


def load(
    model: str, *, name: str = "", device: str = "auto", dtype: str = "auto", revision: str | None = None
) -> TransformersEngine:
    """The engine of a model folder, hub id or GGUF file; ValueError says why a model cannot be opened."""
    place = pick_device(device)
    source: dict[str, Any] = {"revision": revision} if revision else {}
    path, pinned = model, ""
    if model.lower().endswith(".gguf"):
        path, source = _gguf(Path(model))
        pinned = weights.file_revision(Path(model))
    elif Path(model).is_dir():
        weights.check_folder(Path(model))
        pinned = weights.revision(Path(model))
    config, tokenizer, lm = _open(path, source, pick_dtype(dtype, place))
    engine_name = name or (Path(model).name if pinned else model)
    context = min(_context(config), LONGEST)
    pinned = pinned or getattr(config, "_commit_hash", None) or ""
    return TransformersEngine(lm.eval().to(place), tokenizer, name=engine_name, revision=pinned, context=context)


def pick_device(device: str) -> torch.device:
    """The device asked for, or the fastest there is."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The format asked for, or float32 on a CPU (so that vectors agree between machines), 16 bits elsewhere."""
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype == "auto":
        if device.type == "cpu":
            return torch.float32
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float16
    if dtype not in names:
        raise ValueError(f"dtype {dtype!r} is not one of auto, {', '.join(names)}")
    return names[dtype]


def _open(path: str, source: dict[str, Any], dtype: torch.dtype) -> tuple[Any, Any, Any]:
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, **source)
        weights.check_code(config.to_dict(), path, known=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=False, **source)
        if getattr(config, "is_causal", None) is False:
            config.is_causal = True  # saved as an encoder: its twin here is one again, the writer must not be
        lm = transformers.AutoModelForCausalLM.from_pretrained(
            path, config=config, dtype=dtype, trust_remote_code=False, use_safetensors=True, **source
        )
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"cannot open {path}: {_reason(error)}") from error
    return config, tokenizer, lm


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "trust_remote_code" in text or "custom code" in text:
        return "it needs its own code, which is not run here; use a model of a type that transformers has built in"
    if "safetensors" in text and "bin" in text:
        return f"it has no safetensors, and pickled weights are not read ({text[:200]})"
    return text[:400]


def _context(config: Any) -> int:
    text = config.get_text_config()
    for key in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
        value = getattr(text, key, None)
        if isinstance(value, int) and value > 0:
            return value
    return 2048


def _gguf(path: Path) -> tuple[str, dict[str, Any]]:
    if not path.is_file():
        raise ValueError(f"no file {path}")
    if importlib.util.find_spec("gguf") is None:
        raise ValueError(f"{path.name}: GGUF files need the extra `llama`: pip install 'twofold[llama]'")
    return str(path.parent), {"gguf_file": path.name}
