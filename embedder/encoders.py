"""Encoder baselines as rows of the same kind: what a bidirectional masked model puts around a text, and pools.

"before" and "after" are what its tokenizer adds by itself ([CLS] and [SEP], <s> and </s>, nothing and </s>).
A pooled {before} alone is pooling by [CLS]; nothing marked is the mean of all tokens.
"""

from embedder.instructions import INSTRUCTIONS
from embedder.row import Method, Pool

PLAIN = "{before}{text}{after}"
BGE_ZH = "为这个句子生成表示以用于检索相关文章："


def _row(name: str, title: str, source: str, query: str, document: str, pool: Pool, instruction: str = "") -> Method:
    return Method(name, title, source, query, document, pool, causal=False, trained=True, instruction=instruction)


TABLE = (
    _row("sbert", "Sentence-BERT (mean)", "Reimers & Gurevych 2019, arXiv:1908.10084", PLAIN, PLAIN, "mean"),
    _row(
        "simcse",
        "SimCSE ([CLS])",
        "Gao et al. 2021, arXiv:2104.08821",
        "{before:pool}{text}{after}",
        "{before:pool}{text}{after}",
        "last",
    ),
    _row("sentence-t5", "Sentence-T5", "Ni et al. 2021, arXiv:2108.08877", PLAIN, PLAIN, "mean"),
    _row("gtr", "GTR", "Ni et al. 2021, arXiv:2112.07899", PLAIN, PLAIN, "mean"),
    _row(
        "instructor",
        "Instructor",
        "Su et al. 2022, arXiv:2212.09741",
        "{before}{instruction}{text:pool}{after:pool}",
        "{before}Represent the document for retrieval:{text:pool}{after:pool}",
        "mean",
        "Represent the question for retrieving supporting documents:",
    ),
    _row(
        "e5",
        "E5",
        "Wang et al. 2022, arXiv:2212.03533",
        "{before}query: {text}{after}",
        "{before}passage: {text}{after}",
        "mean",
    ),
    _row(
        "e5-encoder-instruct",
        "Multilingual E5 with instructions",
        "Wang et al. 2024, arXiv:2402.05672",
        "{before}Instruct: {instruction}\nQuery: {text}{after}",
        PLAIN,
        "mean",
        INSTRUCTIONS["retrieval"],
    ),
    _row(
        "bge",
        "BGE, English",
        "Xiao et al. 2023, arXiv:2309.07597",
        "{before:pool}Represent this sentence for searching relevant passages: {text}{after}",
        "{before:pool}{text}{after}",
        "last",
    ),
    _row(
        "bge-zh",
        "BGE, Chinese",
        "Xiao et al. 2023, arXiv:2309.07597",
        "{before:pool}" + BGE_ZH + "{text}{after}",
        "{before:pool}{text}{after}",
        "last",
    ),
    _row(
        "promptbert",
        "PromptBERT",
        "Jiang et al. 2022, arXiv:2201.04337",
        '{before}This sentence of "{text}" means{mask:pool}.{after}',
        '{before}This sentence of "{text}" means{mask:pool}.{after}',
        "last",
    ),
    _row(
        "promptroberta",
        "PromptBERT, RoBERTa",
        "Jiang et al. 2022, arXiv:2201.04337",
        "{before}This sentence : ' {text} ' means{mask:pool}.{after}",
        "{before}This sentence : ' {text} ' means{mask:pool}.{after}",
        "last",
    ),
)
ENCODERS: dict[str, Method] = {row.name: row for row in TABLE}
