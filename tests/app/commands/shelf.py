"""What the tests of the command line share: a runner, a model of 170 kB that really embeds and writes, a few files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from app.cli import program

ROOT = Path(__file__).parents[3]
PERMIT = "# Permits\n\nA permit may be extended twice. The board of the harbour decides.\n"
TEA = "龙井茶产于杭州西湖。每年清明节前采摘的茶叶最为珍贵。水温以八十五度为宜。\n"
RED = "\x1b[31mA red warning\x1b[0m that would colour a terminal, and [bold]markup[/bold] that would embolden it.\n"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else, of a command that succeeded."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def twofold(*words: Any, stdin: str = "") -> Ran:
    """Run a command in this process."""
    result = CliRunner().invoke(program, [str(word) for word in words], input=stdin, prog_name="twofold")
    return Ran(result.exit_code, result.stdout, result.stderr)


def started(*words: Any, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a process of its own, as a shell would."""
    line = [sys.executable, "-c", "from app.cli import main; main()", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(line, env=environment, cwd=ROOT, **{**pipes, **options})


def write_files(folder: Path) -> Path:
    """A folder with two topics in two languages, a copy, a file that cannot be read and one of no known type."""
    (folder / "old").mkdir(parents=True)
    (folder / "permits.md").write_text(PERMIT, encoding="utf-8")
    (folder / "old" / "permits.md").write_text(PERMIT, encoding="utf-8")
    (folder / "茶.txt").write_text(TEA, encoding="utf-8")
    (folder / "red.txt").write_text(RED, encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (folder / "picture.xyz").write_bytes(b"\x00\x01")
    return folder


def write_beir(folder: Path) -> Path:
    """Two documents, two questions, and which answers which."""
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": "d1", "title": "Permits", "text": PERMIT}, {"_id": "d2", "title": "", "text": TEA}]
    queries = [{"_id": "q1", "text": "who extends a permit"}, {"_id": "q2", "text": "龙井茶"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n", encoding="utf-8")
    return folder
