"""A collection without a model: the hash engine under two methods, and a folder to write into."""

from pathlib import Path

import pytest
from hypothesis import settings

from embedder import Embedder, HashEngine, open_embedder
from indexer import Collection, Report

settings.register_profile("patient", deadline=None)  # a first call may import a library
settings.load_profile("patient")


def drain(steps) -> Report:
    """Run an ingestion to its end; its report."""
    *_, last = steps
    assert last.report is not None
    return last.report


def write(folder: Path, **files: str) -> None:
    """Text files: `write(folder, cats="...")` makes cats.md."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return open_embedder("hash", "mean", engine=HashEngine(dim=32))


@pytest.fixture(scope="session")
def other() -> Embedder:
    return open_embedder("hash", "last", engine=HashEngine(dim=32))


@pytest.fixture
def collection(tmp_path: Path):
    opened = Collection.open(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    write(
        made,
        cats="# Cats\n\nThe cat sat on the mat and purred.",
        taxes="# Taxes\n\nThe tax law is reformed every year.",
        moon="# 月亮\n\n床前明月光，疑是地上霜。举头望明月，低头思故乡。",
    )
    return made
