"""The recipes table: the published ways to train a decoder as an embedder, with the figures of their papers.

Where a figure is not in the paper or its code, the row's note says whose it is.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from embedder.training.recipe import Recipe, Stage

MNTP = Stage(
    "mntp", "mntp", "lora", rate=5e-5, batch=32, steps=1000, rank=16, alpha=32, dropout=0.05, document_tokens=512
)
SIMCSE = Stage(
    "simcse", "contrast", "lora", rate=3e-5, batch=128, views="twice", temperature=0.05, rank=16, alpha=32,
    dropout=0.05, attention_dropout=0.3, query_tokens=128, document_tokens=128, steps=1000,
)  # fmt: skip
SUPERVISED = Stage(
    "supervised", "contrast", "lora", rate=2e-4, batch=512, temperature=0.02, negatives=1, rank=16, alpha=32,
    dropout=0.05, steps=1000, warm_up=300,
)  # fmt: skip

TABLE = (
    Recipe(
        name="llm2vec",
        title="LLM2Vec: both ways, masked next tokens, then SimCSE",
        source="BehnamGhader et al. 2024, arXiv:2404.05961",
        method="llm2vec",
        plain="llm2vec-plain",
        stages=(MNTP, SIMCSE, replace(SUPERVISED, optional=True)),
        note="needs texts only; --stages mntp,simcse,supervised adds labelled pairs",
    ),
    Recipe(
        name="simcse",
        title="SimCSE on the plain mean",
        source="Gao et al. 2021, arXiv:2104.08821; figures of LLM2Vec's second stage",
        method="mean",
        stages=(SIMCSE,),
        note="texts only; the model stays causal",
    ),
    Recipe(
        name="e5",
        title="E5 with instructions",
        source="Wang et al. 2024, arXiv:2401.00368",
        method="e5-instruct",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "lora",
                rate=1e-4,
                batch=2048,
                temperature=0.02,
                negatives=1,
                rank=16,
                alpha=32,
                steps=1000,
                warm_up=100,
                decay=0.1,
            ),
        ),
        note="alpha is LLM2Vec's: the paper gives the rank only",
    ),
    Recipe(
        name="sgpt",
        title="SGPT: biases alone, position-weighted mean",
        source="Muennighoff 2022, arXiv:2202.08904",
        method="sgpt-specb",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "bitfit",
                rate=4e-4,
                batch=256,
                temperature=0.05,
                negatives=1,
                query_tokens=300,
                document_tokens=300,
                epochs=10,
                warm_up=1000,
            ),
        ),
    ),
    Recipe(
        name="prompteol",
        title="PromptEOL with contrastive fine-tuning",
        source="Jiang et al. 2023, arXiv:2307.16645",
        method="prompteol",
        stages=(
            Stage(
                "cse",
                "contrast",
                "lora",
                rate=5e-4,
                batch=256,
                temperature=0.05,
                negatives=1,
                rank=64,
                alpha=16,
                dropout=0.05,
                query_tokens=32,
                document_tokens=32,
                epochs=1,
                warm_up=100,
            ),
        ),
        note="choose the checkpoint on STS-B with --dev",
    ),
    Recipe(
        name="prompteol-icl",
        title="PromptEOL, the best demonstration searched for",
        source="Jiang et al. 2023, arXiv:2307.16645",
        method="prompteol-icl",
        stages=(Stage("search", "search", "nothing"),),
        note="trains nothing; needs --dev, and takes demonstrations from --data (query: sentence, positive: word)",
    ),
    Recipe(
        name="repllama",
        title="RepLLaMA",
        source="Ma et al. 2023, arXiv:2310.08319",
        method="repllama",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "lora",
                rate=1e-4,
                batch=128,
                temperature=0.01,
                negatives=15,
                rank=32,
                alpha=64,
                dropout=0.1,
                skipped=("k_proj",),
                query_tokens=32,
                document_tokens=196,
                warm_up=100,
            ),
        ),
    ),
    Recipe(
        name="udever",
        title="UDEVER: four new tokens and the biases",
        source="Zhang et al. 2023, arXiv:2310.08232",
        method="udever",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "tokens+bitfit",
                rate=1e-4,
                batch=1024,
                temperature=0.05,
                negatives=1,
                query_tokens=300,
                document_tokens=300,
                epochs=3,
                warm_up=200,
                schedule="constant_with_warmup",
            ),
        ),
        note="the temperature is SGPT's, 200 steps of warm-up are ours: the card says a quarter of an epoch",
    ),
    Recipe(
        name="cpt",
        title="cpt-text: symmetric, learnt temperature",
        source="Neelakantan et al. 2022, arXiv:2201.10005",
        method="cpt-text",
        stages=(
            Stage(
                "contrast",
                "contrast",
                "all",
                rate=2e-5,
                batch=12288,
                temperature=0.07,
                learnt_temperature=True,
                symmetric=True,
                warm_up=100,
            ),
        ),
        note="rate, warm-up and first temperature are ours: the paper does not give them",
    ),
    Recipe(
        name="gtr",
        title="GTR-style: both directions on the plain mean",
        source="Ni et al. 2021, arXiv:2112.07899",
        method="mean",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "all",
                rate=2e-5,
                batch=2048,
                temperature=0.01,
                symmetric=True,
                negatives=1,
                query_tokens=64,
                document_tokens=256,
                warm_up=100,
            ),
        ),
        note="the paper's model is T5's encoder; the rate for a decoder is ours",
    ),
    Recipe(
        name="echo",
        title="Echo, trained",
        source="Springer et al. 2024, arXiv:2402.15449",
        method="echo-trained",
        stages=(
            Stage(
                "supervised",
                "contrast",
                "lora",
                rate=8e-4,
                batch=2048,
                temperature=0.02,
                negatives=1,
                rank=16,
                alpha=16,
                warm_up=100,
            ),
        ),
        note="warm-up is ours: the training code was not released",
    ),
    Recipe(
        name="gritlm",
        title="GritLM: embedding and writing at once",
        source="Muennighoff et al. 2024, arXiv:2402.09906",
        method="gritlm",
        stages=(
            Stage(
                "joint",
                "joint",
                "all",
                rate=2e-5,
                batch=2048,
                temperature=0.02,
                negatives=1,
                query_tokens=256,
                document_tokens=2048,
                steps=1253,
                warm_up=38,
                generate_weight=1.0,
                generate_share=0.125,
            ),
        ),
        note="writing is trained on --generate, else on the documents themselves",
    ),
)
RECIPES: dict[str, Recipe] = {row.name: row for row in TABLE}


def find_recipe(name: str) -> Recipe:
    """The row called `name`; a ValueError names the nearest one and all there are."""
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"no recipe called {name!r}{hint} Recipes: {', '.join(RECIPES)}")
