"""Methods as rows: how a text becomes pooled tokens. No tensor, tokenizer or model is known here.

A row is a template per side, a pooling, an attention and where it comes from; `prompt.build` reads it.
"""

import difflib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from embedder.instructions import INSTRUCTIONS
from embedder.template import Piece, parse

__all__ = ["INSTRUCTIONS", "METHODS", "Method", "Pool", "Side", "find_method", "with_demonstrations"]

Pool = Literal["last", "mean", "ramp"]
Side = Literal["query", "document"]

RETRIEVE = INSTRUCTIONS["retrieval"]
_pieces = lru_cache(maxsize=256)(parse)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to embed: templates for both sides, pooling over the marked tokens (all, if none is marked).

    `pool`: "last" takes the last pooled token, "mean" weighs all alike, "ramp" weighs the i-th by i.
    `trained`: weights not trained for the row give poor vectors. `instruction`: the default on the query side.
    """

    name: str
    title: str
    source: str
    query: str
    document: str
    pool: Pool
    causal: bool = True
    trained: bool = False
    instruction: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a row that could not be built later."""
        if self.pool not in get_args(Pool):
            raise ValueError(f"{self.name}: pool {self.pool!r} is not one of {', '.join(get_args(Pool))}")
        if self.wants_instruction and not self.instruction:
            raise ValueError(f"{self.name}: the query has {{instruction}}, so the row needs a default instruction")
        if any(piece.value == "instruction" for piece in self.pieces("document") if piece.kind == "field"):
            raise ValueError(f"{self.name}: documents carry no instruction, queries do")

    def pieces(self, side: Side) -> tuple[Piece, ...]:
        """The parsed template of a side."""
        if side not in get_args(Side):
            raise ValueError(f"side {side!r} is not one of {', '.join(get_args(Side))}")
        return _pieces(self.query if side == "query" else self.document)

    @property
    def wants_instruction(self) -> bool:
        """Whether the query side has a place for an instruction."""
        return any(piece.kind == "field" and piece.value == "instruction" for piece in self.pieces("query"))


EOL = 'This sentence : "{text}" means in one word:"'
ECHO = "{bos}Rewrite the following paragraph: {|}{text}{|}. The rewritten paragraph: {|}{text:pool}"
ECHO_QUERY = "{bos}Instruct:{|}{instruction},{|}\nQuery:{|}{text}{|}\nQuery again:{|}{text:pool}{eos:pool}"
ECHO_DOCUMENT = "{bos}Document:{|}{text}{|}\nDocument again:{|}{text:pool}{eos:pool}"
INSTRUCT = "Instruct: {instruction}\nQuery: {text}"
ICL_QUERY = "<instruct>{instruction}\n<query>{text}\n<response>{eos}"

