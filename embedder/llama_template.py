"""The chat template and special tokens that a GGUF file names, as a tokenizer of transformers has them.

A template comes with a file somebody made: it is rendered in a sandbox, and never with a user's words.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from jinja2 import Environment, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from embedder.gguf_header import Header


class Template:
    """What a vocabulary's roles are read from; ids are None where the file names none.

    `names` are the special tokens by id; `adds_bos` and `adds_eos` tell what the library would put around a text.
    """

    def __init__(self, header: Header, names: Mapping[int, str], *, adds_bos: bool, adds_eos: bool) -> None:
        self.chat_template: str | None = header.get("tokenizer.chat_template")
        self.bos_token_id, self.eos_token_id = self._id(header, "bos"), self._id(header, "eos")
        self.mask_token_id = self._id(header, "mask")
        # the library has a beginning and an end token also where the file names none: those are not used
        self.before = [self.bos_token_id] if adds_bos and self.bos_token_id is not None else []
        self.after = [self.eos_token_id] if adds_eos and self.eos_token_id is not None else []
        self.add_bos_token = bool(self.before)
        self.bos_token = names.get(self.bos_token_id) if self.bos_token_id is not None else None
        self.eos_token = names.get(self.eos_token_id) if self.eos_token_id is not None else None

    def apply_chat_template(
        self, messages: Sequence[Mapping[str, str]], *, tokenize: bool = False, add_generation_prompt: bool = False
    ) -> str:
        """The messages in the template's form, as a string."""
        text: str = (
            _environment()
            .from_string(self.chat_template or "")
            .render(
                messages=messages,
                add_generation_prompt=add_generation_prompt,
                bos_token=self.bos_token or "",
                eos_token=self.eos_token or "",
                tools=None,
                documents=None,
            )
        )
        return text

    @staticmethod
    def _id(header: Header, role: str) -> int | None:
        token = header.get(f"tokenizer.ggml.{role}_token_id")
        return None if token is None else int(token)


def _environment() -> Environment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)
