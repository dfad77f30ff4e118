"""Pocket's tokenizer: byte-level BPE whose merges never cross scripts and treat `Word` exactly as `word`.

It is learnt on lower-cased text with a fine pre-tokeniser (single digits, CJK runs apart). The common Chinese
characters are pieces whatever the texts hold: in bytes, a character has no meaning to learn. Then every merge that
touches a word's first letter is mirrored for the capitalised form: the pieces of a capitalised word are those of the
plain one, and the shipped file needs no normaliser and only GPT-2's splitting, which every runtime knows. It knows no
model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>")
CJK = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
ENDINGS = ("ies", "es", "s", "ied", "ed", "ing", "ly", "er", "ation", "al")
SPACE = "Ġ"  # how byte-level BPE writes a leading space
SHOUTED = 3  # pieces of at most this many letters also exist in capitals: acronyms stay short
COMMON = 4000  # only the first merges have twins without a leading space: line starts and quotes are short of words

Merge = tuple[str, str]


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of about `size` entries, learnt from `texts` (any case, any script).

    Characters take an eighth of the entries at most: a small vocabulary does without.
    """
    characters = list(dict.fromkeys(_characters()))[: size // 8]
    known = set(characters)
    merges = [merge for merge in _learn(texts, size) if merge not in known]
    while True:  # mirrored merges need room: drop the rarest plain ones until the whole fits
        tokens, rules = _mirror(characters, merges)
        if len(tokens) + len(SPECIALS) <= size:
            return _assemble(tokens, rules)
        merges = merges[:-100]


def _learn(texts: Iterable[str], size: int) -> list[Merge]:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"),
            pre_tokenizers.Split(Regex(CJK), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, min_frequency=10, max_token_length=24, show_progress=False
    )
    raw.train_from_iterator((t.lower() for t in texts), trainer)
    return [(a, b) for a, b in json.loads(raw.to_str())["model"]["merges"]]


def _characters() -> Iterator[Merge]:
    """The merges that make one piece of each of the 3,755 common characters, the first level of GB 2312."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFA if row == 0xD7 else 0xFF):
            character = bytes([row, cell]).decode("gb2312")
            first, second, third = list(byte_level.pre_tokenize_str(character)[0][0])
            yield first, second
            yield first + second, third


def _mirror(characters: list[Merge], merges: list[Merge]) -> tuple[list[str], list[Merge]]:
    """The vocabulary (bytes first) and the merges with their capitalised and short upper-case twins, in rank order."""
    tokens = dict.fromkeys([*sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in characters)])
    rules: dict[Merge, None] = dict.fromkeys(characters)
    for rank, (left, right) in enumerate(merges):
        twins = rank < COMMON or left.startswith(SPACE)
        for a, b in ((left, right), *([_titled(left, right), _shouted(left, right)] if twins else [])):
            if a in tokens and b in tokens:
                rules.setdefault((a, b))
                tokens.setdefault(a + b)
    return list(tokens), list(rules)


def _titled(left: str, right: str) -> Merge:
    bare = left.removeprefix(SPACE)
    if bare:
        return left[: len(left) - len(bare)] + _upper(bare[0]) + bare[1:], right
    return left, _upper(right[0]) + right[1:]


def _shouted(left: str, right: str) -> Merge:
    whole = (left + right).removeprefix(SPACE)
    if len(whole) > SHOUTED:
        return left, right
    return "".join(map(_upper, left)), "".join(map(_upper, right))


def _upper(letter: str) -> str:
    return letter.upper() if letter.isascii() else letter  # byte-level symbols above ASCII are bytes, not letters


def _assemble(tokens: list[str], rules: list[Merge]) -> Tokenizer:
    ids = {t: i for i, t in enumerate([*SPECIALS, *tokens])}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=rules))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIALS])
    return tokenizer


def canonical(tokenizer: Tokenizer, simplified: dict[str, str]) -> list[str]:
    """For each token the form that it shares a vector with: no leading space, lower case, simplified characters.

    :param simplified: traditional character -> simplified character.
    """
    forms = []
    for i in range(tokenizer.get_vocab_size()):
        text = tokenizer.decode([i], skip_special_tokens=False)
        whole = bool(text) and "\ufffd" not in text  # half a character shares nothing
        form = "".join(simplified.get(c, c) for c in text.strip(" ").lower()) if whole else ""
        forms.append(form or f"<{i}>")
    return forms


def parts(forms: list[str]) -> list[tuple[str, str]]:
    """(form, part): the characters of a Chinese word, the stem of an inflected English one, where these are forms."""
    known = set(forms)
    found: list[tuple[str, str]] = []
    for form in dict.fromkeys(forms):
        if len(form) > 1 and all("\u4e00" <= c <= "\u9fff" for c in form):
            found += [(form, c) for c in form] if known.issuperset(form) else []
        elif form.isascii() and form.isalpha() and len(form) > 4:
            stem = next((s for s in _stems(form) if s in known), "")
            found += [(form, stem)] if stem else []
    return found


def _stems(word: str) -> Iterator[str]:
    for ending in ENDINGS:
        bare = word.removesuffix(ending)
        if len(word) > len(bare) >= 3:
            yield from [bare + "y"] if ending in ("ies", "ied") else [bare, bare + "e"]
            if len(bare) > 3 and bare[-1] == bare[-2]:
                yield bare[:-1]


def fertility(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    """Tokens per UTF-8 byte."""
    tokens = size = 0
    for text in texts:
        tokens += len(tokenizer.encode(text, add_special_tokens=False).ids)
        size += len(text.encode())
    return tokens / max(size, 1)


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """`tokenizer.json` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
