"""Each paper's own rule for its input ids and pooled positions, written from the paper, not from our templates.

`enc` gives the ids of plain text (no special tokens added, none recognised inside); `bos` is a list, empty where the
model's tokenizer begins with none; `eos` one id; `tok` gives the id of a named special token;
`chat` wraps a user's turn, `tail` closes one.
A rule returns the ids, the pooled positions [first, end) and the pooling.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Kit:
    """A tokenizer as the rules need it."""

    enc: Callable[[str], list[int]]
    dec: Callable[[list[int]], str]
    tok: Callable[[str], int]
    bos: list[int]
    eos: int
    endoftext: int
    chat: Callable[[str], list[int]]
    tail: Callable[[str], list[int]]


Expected = tuple[list[int], int, int, str]
WEB = "Given a web search query, retrieve relevant passages that answer the query"
ANSWER = "Given a question, retrieve passages that answer it"


def plain_mean(kit: Kit, side: str, text: str) -> Expected:
    return [*kit.bos, *kit.enc(text)], len(kit.bos), len(kit.bos) + len(kit.enc(text)), "mean"


def everything(ids: list[int], pool: str) -> Expected:
    return ids, 0, len(ids), pool


def brackets(kit: Kit, side: str, text: str, pool: str) -> Expected:
    # sgpt: the bracket ids are tokenizer.encode(ch, add_special_tokens=False)[0], put around the ids of the text
    opening, closing = ("[", "]") if side == "query" else ("{", "}")
    return everything([kit.enc(opening)[0], *kit.enc(text), kit.enc(closing)[0]], pool)


def eol(kit: Kit, side: str, text: str, shots: str = "") -> Expected:
    return everything([*kit.bos, *kit.enc(shots + f'This sentence : "{text}" means in one word:"')], "last")


def repllama(kit: Kit, side: str, text: str) -> Expected:
    prefix = "query: " if side == "query" else "passage: "
    return everything([*kit.bos, *kit.enc(prefix + text), kit.eos], "last")


def udever(kit: Kit, side: str, text: str) -> Expected:
    a, b = ("[BOQ]", "[EOQ]") if side == "query" else ("[BOD]", "[EOD]")
    return everything([kit.tok(a), *kit.enc(text), kit.tok(b)], "last")


def e5(kit: Kit, side: str, text: str) -> Expected:
    string = f"Instruct: {WEB}\nQuery: {text}" if side == "query" else text
    return everything([*kit.bos, *kit.enc(string), kit.eos], "last")


def echo(kit: Kit, side: str, text: str) -> Expected:
    # every braced piece and every bare piece is tokenised by itself
    copy = kit.enc(text)
    head = [*kit.bos, *kit.enc("Rewrite the following paragraph: "), *copy, *kit.enc(". The rewritten paragraph: ")]
    return [*head, *copy], len(head), len(head) + len(copy), "mean"


def echo_trained(kit: Kit, side: str, text: str, pool: str) -> Expected:
    # '<s>Instruct:{!%%prompt%%,}\nQuery:{!%%text%%}\nQuery again:{%%text%%}{</s>}'
    copy = kit.enc(text)
    if side == "query":
        head = [*kit.bos, *kit.enc("Instruct:"), *kit.enc(WEB + ","), *kit.enc("\nQuery:"), *copy]
        head += kit.enc("\nQuery again:")
    else:
        head = [*kit.bos, *kit.enc("Document:"), *copy, *kit.enc("\nDocument again:")]
    return [*head, *copy, kit.eos], len(head), len(head) + len(copy) + 1, pool


def llm2vec(kit: Kit, side: str, text: str) -> Expected:
    # pooled are the last n positions, n being the tokens of the text with what closes the user's turn
    whole = [*kit.bos, *kit.chat(f"{WEB}: {text}" if side == "query" else text)]
    return whole, ending(kit, whole, kit.tail(text), text), len(whole), "mean"


def llm2vec_plain(kit: Kit, side: str, text: str) -> Expected:
    whole = [*kit.bos, *kit.enc(f"{WEB}: {text}" if side == "query" else text)]
    return whole, ending(kit, whole, kit.enc(text), text), len(whole), "mean"


def ending(kit: Kit, whole: list[int], alone: list[int], text: str) -> int:
    """Where the text begins: by count, as LLM2Vec has it, if it has the same tokens in place as alone.

    Where a merge across the boundary makes them differ, its count is off by some; then the shortest ending that
    reads as the text is meant.
    """
    if whole[-len(alone) :] == alone:
        return len(whole) - len(alone)
    return next(i for i in range(len(whole) - 1, -1, -1) if text in kit.dec(whole[i:]))


def gritlm(kit: Kit, side: str, text: str) -> Expected:
    # the mask hides the first len(tokenizer(prefix)) positions
    prefix = f"<|user|>\n{WEB}\n<|embed|>\n" if side == "query" else "<|embed|>\n"
    whole = [*kit.bos, *kit.enc(prefix + text)]
    return whole, len(kit.bos) + len(kit.enc(prefix)), len(whole), "mean"


def bge_icl(kit: Kit, side: str, text: str) -> Expected:
    string = f"<instruct>{WEB}\n<query>{text}\n<response>" if side == "query" else text
    return everything([*kit.bos, *kit.enc(string), kit.eos], "last")


def qwen3(kit: Kit, side: str, text: str) -> Expected:
    string = f"Instruct: {WEB}\nQuery:{text}" if side == "query" else text
    return everything([*kit.enc(string), kit.endoftext], "last")


def gte(kit: Kit, side: str, text: str) -> Expected:
    string = f"Instruct: {WEB}\nQuery: {text}" if side == "query" else text
    return everything([*kit.enc(string), kit.endoftext], "last")


def pocket(kit: Kit, side: str, text: str) -> Expected:
    whole = kit.enc(f"Instruct: {ANSWER}\nQuery: {text}" if side == "query" else text)
    return whole, ending(kit, whole, kit.enc(text), text), len(whole), "mean"


SHOT = 'This sentence : "A jockey riding a horse." means in one word:"Equestrian".'
RULES: dict[str, Callable[[Kit, str, str], Expected]] = {
    "pocket": pocket,
    "mean": plain_mean,
    "last": lambda kit, side, text: everything([*kit.bos, *kit.enc(text)], "last"),
    "cpt-text": lambda kit, side, text: brackets(kit, side, text, "last"),
    "sgpt": lambda kit, side, text: everything(kit.enc(text), "ramp"),
    "sgpt-specb": lambda kit, side, text: brackets(kit, side, text, "ramp"),
    "prompteol": eol,
    "prompteol-icl": lambda kit, side, text: eol(kit, side, text, SHOT),
    "repllama": repllama,
    "udever": udever,
    "e5-instruct": e5,
    "echo": echo,
    "echo-trained": lambda kit, side, text: echo_trained(kit, side, text, "last"),
    "echo-trained-mean": lambda kit, side, text: echo_trained(kit, side, text, "mean"),
    "llm2vec": llm2vec,
    "llm2vec-plain": llm2vec_plain,
    "gritlm": gritlm,
    "bge-en-icl": bge_icl,
    "qwen3-embedding": qwen3,
    "gte-qwen2-instruct": gte,
}
