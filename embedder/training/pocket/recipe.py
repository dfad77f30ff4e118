"""The bundled model's recipe: what is read, in which proportion, for how many steps; a function a stage, all resumable.

Every stage leaves a file in the work folder and is skipped when the file is there. It knows the other modules of this
package and nothing of the application.
"""

from __future__ import annotations

import json
import logging
import math
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from embedder.training.picture import curve
from embedder.training.pocket import corpus, export, layers, lessons, table, teachers
from embedder.training.pocket import tokenizer as pieces
from embedder.training.pocket.corpus import Pair
from embedder.training.pocket.table import Ids, Taught
from embedder.training.pocket.table import Recipe as TableRecipe

log = logging.getLogger(__name__)

Paired = dict[str, tuple[list[Ids], list[Ids]]]
VOCABULARY = 32_768
LIKED = {  # a source is drawn by the square root of its size (12,000 at most) times this
    "cloze_en": 3.0, "cloze_zh": 1.5, "stdlib": 1.5, "cedict": 3.0, "scifact_train_en": 2.0, "medquad_en": 1.5,
    "openstax_sections_en": 2.0, "classical_modern_zh": 0.3, "tldr_en_zh": 0.7, "factbook_qa_en": 0.4,
    "laws_articles_zh": 0.4, "cmrc2018_trial_zh": 2.0, "drcd_dev_zh": 2.0, "clapnq_train_qa_en": 2.0,
    "cosqa_dev_en": 1.5, "covid_qa_en": 1.5, "tatoeba_en_zh": 1.5, "python_docs_en_zh": 1.5,
}  # fmt: skip
SEEN = (
    ("minilm", "short_en", 141_294), ("minilm", "long_en", 12_288),
    ("e5", "short_en", 40_960), ("e5", "short_zh", 45_056),
)  # fmt: skip
SHARPNESS = {"minilm": 0.05, "e5": 0.012}  # a teacher's own temperature: e5's cosines crowd together
LEVEL = {"minilm": 40.0, "e5": 0.0}  # so only MiniLM's are worth matching in height
TABLE = table.Recipe(steps=2500, rate=0.006, temperature=0.04, block=256, distil=2.0)
CLOSER = table.Recipe(
    steps=600, rate=0.005, temperature=0.04, pairs=768, block=256, distil=6.0, near=0.1, seed=7
)  # how like are two like texts: what similarity is about, and the neighbours' order does not say
LATER = replace(CLOSER, steps=900)  # the same for a mean of tables, whose rows are first made so much longer:
LONGER = 1.6  # a step then turns them less
SCENES = 45_056
LAYERS = layers.Recipe(
    steps=500, rate=6e-4, embedding_rate=5e-5, pairs=64, block=32, contrast=1.5, often=4, reading=2.0, near=0.1,
    warm_up=60,
)  # fmt: skip
TAIL = 0.9  # what dimensions beyond the 256th weigh: they tell passages apart, and similar sentences hardly


