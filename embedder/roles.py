"""What the methods need of a vocabulary, whoever turns its text into ids: roles, conversations, cuts at a character.

A tokenizer's own additions (beginning and end tokens) are observed once and not used: a row says itself what it wants,
so that a changed configuration cannot silently lose a closing token.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from embedder.chat import Chat
from embedder.engine import Message

SURROGATE = re.compile("[\ud800-\udfff]")
BRACKETED = re.compile(r"[\[<{].*[\]>}]", re.DOTALL)
NAMED = {"boq": "[BOQ]", "eoq": "[EOQ]", "bod": "[BOD]", "eod": "[EOD]"}
# a token of this name begins a text even where a tokenizer's configuration has lost the rule that adds it
BEGINNINGS = ("<s>", "<|begin_of_text|>", "<bos>", "<｜begin▁of▁sentence｜>")
NO_BEGINNING = ("bloom",)  # has <s>, was trained without it


class Roles:
    """A vocabulary's special tokens by what they are for. A subclass gives `tokens`, `encode` and `decode`.

    `template` has the chat template and the ids of special tokens as a tokenizer of transformers has them. `before` and
    `after` are the ids that the tokenizer itself puts around a text, `specials` the ids of its special tokens by name,
    `greedy` those that take the white space after them; `kind` is the model's type, for the one family whose beginning
    token is not used.
    """

    def __init__(
        self,
        template: Any,
        *,
        name: str,
        kind: str,
        before: Sequence[int],
        after: Sequence[int],
        specials: dict[str, int],
        greedy: set[int],
    ) -> None:
        self._name, self._kind, self._tokenizer = name, kind, template
        self.before, self.after = list(before), list(after)
        self._specials, self._greedy = specials, greedy
        self._chat = Chat(template, tuple(specials), name)

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and character spans of plain text."""
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        """Ids of plain text."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int], *, specials: bool = True) -> str:
        """Ids as text, special tokens shown unless `specials` is off."""
        raise NotImplementedError

    def shorten(self, text: str, tokens: int) -> str:
        """A longest prefix of at most `tokens` tokens; reads no more of the text than it needs."""
        if tokens <= 0:
            return ""
        window = 8 * tokens
        ids, spans = self.tokens(text[:window])
        while len(ids) <= tokens and window < len(text):
            window *= 2
            ids, spans = self.tokens(text[:window])
        if len(ids) <= tokens:
            return text
        while tokens:
            # several tokens may share one character (bytes of an emoji): cut where a character begins
            if spans[tokens][0] >= spans[tokens - 1][1] and len(self.encode(text[: spans[tokens - 1][1]])) <= tokens:
                return text[: spans[tokens - 1][1]]
            tokens -= 1
        return ""

    @cached_property
    def _wrappers(self) -> dict[str, tuple[int | str, ...]]:
        return {role: self._split(text) for role, text in self._chat.wrappers().items()}

    def wrapper(self, role: str) -> tuple[int | str, ...]:
        """A role as special ids and plain strings; ValueError if the model has none.

        "before" and "after" are what the tokenizer itself puts around a text, possibly nothing.
        """
        if role in NAMED:
            return (self._named(NAMED[role]),)
        if role in ("user", "end_user", "assistant"):
            return self._wrappers[role]
        own: dict[str, Callable[[], Sequence[int]]] = {
            "bos": self._bos,
            "eos": lambda: [self._eos()],
            "endoftext": lambda: [self._end_of_text()],
            "mask": lambda: [self._mask()],
            "before": lambda: self.before,
            "after": lambda: self.after,
        }
        if role not in own:
            known = [*own, *NAMED, "user", "end_user", "assistant"]
            raise ValueError(f"no role called {role!r}; roles: {', '.join(known)}")
        return tuple(own[role]())

    def special(self, role: str) -> list[int]:
        """A role as ids alone."""
        return self._ids(self.wrapper(role))

    def conversation(self, messages: Sequence[Message]) -> list[int]:
        """Ids of a conversation up to where the assistant begins; the contents stay plain text."""
        ids: list[int] = []
        for string, is_content in self._chat.pieces(messages):
            ids += self.encode(string) if is_content else self._ids(self._split(string))
        return ids

    def pieces(self, written: Iterator[int]) -> Iterator[str]:
        """Ids as they are written, as pieces of text; half of a character waits for the rest."""
        ids: list[int] = []
        shown = 0  # characters handed out
        for token in written:
            ids.append(token)
            text = self.decode(ids, specials=False)
            if len(text) > shown and not text.endswith("\ufffd"):
                yield text[shown:]
                shown = len(text)

    def stops(self) -> set[int]:
        """Ids that end what the assistant says."""
        ends = {*self.after[:1], self._tokenizer.eos_token_id}
        if self._chat.available:
            closing = self._wrappers["end_user"]
            ends |= {item for item in closing[:1] if isinstance(item, int)}
        return {end for end in ends if end is not None}

    @property
    def chats(self) -> bool:
        """Whether there is a chat template."""
        return self._chat.available

    def _bos(self) -> tuple[int, ...]:
        if self.before:
            return (self.before[0],)
        bos, token = self._tokenizer.bos_token_id, self._tokenizer.bos_token
        lost = token in BEGINNINGS and self._kind not in NO_BEGINNING
        return (bos,) if bos is not None and (lost or getattr(self._tokenizer, "add_bos_token", False)) else ()

    def _eos(self) -> int:
        eos: int | None = self.after[0] if self.after else self._tokenizer.eos_token_id
        if eos is None:
            raise ValueError(f"{self._name} has no end token; pick a method without {{eos}}")
        return eos

    def _mask(self) -> int:
        mask: int | None = self._tokenizer.mask_token_id
        if mask is None:
            raise ValueError(f"{self._name} has no mask token; the method is for masked language models")
        return mask

    def _end_of_text(self) -> int:
        found = self._specials.get("<|endoftext|>")
        return self._eos() if found is None else found  # 0 is an id too

    def _named(self, token: str) -> int:
        if token not in self._specials:
            raise ValueError(f"{self._name} has no token {token}; the method needs a model trained with it")
        return self._specials[token]

    def _split(self, text: str) -> tuple[int | str, ...]:
        if not self._specials:
            return (text,)
        longest_first = sorted(self._specials, key=len, reverse=True)
        parts: list[str] = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
        split: list[int | str] = []
        for part in parts:
            if split and split[-1] in self._greedy:
                part = part.lstrip()  # some special tokens take the white space after them
            if part:
                split.append(self._id_or_text(part))
        return tuple(split)

    def _id_or_text(self, part: str) -> int | str:
        return self._specials.get(part, part)

    def _ids(self, parts: Sequence[int | str]) -> list[int]:
        return [i for part in parts for i in (self.encode(part) if isinstance(part, str) else [part])]


def sound(text: str) -> str:
    """Lone surrogates cannot be encoded: one replacement character each keeps the offsets."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)
