"""A tokenizer of transformers as the methods need it: plain text stays plain, roles become ids. No weights are known.

The tokenizer's own additions (beginning and end tokens) are observed once and then switched off.
"""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from embedder.roles import BRACKETED, Roles, sound


class Tokens(Roles):
    """Text to ids and back.

    `kind` is the model's type, for the one family whose beginning token is not used; `size` how many ids it knows.
    """

    def __init__(self, tokenizer: Any, *, name: str, kind: str = "", size: int = 2**31) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ValueError(f"{name} has no fast tokenizer (tokenizer.json); character offsets need one")
        self._backend = _own(tokenizer.backend_tokenizer)
        before, after = _added(self._backend)
        _make_plain(self._backend)
        added = {i: token for i, token in tokenizer.added_tokens_decoder.items() if i < size}
        super().__init__(
            tokenizer,
            name=name,
            kind=kind,
            before=before,
            after=after,
            specials={token.content: i for i, token in added.items() if _is_control(token)},
            greedy={i for i, token in added.items() if token.rstrip},
        )

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and character spans of plain text."""
        encoding = self._backend.encode(sound(text), add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def encode(self, text: str) -> list[int]:
        """Ids of plain text."""
        ids: list[int] = self._backend.encode(sound(text), add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int], *, specials: bool = True) -> str:
        """Ids as text, special tokens shown unless `specials` is off."""
        text: str = self._backend.decode(list(ids), skip_special_tokens=not specials)
        return text


def _is_control(token: Any) -> bool:
    return bool(token.special or (BRACKETED.fullmatch(token.content) and not token.content.isspace()))


def _added(backend: Any) -> tuple[list[int], list[int]]:
    """The ids which the tokenizer puts before and after a text by itself."""
    plain = backend.encode("a", add_special_tokens=False).ids
    full = backend.encode("a", add_special_tokens=True).ids
    start = next((i for i in range(len(full)) if full[i : i + len(plain)] == plain), 0)
    return full[:start], full[start + len(plain) :]


def _own(backend: Any) -> Any:
    """A copy without padding and truncation, in which every token that looks like a marker is special."""
    state = json.loads(backend.to_str())
    for token in state["added_tokens"]:
        token["special"] = token["special"] or bool(BRACKETED.fullmatch(token["content"]))
    own = Tokenizer.from_str(json.dumps(state))
    own.no_truncation()
    own.no_padding()
    return own


def _make_plain(backend: Any) -> None:
    """From here on nothing is added to a text, and no marker inside one is special."""
    backend.post_processor = TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    backend.encode_special_tokens = True
