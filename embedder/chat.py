"""A tokenizer's chat template taken apart: what stands before and after a user's words, by role.

Contents are never rendered: a placeholder is, and the words take its place later as plain text.
"""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from embedder.engine import Message

MARK = "\ue000{}\ue001"  # private-use characters, which no template contains


class Chat:
    """The chat template of one tokenizer; `specials` are its special tokens as strings."""

    def __init__(self, tokenizer: Any, specials: Sequence[str], name: str) -> None:
        self._tokenizer, self._specials, self._name = tokenizer, specials, name

    @property
    def available(self) -> bool:
        """Whether the model has one."""
        return bool(self._tokenizer.chat_template)

    def pieces(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        """A conversation as strings, each with whether it is a message's content."""
        try:
            return self._pieces(messages)
        except (TemplateError, ValueError):
            if not messages or messages[0].role != "system" or len(messages) < 2:
                raise
        # some templates know no system turn: its words then open the first user turn
        system, first, *rest = messages
        return self._pieces([Message(first.role, f"{system.content}\n\n{first.content}"), *rest])

    def _pieces(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        turns = [(turn.role, MARK.format(i)) for i, turn in enumerate(messages)]
        rest = self._render(turns, prompt=True)
        pieces: list[tuple[str, bool]] = []
        for (_, mark), turn in zip(turns, messages, strict=True):
            before, found, rest = rest.partition(mark)
            if not found:
                raise ValueError(f"the chat template of {self._name} leaves out a {turn.role} turn")
            pieces += [(before, False), (turn.content, True)]
        return [*pieces, (rest, False)]

    def wrappers(self) -> dict[str, str]:
        """What opens and closes a user's turn and opens the assistant's, as strings with special tokens in them."""
        a, b, c = (MARK.format(i) for i in range(3))
        turns = [("user", a), ("assistant", b), ("user", c)]
        rendered = self._render(turns)
        between = rendered.split(b)[-1].split(c)[0]  # closes the assistant's turn, opens the user's
        answer = rendered.split(a)[-1].split(b)[0]  # closes the user's turn, opens the assistant's
        closing = self._closing(answer, rendered.split(c)[-1])
        prompt = self._render(turns, prompt=True).split(c)[-1]
        return {"user": self._opening(between), "end_user": closing, "assistant": prompt.removeprefix(closing)}

    def _opening(self, between: str) -> str:
        """Without what closes the turn before: its end tokens, the white space after them, a beginning token."""
        bos = self._tokenizer.bos_token
        stripped = between.lstrip()
        end = next((token for token in self._specials if stripped.startswith(token)), None)
        if end is None:
            return between
        opening = stripped.removeprefix(end).lstrip()
        opening = opening.removeprefix(bos) if bos else opening
        return opening or stripped  # nothing left: that token opened this turn, no token closed the last

    def _closing(self, answer: str, last: str) -> str:
        """The end token of a user's turn alone, or the plain closing up to where both readings agree."""
        end = next((token for token in self._specials if last.startswith(token)), None)
        if end is not None:
            return end
        agreed = 0
        while agreed < min(len(answer), len(last)) and answer[agreed] == last[agreed]:
            agreed += 1
        return last[:agreed].rstrip()

    def _render(self, turns: Sequence[tuple[str, str]], *, prompt: bool = False) -> str:
        if not self.available:
            raise ValueError(f"{self._name} has no chat template; use an instruct model, or a method without {{user}}")
        messages = [{"role": role, "content": content} for role, content in turns]
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        return text
