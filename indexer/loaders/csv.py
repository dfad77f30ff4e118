"""Comma, semicolon and tab separated values."""

import csv
import io

from indexer.loaders import tabular
from indexer.loaders.document import Draft, Loaded
from indexer.loaders.table import Job
from indexer.loaders.text import decoded


def read(data: bytes, job: Job) -> Loaded:
    """Every row."""
    text, encoding = decoded(data, job)
    csv.field_size_limit(job.limits.characters)
    draft = Draft(job.limits)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter(text, job.name), skipinitialspace=True)
    tabular.write(draft, rows)
    return draft.done("csv", encoding=encoding)


def delimiter(text: str, name: str) -> str:
    """What separates the cells: told by the name, or the mark that splits the first lines most evenly."""
    if name.lower().endswith(".tsv"):
        return "\t"
    sample = [line for line in text[:20_000].split("\n")[:20] if line.strip()]

    def evenness(mark: str) -> tuple[float, int]:
        counts = [line.count(mark) for line in sample]
        usual = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(usual) / len(counts) if usual else 0.0), usual

    return max(",;\t|", key=evenness)
