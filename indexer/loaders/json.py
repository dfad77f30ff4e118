"""JSON and JSON lines: each value beside the path that leads to it; the outermost list or object's parts are blocks."""

import json
from collections.abc import Iterator
from typing import Any

from indexer.loaders.document import Draft, Loaded, LoadError
from indexer.loaders.structure import code
from indexer.loaders.table import Job
from indexer.loaders.text import decoded

LINES = (".jsonl", ".ndjson")


def read(data: bytes, job: Job) -> Loaded:
    """The whole file; one damaged line of many is left out and said."""
    text, encoding = decoded(data, job)
    draft = Draft(job.limits)
    lines = job.name.lower().endswith(LINES)
    try:
        parts = parsed_lines(text, draft) if lines else parts_of(json.loads(text))
    except ValueError as error:  # comments in a settings file, a log of objects: the words are there all the same
        draft.notes.append(f"not valid JSON, read as plain text ({error})")
        parts = ((text[block.start : block.end], None) for block in code(text))
    for name, part in parts:
        draft.add("\n".join(flat(name, part)) if part is not None else name, "table")
    return draft.done("json", encoding=encoding)


def parsed_lines(text: str, draft: Draft) -> Iterator[tuple[str, Any]]:
    """Each line's value."""
    good, damaged = 0, 0
    for line in text.split("\n"):
        try:
            if line.strip():
                yield "", json.loads(line)
                good += 1
        except ValueError:
            damaged += 1
    if damaged:
        draft.notes.append(f"{damaged:,} of {good + damaged:,} lines are not JSON and were left out")
    if damaged > good:
        raise LoadError(f"damaged: {damaged:,} of {good + damaged:,} lines are not JSON")


def parts_of(value: Any) -> Iterator[tuple[str, Any]]:
    """The items of a list, the fields of an object, or the one value; plain fields stay together as one part."""
    if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        yield from (("", item) for item in value)
    elif isinstance(value, dict) and any(isinstance(item, list | dict) for item in value.values()):
        yield "", {name: item for name, item in value.items() if not isinstance(item, list | dict)}
        for name, item in value.items():
            if isinstance(item, list) and any(isinstance(part, list | dict) for part in item):
                yield from ((str(name), part) for part in item)
            elif isinstance(item, list | dict):
                yield str(name), item
    else:
        yield "", value


def flat(name: str, value: Any) -> Iterator[str]:
    """Lines "path: value", in order; a list of plain values is one line. A stack, for values nest deeply."""
    stack = [(name, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{path}.{key}" if path else str(key), item) for key, item in reversed(value.items())]
        elif isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
            stack += [(path, item) for item in reversed(value)]
        else:
            shown = ", ".join(map(plain, value)) if isinstance(value, list) else plain(value)
            if shown:
                yield f"{path}: {shown}" if path else shown


def plain(value: Any) -> str:
    """A value as text; nothing for null."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
