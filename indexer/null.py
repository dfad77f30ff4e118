"""How well do questions about nothing here score? The null distribution behind "not in your files".

A cosine of 0.4 is a hit in one space and noise in another. So each space keeps the best dense scores of questions
that its collection cannot answer: questions of other worlds, and words of its own documents shuffled together. A real
question's best score is then read as a p-value: how often does a question about nothing score as high?
"""

import random
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from indexer import catalogue as c
from indexer.catalogue import Catalogue
from indexer.records import Space
from indexer.search import Searcher

if TYPE_CHECKING:
    from embedder.embedder import Embedder

GROWN = 1.25  # scores are taken again when a collection has grown or shrunk by this factor
SHUFFLED = 48
AT_ONCE = 8  # questions embedded together: a reader's own question waits for no more
FOREIGN = (
    "how long should a sourdough starter rest before baking",
    "which tyre pressure suits a mountain bike on wet roots",
    "what is the offside rule in football",
    "best month to prune an apple tree",
    "how do I remove red wine from a wool carpet",
    "who composed the opera about a barber in Seville",
    "ferry times to the northern islands in winter",
    "why does my cat knead the blanket",
    "how to tune a twelve string guitar by ear",
    "what visa does a sailor need for a stop in Panama",
    "recipe for lentil soup with smoked paprika",
    "how high did the tallest sunflower grow",
    "can goldfish see ultraviolet light",
    "when was the first lighthouse with a rotating lens lit",
    "how to fold an origami crane",
    "which knots hold a hammock between two palms",
    "does a vintage pocket watch need oil every year",
    "what do hedgehogs eat in autumn",
    "how to score a strike in ten pin bowling",
    "why do flamingos stand on one leg",
    "how are marbles made from glass",
    "which dance steps belong to a Viennese waltz",
    "what is the record for skipping stones",
    "how to whiten old piano keys",
    "家里的多肉植物多久浇一次水",
    "怎样把旧毛衣改成手套",
    "红烧肉要炖多长时间才软烂",
    "羽毛球双打的发球顺序是什么",
    "去海边露营需要带哪些东西",
    "吉他换弦之后为什么总是跑音",
    "小狗换牙的时候可以吃什么",
    "京剧脸谱的颜色各代表什么",
    "怎么判断西瓜熟了没有",
    "冬天骑自行车戴什么手套暖和",
    "风筝为什么要有一条长尾巴",
    "围棋里的打劫是什么意思",
)
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,4}|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{3,}"
)


def questions(connection: Connection, *, seed: int = 7) -> list[str]:
    """Questions that the collection has no answer to, about half of them made of its own words."""
    return [*FOREIGN, *_shuffled(connection, random.Random(seed))]


def _shuffled(connection: Connection, chance: random.Random) -> list[str]:
    last = connection.execute(select(func.max(c.chunk.c.id))).scalar() or 0
    wanted = sorted({chance.randint(1, last) for _ in range(4 * SHUFFLED)}) if last else []
    body = func.substr(c.document.c.text, c.chunk.c.start + 1, c.chunk.c.end - c.chunk.c.start)
    rows = select(body).join(c.document, c.document.c.id == c.chunk.c.document_id).where(c.chunk.c.id.in_(wanted))
    pool = [_WORD.findall(text) for text in connection.execute(rows).scalars()]
    pool = [found for found in pool if len(found) > 3]
    if len(pool) < 4:
        return []
    return [" ".join(chance.choice(found) for found in chance.sample(pool, min(len(pool), 7))) for _ in range(SHUFFLED)]


def p_value(null: Sequence[float], score: float) -> float:
    """How likely a question about nothing scores at least this high: (1 + those that did) / (1 + all of them).

    The "+1" keeps the value above zero: n questions cannot show that anything is rarer than 1 in n (Davison and Hinkley
    1997, section 4.2).
    """
    return (1 + sum(one >= score for one in null)) / (1 + len(null))


class Nulls:
    """The null distributions of a collection's spaces, kept in their rows."""

    def __init__(self, catalogue: Catalogue, searcher: Searcher) -> None:
        """`searcher` is asked for the best score of each question."""
        self.catalogue, self.searcher = catalogue, searcher

    def p_value(self, space: int, score: float) -> float | None:
        """The p-value of a best dense score in a space; None where nothing was measured."""
        scores = self._row(space).get("scores")
        return p_value(scores, score) if scores else None

    def fit(self, space: int, embedder: "Embedder") -> list[float]:
        """Ask the questions, and keep the best scores, lowest first, with the number of chunks there were."""
        view = self.searcher.view(space, embedder.dim)
        with self.catalogue.read() as connection:
            view.refresh(connection)
            asked = questions(connection)
            chunks = connection.execute(select(func.count()).select_from(c.chunk)).scalar() or 0
        few = (asked[at : at + AT_ONCE] for at in range(0, len(asked), AT_ONCE))
        near = [view.search(vector, 1).scores for part in few for vector in embedder.queries(part)]
        scores = sorted(round(float(found[0]), 5) for found in near if len(found))
        with self.catalogue.write() as connection:
            values = {"scores": scores, "chunks": chunks}
            connection.execute(update(c.space).where(c.space.c.id == space).values(null=values))
        return scores

    def keep_up(self, space: Space, embedder: "Embedder") -> None:
        """Measure again where the collection has changed much since, or was never measured."""
        before = self._row(space.id).get("chunks", 0)
        now = space.vectors + space.missing
        if space.vectors and (not before or not before / GROWN < now < before * GROWN):
            self.fit(space.id, embedder)

    def _row(self, space: int) -> dict[str, Any]:
        with self.catalogue.read() as connection:
            return connection.execute(select(c.space.c.null).where(c.space.c.id == space)).scalar() or {}
