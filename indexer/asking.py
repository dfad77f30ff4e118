"""Questions that a language model writes for passages, by prompting twice. Knows no collection and no method.

First the model thinks of tasks that readers of such files would search for, then it writes one query for one task and
one passage, as E5-mistral's synthetic data was made (Wang et al. 2024, arXiv:2401.00368, section 3.1 and appendix C:
there the passage was written too). What breaks the format asked for is dropped, and counted.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from embedder import INSTRUCTIONS, Message
from indexer.taking import Passage, Question

Ask = Callable[[list[Message], int], str]  # messages and the most tokens to write -> what was written
TASKS, TITLES = 20, 12
TASK_TOKENS, QUERY_TOKENS = 700, 96
LONGEST = 300  # characters of a question
PASSAGE = 3000  # characters of a passage that are shown
LENGTHS = ("at most five words", "five to fifteen words", "one or two whole sentences")
CLARITIES = ("clear", "understandable with some thought", "vague, as of somebody who does not know the right term")
READERS = ("somebody new to the subject", "somebody who works with it every day", "an expert")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
BRAINSTORM = (
    "These are the titles of some documents of one collection:\n{titles}\n\n"
    "Think of {count} different tasks for which people would search such a collection. Each task is one sentence that "
    'says what is given and what is to be found, such as "Given an error message, find the page that explains it".\n'
    "Answer with a JSON list of {count} strings and nothing else."
)
WRITE = (
    "Task: {task}\n\nPassage:\n{passage}\n\n"
    "Write one search query for this task that the passage answers. It is {length} long, {clarity}, and comes from "
    "{reader} who has not seen the passage. Write it in {language}; copy no phrase of the passage.\n"
    'Answer with one JSON object such as {{"query": "..."}} and nothing else.'
)


@dataclass(slots=True)
class Written:
    """Questions as they come, the tasks they were written for, and how many answers were of no use, by reason."""

    questions: list[Question] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)


def brainstorm(ask: Ask, titles: Sequence[str]) -> list[str]:
    """Tasks that the model thinks of; none where it does not answer with a list of sentences."""
    listed = "\n".join(f"- {title}" for title in titles[:TITLES])
    prompt = BRAINSTORM.format(titles=listed, count=TASKS)
    found = _json(ask([Message("user", prompt)], TASK_TOKENS), "[", "]")
    rows = found if isinstance(found, list) else []
    return list(dict.fromkeys(row.strip() for row in rows if isinstance(row, str) and 10 < len(row.strip()) < LONGEST))


def write(ask: Ask, passages: Sequence[Passage], *, seed: int = 0, stop: Event | None = None) -> Iterator[Written]:
    """One question for each passage; what there is so far after each one."""
    chance = random.Random(seed)
    titles = list(dict.fromkeys(passage.title for passage in passages if passage.title))
    made = Written(tasks=brainstorm(ask, titles))
    tasks = made.tasks or [INSTRUCTIONS["answer"]]
    for passage in passages:
        if stop is not None and stop.is_set():
            return
        prompt = WRITE.format(
            task=chance.choice(tasks), passage=passage.text[:PASSAGE], length=chance.choice(LENGTHS),
            clarity=chance.choice(CLARITIES), reader=chance.choice(READERS),
            language="Chinese" if CJK.search(passage.text) else "English",
        )  # fmt: skip
        said = _json(ask([Message("user", prompt)], QUERY_TOKENS), "{", "}")
        text = said.get("query") if isinstance(said, dict) else None
        reason = _wrong(text, passage)
        if reason:
            made.dropped[reason] = made.dropped.get(reason, 0) + 1
        else:
            line = " ".join(str(text).split())
            made.questions.append(Question(line, "written", passage.chunk, passage.path, passage.text))
        yield made


def _wrong(text: Any, passage: Passage) -> str:
    if not isinstance(text, str) or len(text.strip()) < 2:
        return "not in the form asked for"
    if len(text) > LONGEST:
        return "too long"
    return "copied from the passage" if text.strip().lower() in passage.text.lower() else ""


def _json(text: str, opens: str, closes: str) -> Any:
    """The first list or object in what was written; None where there is none."""
    start, end = text.find(opens), text.rfind(closes)
    if start < 0 or end <= start:
        return None
    try:
        return json.loads(text[start : end + 1])
    except ValueError:
        return None
