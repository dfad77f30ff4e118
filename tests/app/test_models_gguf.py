"""The Models page takes a GGUF file in, and keeps the model that serves when a file cannot be taken."""

import time

import pytest

from app.runtime import open_resident
from embedder import HashEngine
from tests.app.test_pages import drawn, opened

pytest.importorskip("llama_cpp", reason="llama.cpp is not here: pip install '.[llama]'")


@pytest.fixture
def opening(house, monkeypatch):
    """Files are really opened; everything else is the small engine. Gives what was closed and opened, in order."""
    happened = []

    def open_it(model, settings):
        happened.append(f"opens {model.rpartition('/')[2]}")
        engine = open_resident(model, settings) if model.endswith(".gguf") else HashEngine()
        closing = engine.close
        engine.close = lambda: (happened.append(f"closes {engine.name}"), closing())
        return engine

    monkeypatch.setattr(house.runtime, "_opener", open_it)
    return happened


def give(at, name, house):
    at.text_input(key="models-name").set_value(str(name))
    next(one for one in at.button if one.label == "Load").click().run()
    if at.error:
        return at
    deadline = time.monotonic() + 30
    while house.runtime.state.phase == "loading" and time.monotonic() < deadline:
        time.sleep(0.05)
    return at.run()


def test_a_file_takes_the_models_place_and_shows_memory_threads_and_context(house, opening, tmp_path):
    from tests.embedder.llama_kit import write

    file = write(tmp_path)
    house.runtime.load("hash").result(10)
    at = give(opened("models"), file, house)
    assert opening[-2:] == ["closes hash", "opens llama-f32.gguf"], "the other one goes first"
    shown = drawn(at)
    assert "llama-f32" in shown and "float32" in shown and "threads" in shown and "512" in shown
    house.runtime.load("hash").result(10)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"GGUF\x03\x00\x00\x00"])
def test_a_file_that_cannot_be_opened_leaves_the_model_serving(house, opening, tmp_path, content):
    house.runtime.load("hash").result(10)
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(content)
    before = len(opening)
    at = give(opened("models"), odd, house)
    assert len(opening) == before, "nothing was let go"
    assert any("odd\\.gguf" in one.value for one in at.error)
    assert house.runtime.state.model == "hash" and house.embedder("mean").queries(["still there"]).shape == (1, 64)


def test_a_file_that_fails_while_it_is_loaded_brings_the_other_back(house, opening, tmp_path):
    from tests.embedder.llama_kit import changed, write

    def rename(values, _):
        values["general.architecture"] = ("hal9000", *values["general.architecture"][1:])
        for key in [key for key in values if key.startswith("llama.")]:
            values["hal9000" + key.removeprefix("llama")] = values.pop(key)

    house.runtime.load("hash").result(10)
    at = give(opened("models"), changed(write(tmp_path), tmp_path / "odd.gguf", rename), house)
    assert house.runtime.state.model == "hash" and "cannot open odd.gguf" in house.runtime.state.reason
    assert any("could not be loaded" in one.value for one in at.error)
    assert house.embedder("mean").queries(["still there"]).shape == (1, 64)


def test_a_file_whose_weights_have_left_still_reads_text_and_comes_back_for_vectors(house, opening, tmp_path):
    from tests.embedder.llama_kit import write

    house.runtime.load("hash").result(10)
    visitor = house.runtime.embedder(model=str(write(tmp_path)))
    vector = visitor.documents(["a text"])
    house.runtime.engine()
    assert opening[-2:] == ["closes llama-f32", "opens hash"]
    ids = visitor.engine.encode("a text")  # a folder may be read for it meanwhile, and its tokens counted
    assert ids and visitor.engine.offsets("a text")[-1][1] == 6 and visitor.room("document") > len(ids)
    assert (visitor.documents(["a text"]) == vector).all() and opening[-1] == "opens llama-f32.gguf"
