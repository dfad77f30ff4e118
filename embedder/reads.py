"""The half of an engine that reads texts: what there is to say of tokens, its tokenizer says. It knows no weights."""

from collections.abc import Sequence

from embedder.roles import Roles


class Reads:
    """An engine's face towards texts, over the tokenizer that came with its weights."""

    _tokens: Roles

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; special tokens written inside it stay text."""
        return self._tokens.encode(text)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of `encode(text)`, in order."""
        return self._tokens.tokens(text)[1]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and spans in one pass."""
        return self._tokens.tokens(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Ids as text, special tokens shown."""
        return self._tokens.decode(ids)

    def special(self, role: str) -> list[int]:
        """Ids of a role; ValueError if the model has none."""
        return self._tokens.special(role)

    def wrapper(self, role: str) -> tuple[int | str, ...]:
        """A role as special ids and plain strings."""
        return self._tokens.wrapper(role)

    def shorten(self, text: str, tokens: int) -> str:
        """A longest prefix of at most `tokens` tokens that splits no character."""
        return self._tokens.shorten(text, tokens)