class Kitchen:
    """The work folder of a run: raw data in, one file a stage out; what is learnt is learnt on `device`."""

    def __init__(self, data: Path, work: Path, device: torch.device) -> None:
        self.data, self.work, self.device = data, work, device
        work.mkdir(parents=True, exist_ok=True)

    @cached_property
    def banned(self) -> frozenset[int]:
        """Hashes of what no stage may learn from; reading every test set takes a while."""
        return corpus.evaluation_hashes(self.data)

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns, made once and pickled in the work folder (our own files only)."""
        file = self.work / name
        if not file.exists():
            log.info("making %s", name)
            part = file.with_suffix(".part")
            part.write_bytes(pickle.dumps(make()))
            part.replace(file)
        return pickle.loads(file.read_bytes())

    def tokenizer(self) -> Tokenizer:
        """Stage one."""
        file = self.work / "tokenizer.json"
        if not file.exists():
            pairs = sorted(corpus.pairs(self.data, frozenset()), key=lambda p: corpus.coin(p.query))
            texts = [*corpus.plain(self.data, "en", 30_000_000), *corpus.plain(self.data, "zh", 6_000_000)]
            texts += [p.query for p in pairs[:150_000]] + [p.positive[:400] for p in pairs[:60_000]]
            texts += [*corpus.repeated("en", 2_000_000), *corpus.repeated("zh", 3_000_000)]
            pieces.save(pieces.train(texts, VOCABULARY), self.work)
        return Tokenizer.from_file(str(file))

    def _groups(self) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """For each token the number of its group; pairs of a group and one that it is composed with."""
        forms = pieces.canonical(self.tokenizer(), corpus.dictionary()[1])
        number = {form: n for n, form in enumerate(dict.fromkeys(forms))}
        return np.array([number[f] for f in forms]), [(number[a], number[b]) for a, b in pieces.parts(forms)]

    def ids(self, texts: Iterable[str], tokens: int, characters: int) -> list[Ids]:
        """Groups of the first tokens of each text."""
        groups = self.groups()
        encoded = self.tokenizer().encode_batch([t[:characters] for t in texts], add_special_tokens=False)
        return [groups[np.array(e.ids[:tokens] or [0])].astype(np.int32) for e in encoded]

    def groups(self) -> np.ndarray:
        """For each token the number of its group, 0 to the count of groups."""
        return np.asarray(self.kept("groups.pkl", self._groups)[0])

    def pairs(self) -> Paired:
        """Stage two: every source of pairs as ids."""
        return dict(self.kept("pairs.pkl", self._pairs))

    def _pairs(self) -> Paired:
        found: dict[str, list[Pair]] = {}
        for pair in self._sources():
            found.setdefault(pair.source, []).append(pair)
        return {
            source: (self.ids([p.query for p in rows], 64, 300), self.ids([p.positive for p in rows], 192, 1200))
            for source, rows in found.items()
        }

    def _sources(self) -> Iterator[Pair]:
        yield from corpus.pairs(self.data, self.banned)
        for lang, characters in (("en", 110_000_000), ("zh", 40_000_000)):
            for pair in corpus.cloze(corpus.plain(self.data, lang, characters)):
                yield Pair(pair.query, pair.positive, f"cloze_{lang}")
        yield from corpus.docstrings()
        yield from corpus.dictionary()[0]

    def taught(self) -> dict[str, Taught]:
        """Stage three: the teachers' lessons, and MiniLM's English vectors given to the Chinese halves of bitext."""
        lists = {a.name: a for a in lessons.lessons(self.data, self.banned, self.work)}
        ids = {n: self._lesson_ids(n, lists[n].texts) for _, n, _ in SEEN}
        found = {}
        for teacher, name, count in SEEN:
            lesson = lists[name]
            folder = self.work / "teachers" / teacher / name
            vectors = teachers.cached(teacher, lesson.texts[:count], lesson.side, folder, self.device)
            found[f"{teacher}_{name}"] = Taught(ids[name][:count], vectors, SHARPNESS[teacher], LEVEL[teacher])
        vectors = found["minilm_short_en"].vectors
        rows, chinese = self.kept("bitext.pkl", lambda: self._bitext(lists["short_en"].texts[: len(vectors)]))
        both = [ids["short_en"][i] for i in rows] + chinese
        twice = np.concatenate([vectors[rows], vectors[rows]])
        found["minilm_bitext"] = Taught(both, twice, SHARPNESS["minilm"], LEVEL["minilm"])
        found["e5_words"] = self._listed("e5", "words", lessons.words)
        return found | {"e5_short": merged(found.pop("e5_short_en"), found.pop("e5_short_zh"))}

    def wordless(self) -> dict[str, Taught]:
        """The same without words that stand alone: they help across languages, and cost whatever is a sentence."""
        return {name: taught for name, taught in self.taught().items() if name != "e5_words"}

    def closer(self, first: dict[str, Taught]) -> dict[str, Taught]:
        """Lessons in which like texts stand together: scenes, changed sentences, and those of `first` that do."""
        lists = {a.name: a.texts for a in lessons.lessons(self.data, self.banned, self.work)}
        vectors = first["e5_short"].vectors
        sizes = {name: count for teacher, name, count in SEEN if teacher == "e5"}
        parts = {"en": vectors[: sizes["short_en"]], "zh": vectors[sizes["short_en"] :]}
        halves = [
            self._listed("e5", f"edits_{lang}", partial(lessons.edits, lists[f"short_{lang}"], part, lang))
            for lang, part in parts.items()
        ]
        english, chinese = self.kept("scenes.pkl", lambda: lessons.scenes(self.banned, SCENES))
        told = self._listed("e5", "scenes_en", lambda: english)
        heard = self._listed("e5", "scenes_zh", lambda: chinese)
        seen = self._listed("minilm", "scenes_en", lambda: english)
        both = merged(seen, Taught(heard.ids, seen.vectors, seen.temperature, seen.level))
        return {
            "e5_edits": merged(*halves), "e5_scenes": merged(told, heard), "minilm_scenes": both,
            "e5_short": first["e5_short"], "minilm_bitext": first["minilm_bitext"],
        }  # fmt: skip

    def _listed(self, teacher: str, name: str, make: Callable[[], list[str]]) -> Taught:
        """A list of short texts, its ids and what a teacher says of it, each kept."""
        texts = self.kept(f"texts_{name}.pkl", lambda: [t for t in make() if corpus.fold(t) not in self.banned])
        vectors = teachers.cached(teacher, texts, "query", self.work / "teachers" / teacher / name, self.device)
        return Taught(self._lesson_ids(name, texts), vectors, SHARPNESS[teacher], LEVEL[teacher])

    def _lesson_ids(self, name: str, texts: list[str]) -> list[Ids]:
        return list(self.kept(f"{name}.pkl", lambda: self.ids(texts, 110, lessons.LONG)))

    def _bitext(self, english: list[str]) -> tuple[list[int], list[Ids]]:
        at = {text: i for i, text in enumerate(english)}
        rows, texts = [], []
        for pair in corpus.pairs(self.data, self.banned):
            row = at.get(pair.query[: lessons.SHORT])
            if pair.source in lessons.BITEXT and row is not None:
                rows.append(row)
                texts.append(pair.positive[: lessons.SHORT])
        return rows, self.ids(texts, 110, lessons.LONG)

    def table(self) -> torch.Tensor:
        """Stage four: the mean of two tables, which err in different places; one is itself the mean of two."""
        with_words = self.kept("with_words.pkl", lambda: self._first("table", self.taught()))
        without = self.kept("without_words.pkl", lambda: self._first("table without words", self.wordless()))
        one = self.kept("one.pkl", lambda: self._nearer("closer", with_words, CLOSER))
        mean = LONGER * (with_words + without) / 2
        other = self.kept("other.pkl", lambda: self._nearer("closer of the mean", mean, LATER))
        return (functional.normalize(one, dim=1) + functional.normalize(other, dim=1)) / 2

    def _first(self, stage: str, taught: dict[str, Taught]) -> torch.Tensor:
        pairs = self.pairs()
        rows = table.start(rarity(pairs, int(self.groups().max()) + 1), TABLE.width, TABLE.seed).to(self.device)
        self._logged(stage, TABLE, table.train(rows, pairs, liking(pairs), taught, TABLE, self._parts()))
        return rows.cpu()

    def _nearer(self, stage: str, start: torch.Tensor, recipe: TableRecipe) -> torch.Tensor:
        pairs, rows, parts = self.pairs(), start.clone().to(self.device), self._parts()
        lessons_of_like = self.closer(self.wordless())
        self._logged(stage, recipe, table.train(rows, pairs, liking(pairs), lessons_of_like, recipe, parts))
        return table.composed(rows, parts).cpu()

    def _parts(self) -> torch.Tensor:
        return torch.tensor(self.kept("groups.pkl", self._groups)[1]).T

    def decoder(self) -> Any:
        """Stage five: the layers, resumed from the last checkpoint."""
        model = layers.build(self.table(), layers=2)
        torch.nn.Module.to(model, self.device)  # its own method is typed as that of no instance
        pairs, taught = self.pairs(), self.wordless()
        lessons_of_both = taught | self.closer(taught)
        steps = layers.train(model, pairs, liking(pairs), lessons_of_both, LAYERS, self.work / "layers.pt")
        self._logged("layers", LAYERS, steps)
        return layers.softened(model, 256, TAIL)

    def ship(self, folder: Path) -> None:
        """Stage six, and a picture of each stage."""
        export.export(layers.expand(self.decoder(), self.groups()), self.work / "tokenizer.json", folder)
        for stage in ("table", "layers"):
            (self.work / f"{stage}.svg").write_text(self.curve(stage), "utf-8")

    def curve(self, stage: str) -> str:
        """What a stage had to learn from its teachers, step by step, as an SVG made from the run's log."""
        rows = [json.loads(line) for line in (self.work / "log.jsonl").read_text("utf-8").splitlines()]
        return curve([row | {"loss": row["imitation"]} for row in rows if row["stage"] == stage and "step" in row])

    def _logged(self, stage: str, recipe: Any, steps: Iterable[tuple[int, float, float]]) -> None:
        """Run a stage, with a line of JSON for every ten steps in `log.jsonl`."""
        started = time.monotonic()
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"stage": stage, "recipe": asdict(recipe)}) + "\n")
            for step, met, told in steps:
                if step % 10 == 9:
                    seconds = round(time.monotonic() - started, 1)
                    row = {"stage": stage, "step": step + 1, "contrast": met, "imitation": told, "seconds": seconds}
                    out.write(json.dumps(row) + "\n")
                    out.flush()
                    log.info("%s %d: contrast %.3f, imitation %.3f, %.0f s", stage, step + 1, met, told, seconds)


def merged(a: Taught, b: Taught) -> Taught:
    """Two lists of one teacher as one: its similarities across the two languages are taught as well."""
    return Taught(a.ids + b.ids, np.concatenate([a.vectors, b.vectors]), a.temperature, a.level)


def liking(pairs: Paired) -> dict[str, float]:
    """How often each source is drawn."""
    return {s: math.sqrt(min(len(q), 12_000)) * LIKED.get(s, 1.0) for s, (q, _) in pairs.items()}


def rarity(pairs: Paired, groups: int) -> np.ndarray:
    """Inverse document frequency over the passages, mean 1, (groups,): what a token weighs before training."""
    seen, count = np.zeros(groups), 0
    for _, passages in pairs.values():
        count += len(passages)
        for passage in passages:
            seen[np.unique(passage)] += 1
    found = np.log((count + 1) / (seen + 1))
    return np.asarray(found / found.mean())
