"""A real model of 170 kB, and a collection it has read a few files into."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.app.commands.shelf import twofold, write_beir, write_files


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with all the files of a real one."""
    from tests.tiny import save

    return save("llama", tmp_path_factory.mktemp("models") / "tiny", max_position_embeddings=1024)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[SimpleNamespace]:
    """A home whose default collection has read a few files: for tests that only look."""
    home, files = tmp_path_factory.mktemp("filled"), write_files(tmp_path_factory.mktemp("files") / "shelf")
    ran = twofold("ingest", files, "--home", home, "--model", tiny_model, "--method", "mean", "--json")
    assert ran.code == 0, ran.err
    yield SimpleNamespace(home=home, files=files, report=ran.json, err=ran.err, model=tiny_model)


@pytest.fixture
def fresh(tmp_path: Path, tiny_model: Path) -> SimpleNamespace:
    """An empty home, files to read, and the options that name home, model and method."""
    options = ("--home", tmp_path / "home", "--model", tiny_model, "--method", "mean")
    return SimpleNamespace(home=tmp_path / "home", files=write_files(tmp_path / "shelf"), options=options)


@pytest.fixture(scope="session")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled set of two documents and two questions."""
    return write_beir(tmp_path_factory.mktemp("sets") / "two")
