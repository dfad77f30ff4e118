"""Opening a model with transformers: safe files only, pinned, in a number format that fits the device."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from embedder import adapters, baseline
from embedder.checkpoints import Checkpoint
from embedder.hub import Source, resolve
from embedder.naming import model_name
from embedder.torch_engine import TorchEngine
from embedder.transformers_engine import TransformersEngine

LONGEST = 8192  # tokens; longer contexts are cut to it, for memory's sake
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
HEADS = ("lm_head", "embed_out", "output_projection")


def load(
    model: str, *, name: str = "", device: str = "auto", dtype: str = "auto", revision: str | None = None
) -> TorchEngine:
    """The engine of a model folder or hub id; ValueError says why a model cannot be opened."""
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    place = pick_device(device)
    source = resolve(model, revision)
    number = pick_dtype(dtype, place, source.checkpoint)
    shown = name or model_name(model)
    config = _try(transformers.AutoConfig.from_pretrained, source.folder, model)
    if baseline.is_encoder(config, source.folder):
        return baseline.load(source, config, shown, place, number)
    return _decoder(source, config, shown, place, number)


def pick_device(device: str) -> torch.device:
    """The device asked for, or the fastest there is."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(dtype: str, device: torch.device, row: Checkpoint | None = None) -> torch.dtype:
    """The format asked for; else float32 on a CPU, where vectors agree between machines, and the checkpoint's own.

    A device that cannot do the checkpoint's gets float16.
    """
    if dtype != "auto":
        if dtype not in DTYPES:
            raise ValueError(f"dtype {dtype!r} is not one of auto, {', '.join(DTYPES)}")
        return DTYPES[dtype]
    if device.type == "cpu":
        return torch.float32
    wanted = DTYPES[row.dtype] if row else torch.bfloat16
    poor = wanted == torch.bfloat16 and not (device.type == "cuda" and torch.cuda.is_bf16_supported())
    return torch.float16 if poor else wanted


def _decoder(source: Source, config: Any, name: str, device: torch.device, dtype: torch.dtype) -> TransformersEngine:
    if getattr(config, "is_causal", None) is False:
        config.is_causal = True  # saved as an encoder: its twin here is one again, the writer must not be
    tokenizer = _tokenizer(source, name)
    model, writes = _weights(source.folder, name, config=config, dtype=dtype)
    apart = writes and source.kept_apart
    for adapter in () if apart else source.adapters:
        adapters.merge(model, adapter)
    row = source.checkpoint
    context = min(_context(config), LONGEST)
    engine = TransformersEngine(
        model.eval().to(device),
        tokenizer,
        name=name,
        revision=source.revision,
        context=context,
        writes=writes and (row is None or row.writes),
    )
    if apart:
        engine.adapt(lambda body: adapters.attach(body, source.adapters))
    return engine


def _tokenizer(source: Source, name: str) -> Any:
    tokenizer = _try(transformers.AutoTokenizer.from_pretrained, source.tokenizer, name)
    if not tokenizer.chat_template and source.tokenizer != source.folder:
        base = _try(transformers.AutoTokenizer.from_pretrained, source.folder, name)
        tokenizer.chat_template = base.chat_template  # adapters are often saved without it
    return tokenizer


def _weights(folder: Path, name: str, **options: Any) -> tuple[Any, bool]:
    """The model, and whether its output head was among the weights."""
    model, report = _try(
        transformers.AutoModelForCausalLM.from_pretrained,
        folder,
        name,
        use_safetensors=True,
        output_loading_info=True,
        **options,
    )
    missing = [key for key in report["missing_keys"] if not key.startswith(HEADS)]
    if missing:
        raise ValueError(f"cannot open {name}: {len(missing)} weights are missing, the first is {missing[0]}")
    return model, not report["missing_keys"]


def _try(open_it: Callable[..., Any], folder: Path, name: str, **options: Any) -> Any:
    try:
        return open_it(str(folder), trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        text = " ".join(str(error).split())
        if "trust_remote_code" in text or "custom code" in text or "model type" in text:
            text = "it needs its own code, which is not run here; use a model whose type transformers has built in"
        raise ValueError(f"cannot open {name}: {text[:400]}") from error


def _context(config: Any) -> int:
    text = config.get_text_config()
    for key in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
        value = getattr(text, key, None)
        if isinstance(value, int) and value > 0:
            return value
    return 2048
