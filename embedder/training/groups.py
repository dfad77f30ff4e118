"""The six groups of synthetic data as rows (E5-mistral, arXiv:2401.00368): prompts, placeholders, keys of the answer.

The structure, the placeholders and their values are the paper's; the sentences are ours. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass

from embedder.instructions import INSTRUCTIONS

Choice = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One group. `weight`: thousands of examples in the paper. `tasks`: the first prompt, "" where there is none.

    `example`: the second prompt, filled with the choices of `values` and with `task`. `keys`: of the JSON that is
    wanted, as query, positive, negative (without a third: no negative). `apart`: values that must not occur in the
    first one.
    """

    name: str
    weight: float
    example: str
    values: dict[str, Choice]
    keys: tuple[str, ...]
    tasks: str = ""
    instruction: str = ""
    apart: bool = False


def even(*values: str) -> Choice:
    """Values that are equally likely."""
    return tuple((value, 1.0) for value in values)


LANGUAGE = (
    ("English", 0.43), ("Chinese", 0.12), ("Spanish", 0.08), ("French", 0.07), ("German", 0.07), ("Japanese", 0.06),
    ("Russian", 0.05), ("Arabic", 0.04), ("Portuguese", 0.04), ("Hindi", 0.04),
)  # fmt: skip
LEVEL = even("high school", "college", "PhD")
LIST = (
    "Answer with nothing but a JSON list of about 20 strings, each one task in one sentence. Vary the domains, and"
    " let no task be too narrow."
)
JSON_ONLY = "Answer with nothing but the JSON object, no explanation."
RETRIEVAL_TASKS = (
    "Think of possible text retrieval tasks. Two examples:\n"
    "- Given a complaint about a device, retrieve passages of manuals that solve it.\n"
    "- Retrieve reports of field work that answer a question about a region's plants.\n"
    "Say in each task what the query is and what the documents are. " + LIST
)
CLASS_TASKS = (
    "Think of possible text classification tasks. Two examples:\n"
    "- Decide which department of a town hall a letter is meant for.\n"
    "- Tell from a product review what the reviewer is unhappy about.\n" + LIST
)
SHORT_TASKS = (
    "Think of possible text matching tasks in which both the query and the document are very short (a sentence or a"
    " phrase). Three examples:\n- Given a headline, find one about the same event.\n- Match an idiom to another of the"
    " same meaning.\n- Given a definition, find its term.\n" + LIST
)
LONG_TASKS = (
    "Think of possible text matching tasks in which both the query and the document are long. Two examples:\n"
    "- Given a court's ruling, find another that rests on the same law.\n- Match a grant proposal to a report of"
    " similar work.\n" + LIST
)
MATCH = (
    'A text matching task: {task}\nWrite one example for it as a JSON object with the keys "input" (a text that the'
    ' task names) and "positive_document" (one that matches it by the task). Both are {length} and in {language}.'
    " Avoid that they share words; let them differ in form. " + JSON_ONLY
)

GROUPS = (
    Group(
        name="short-long",
        weight=167,
        tasks=RETRIEVAL_TASKS,
        example=(
            "A retrieval task: {task}\nWrite one example for it as a JSON object with the keys \"user_query\" (a query"
            " that the task names), \"positive_document\" (a document that serves the query) and"
            " \"hard_negative_document\" (one that seems to but serves it less).\n"
            "- The query is {query_type}, of {query_length} and {clarity}, about a topic of some variety.\n"
            "- Each document has at least {num_words} words and was written independently of the query: it does not"
            " repeat it.\n- All in {language}; to understand them takes {difficulty} education. " + JSON_ONLY
        ),
        values={
            "query_type": (("extremely long-tail", 0.4), ("long-tail", 0.5), ("common", 0.1)),
            "query_length": (("less than 5 words", 0.4), ("5 to 15 words", 0.4), ("at least 10 words", 0.2)),
            "clarity": (("clear", 0.6), ("understandable with some effort", 0.2), ("ambiguous", 0.2)),
            "num_words": even("50", "100", "200", "300", "400", "500"),
            "language": LANGUAGE,
            "difficulty": LEVEL,
        },
        keys=("user_query", "positive_document", "hard_negative_document"),
    ),
    Group(
        name="long-short",
        weight=122,
        tasks=CLASS_TASKS,
        example=(
            "A text classification task: {task}\nWrite one example for it as a JSON object with the keys"
            " \"input_text\" (a text to classify), \"label\" (its right label) and \"misleading_label\" (a wrong one"
            " that is near).\n- The text has {num_words} words, is varied in expression, and in {language}.\n- No label"
            " is repeated in the text; to classify it takes {difficulty} education. " + JSON_ONLY
        ),
        values={
            "num_words": even("less than 10", "at least 10", "at least 50", "at least 100", "at least 200"),
            "language": LANGUAGE,
            "difficulty": LEVEL,
        },
        keys=("input_text", "label", "misleading_label"),
        apart=True,
    ),
    Group(
        name="short-short",
        weight=13,
        tasks=SHORT_TASKS,
        example=MATCH,
        values={"length": even("very short: a sentence or a phrase"), "language": LANGUAGE},
        keys=("input", "positive_document"),
    ),
    Group(
        name="long-long",
        weight=17,
        tasks=LONG_TASKS,
        example=MATCH,
        values={"length": even("long: at least 300 words"), "language": LANGUAGE},
        keys=("input", "positive_document"),
    ),
    Group(
        name="sts",
        weight=99,
        example=(
            "Write three texts, each a {unit} in {language}, as a JSON object with the keys \"S1\", \"S2\" and \"S3\"."
            " How alike two of them mean is told on a scale of 1 to 5: S1 and S2 are at {high}, S1 and S3 at {low}."
            " All three share words. To understand them takes {difficulty} education. " + JSON_ONLY
        ),
        values={
            "unit": even("sentence", "phrase", "passage"),
            "high": even("4", "4.5", "5"),
            "low": even("2.5", "3", "3.5"),
            "language": LANGUAGE,
            "difficulty": even("elementary school", "high school", "college"),
        },
        keys=("S1", "S2", "S3"),
        instruction=INSTRUCTIONS["sts"],
    ),
    Group(
        name="bitext",
        weight=89,
        example=(
            "Write a JSON object with the keys \"S1\" (a {unit} in {source}), \"S2\" and \"S3\" (both in {target}). On"
            " a scale of 1 to 5 the meaning of S2 is at {high} to S1's, that of S3 at {low}: S3 reads well but errs in"
            " a number or a keyword, leaves something out or adds it. To understand them takes {difficulty} education. "
            + JSON_ONLY
        ),
        values={
            "unit": even("sentence", "phrase", "passage"),
            "source": LANGUAGE,
            "target": LANGUAGE,
            "high": even("4", "4.5", "5"),
            "low": even("1.5", "2", "2.5"),
            "difficulty": even("elementary school", "high school", "college"),
        },
        keys=("S1", "S2", "S3"),
        instruction=INSTRUCTIONS["parallel"],
    ),
)  # fmt: skip
BY_NAME: dict[str, Group] = {group.name: group for group in GROUPS}