TABLE = (
    Method(
        name="pocket",
        title="Pocket (instruction, bidirectional mean)",
        source="Twofold's bundled model",
        query="Instruct: {instruction}\nQuery: {text:pool}",
        document="{text:pool}",
        pool="mean",
        causal=False,
        trained=True,
        instruction=INSTRUCTIONS["answer"],
        note="the row the bundled model was trained with",
    ),
    Method(
        name="mean",
        title="Plain mean",
        source="baseline",
        query="{bos}{text:pool}",
        document="{bos}{text:pool}",
        pool="mean",
        note="the simplest training-free baseline",
    ),
    Method(
        name="last",
        title="Plain last token",
        source="baseline",
        query="{bos}{text}",
        document="{bos}{text}",
        pool="last",
        note="poor on untrained weights: the last token predicts the next one",
    ),
    Method(
        name="cpt-text",
        title="cpt-text",
        source="Neelakantan et al. 2022, arXiv:2201.10005",
        query="[{|}{text}{|}]",
        document="{{{|}{text}{|}}}",
        pool="last",
        trained=True,
        note="the closing delimiter is the vector, which only training makes informative",
    ),
    Method(
        name="sgpt",
        title="SGPT (symmetric)",
        source="Muennighoff 2022, arXiv:2202.08904",
        query="{text}",
        document="{text}",
        pool="ramp",
        note="position-weighted mean: later tokens have seen more",
    ),
    Method(
        name="sgpt-specb",
        title="SGPT (asymmetric, brackets)",
        source="Muennighoff 2022, arXiv:2202.08904",
        query="[{|}{text}{|}]",
        document="{{{|}{text}{|}}}",
        pool="ramp",
        trained=True,
    ),
    Method(
        name="prompteol",
        title="PromptEOL",
        source="Jiang et al. 2023, arXiv:2307.16645",
        query="{bos}" + EOL,
        document="{bos}" + EOL,
        pool="last",
        note="made for sentences; poor at retrieval",
    ),
    Method(
        name="repllama",
        title="RepLLaMA",
        source="Ma et al. 2023, arXiv:2310.08319",
        query="{bos}query: {text}{eos}",
        document="{bos}passage: {text}{eos}",
        pool="last",
        trained=True,
    ),
    Method(
        name="udever",
        title="UDEVER",
        source="Zhang et al. 2023, arXiv:2310.08232",
        query="{boq}{text}{eoq}",
        document="{bod}{text}{eod}",
        pool="last",
        trained=True,
        note="needs its four added vocabulary tokens",
    ),
    Method(
        name="e5-instruct",
        title="E5 with instructions",
        source="Wang et al. 2024, arXiv:2401.00368",
        query="{bos}" + INSTRUCT + "{eos}",
        document="{bos}{text}{eos}",
        pool="last",
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="echo",
        title="Echo",
        source="Springer et al. 2024, arXiv:2402.15449",
        query=ECHO,
        document=ECHO,
        pool="mean",
        note="the text twice, so that its second copy has seen all of it: the best training-free row, at twice the cost",
    ),
    Method(
        name="echo-trained",
        title="Echo, trained (last token)",
        source="Springer et al. 2024, arXiv:2402.15449",
        query=ECHO_QUERY,
        document=ECHO_DOCUMENT,
        pool="last",
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="echo-trained-mean",
        title="Echo, trained (mean)",
        source="Springer et al. 2024, arXiv:2402.15449",
        query=ECHO_QUERY,
        document=ECHO_DOCUMENT,
        pool="mean",
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="llm2vec",
        title="LLM2Vec (chat wrapper)",
        source="BehnamGhader et al. 2024, arXiv:2404.05961",
        query="{bos}{user}{instruction} {text:pool}{end_user:pool}",
        document="{bos}{user}{text:pool}{end_user:pool}",
        pool="mean",
        causal=False,
        trained=True,
        instruction=RETRIEVE + ":",
        note="without its training only Mistral tolerates the attention flip",
    ),
    Method(
        name="llm2vec-plain",
        title="LLM2Vec (base models)",
        source="BehnamGhader et al. 2024, arXiv:2404.05961",
        query="{bos}{instruction} {text:pool}",
        document="{bos}{text:pool}",
        pool="mean",
        causal=False,
        trained=True,
        instruction=RETRIEVE + ":",
        note="for backbones without a chat template",
    ),
    Method(
        name="gritlm",
        title="GritLM",
        source="Muennighoff et al. 2024, arXiv:2402.09906",
        query="{bos}<|user|>\n{instruction}\n<|embed|>\n{text:pool}",
        document="{bos}<|embed|>\n{text:pool}",
        pool="mean",
        causal=False,
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="bge-en-icl",
        title="BGE-en-ICL (no demonstrations)",
        source="Li et al. 2024, arXiv:2409.15700",
        query="{bos}" + ICL_QUERY,
        document="{bos}{text}{eos}",
        pool="last",
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="qwen3-embedding",
        title="Qwen3-Embedding",
        source="Zhang et al. 2025, arXiv:2506.05176",
        query="Instruct: {instruction}\nQuery:{text}{endoftext}",
        document="{text}{endoftext}",
        pool="last",
        trained=True,
        instruction=RETRIEVE,
    ),
    Method(
        name="gte-qwen2-instruct",
        title="gte-Qwen2-instruct",
        source="Li et al. 2023, arXiv:2308.03281",
        query=INSTRUCT + "{endoftext}",
        document="{text}{endoftext}",
        pool="last",
        causal=False,
        trained=True,
        instruction=RETRIEVE,
    ),
)


def with_demonstrations(name: str, demonstrations: tuple[tuple[str, ...], ...]) -> Method:
    """The row with other demonstrations before the text.

    "prompteol": (sentence, word) pairs. "bge-en-icl": (instruction, query, response) triples.
    """
    row = _ROWS[name.removesuffix("-icl") if name == "prompteol-icl" else name]
    if row.name == "prompteol":
        shots = "".join(f'This sentence : "{_inert(s)}" means in one word:"{_inert(w)}".' for s, w in demonstrations)
        template = "{bos}" + shots + EOL
        return replace(
            row, name="prompteol-icl", title="PromptEOL with a demonstration", query=template, document=template
        )
    if row.name == "bge-en-icl":
        shots = "".join(
            f"<instruct>{_inert(task)}\n<query>{_inert(query)}\n<response>{_inert(response)}\n\n"
            for task, query, response in demonstrations
        )
        return replace(
            row, title=f"BGE-en-ICL ({len(demonstrations)} demonstrations)", query="{bos}" + shots + ICL_QUERY
        )
    raise ValueError(f"{name} takes no demonstrations; prompteol and bge-en-icl do")


def _inert(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


_ROWS = {row.name: row for row in TABLE}
_EOL_ICL = with_demonstrations("prompteol", (("A jockey riding a horse.", "Equestrian"),))
METHODS: dict[str, Method] = dict(sorted({**_ROWS, _EOL_ICL.name: _EOL_ICL}.items()))


def find_method(name: str) -> Method:
    """The row called `name`; a ValueError names the nearest one and all there are."""
    if name in METHODS:
        return METHODS[name]
    near = difflib.get_close_matches(name, METHODS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"no method called {name!r}{hint} Methods: {', '.join(METHODS)}")
