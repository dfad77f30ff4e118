"""One model in one process: loading, changing, failing to change, and who goes first."""

import threading
import time

import numpy as np
import pytest

from app.queued import Queued
from app.runtime import Runtime
from app.settings import read_settings
from app.worker import Priority, Worker
from embedder import HashEngine, open_embedder

TEXTS = ["the cat sat", "tax law reform is slow and long", "猫坐在垫子上", "a", "one more text of some length"]


class Engines:
    """Opens hash engines by any name but "broken", and keeps count of those alive."""

    def __init__(self):
        self.alive, self.most, self.opened = 0, 0, []

    def __call__(self, model, settings):
        self.opened.append(model)
        if model == "broken":
            raise ValueError("broken has no config")
        self.alive += 1
        self.most = max(self.most, self.alive)
        engine = HashEngine()
        engine.name = model
        engine.close = lambda: setattr(self, "alive", self.alive - 1)
        return engine


@pytest.fixture
def engines():
    return Engines()


@pytest.fixture
def runtime(engines):
    runtime = Runtime(read_settings(method="mean"), engines)
    yield runtime
    runtime.close()


def test_nothing_is_loaded_before_it_is_wanted(runtime, engines):
    assert runtime.state.phase == "empty" and engines.opened == []


def test_warming_up_twice_loads_once(runtime, engines):
    assert runtime.warm_up().result(5) is runtime.warm_up().result(5)
    assert engines.opened == ["pocket"] and runtime.state.phase == "ready"


def test_another_model_is_loaded_after_the_first_has_gone(runtime, engines):
    runtime.engine()
    runtime.load("other").result(5)
    assert runtime.state.model == "other" and runtime.engine().name == "other"
    assert (engines.alive, engines.most) == (1, 1)


def test_a_load_that_fails_leaves_the_older_model_serving_and_says_why(runtime):
    runtime.engine()
    with pytest.raises(ValueError, match="has no config"):
        runtime.load("broken").result(5)
    assert runtime.state.phase == "ready" and runtime.state.model == "pocket"
    assert "no config" in runtime.state.reason
    assert runtime.embedder().queries(["still here"]).shape == (1, 64)


def test_a_first_load_that_fails_is_told_to_whoever_asks(engines):
    runtime = Runtime(read_settings(model="broken"), engines)
    with pytest.raises(RuntimeError, match="has no config"):
        runtime.embedder()
    assert runtime.state.phase == "failed"
    runtime.close()


def test_an_embedder_behind_the_worker_gives_the_same_vectors(runtime):
    plain = open_embedder(method="mean", engine=HashEngine())
    queued = runtime.embedder("mean")
    np.testing.assert_allclose(queued.documents(TEXTS), plain.documents(TEXTS), atol=1e-6)
    np.testing.assert_allclose(queued.queries(TEXTS), plain.queries(TEXTS), atol=1e-6)
    assert queued.documents([]).shape == (0, 64)


def test_the_same_method_is_opened_once(runtime):
    assert runtime.embedder("mean") is runtime.embedder("mean")
    assert runtime.embedder("last") is not runtime.embedder("mean")


class Slow:
    """An embedder that takes its time with documents and notes what it did."""

    def __init__(self):
        self.log, self.begun = [], threading.Event()

    def documents(self, texts):
        self.begun.set()
        time.sleep(0.05)
        self.log += ["piece"]
        return np.ones((len(texts), 2), np.float32)

    def queries(self, texts, *, instruction=""):
        self.log += ["query"]
        return np.ones((len(texts), 2), np.float32)


def test_a_query_waits_for_one_piece_of_bulk_work_at_most():
    worker, slow = Worker(), Slow()
    queued = Queued(slow, worker)
    bulk = threading.Thread(target=queued.documents, args=(["x" * 5000] * 6,))
    bulk.start()
    slow.begun.wait(5)
    queued.queries(["now"])
    place = slow.log.index("query")
    bulk.join()
    worker.close()
    assert place == 1 and slow.log.count("piece") > 1


def test_pieces_grow_to_the_speed_of_the_model():
    worker = Worker()
    queued = Queued(open_embedder(method="mean", engine=HashEngine()), worker)
    queued.documents(["some words " * 20] * 200)
    assert queued._rate > 20_000
    worker.close()


def test_a_stream_runs_where_the_model_is(runtime):
    def steps():
        yield threading.current_thread().name
        yield threading.current_thread().name

    names = set(runtime.stream(steps))
    assert names == {runtime.submit(Priority.QUERY, lambda: threading.current_thread().name).result(5)}


def test_another_model_visits_in_the_place_of_the_one_at_home(runtime, engines):
    home = runtime.embedder("mean")
    visitor = runtime.embedder("mean", "other")
    assert runtime.state.visitor == "other" and runtime.state.model == "pocket" and not runtime.in_memory("pocket")
    assert home.queries(["a question"]).shape == (1, 64)
    assert runtime.state.visitor == "" and runtime.in_memory("pocket")
    assert visitor.documents(TEXTS).shape == (5, 64)
    assert engines.opened == ["pocket", "other", "pocket", "other"] and engines.most == 1
    assert runtime.engine().name == "pocket" and runtime.embedder("mean").engine is runtime.engine()


def test_the_home_engine_is_given_though_a_visitor_comes_at_once_again(runtime, monkeypatch):
    runtime.engine()
    runtime.embedder("mean", "other")
    call = runtime.worker.call

    def overtaken(priority, work):
        value = call(priority, work)
        call(Priority.BULK, lambda: runtime._bring("other"))
        return value

    monkeypatch.setattr(runtime.worker, "call", overtaken)
    assert runtime.engine().name == "pocket" and runtime.in_memory("other")


def test_a_visitor_waits_until_an_answer_is_written(runtime, engines):
    with runtime.holding():
        visit = threading.Thread(target=lambda: runtime.embedder("mean", "other"))
        visit.start()
        time.sleep(0.05)
        assert engines.opened == ["pocket"]
    visit.join(5)
    assert engines.opened == ["pocket", "other"]


def test_a_visitor_that_cannot_be_opened_leaves_the_home_model_serving(runtime):
    runtime.embedder()
    with pytest.raises(ValueError, match="has no config"):
        runtime.embedder("mean", "broken")
    assert runtime.embedder().queries(["still here"]).shape == (1, 64) and runtime.state.model == "pocket"


def test_many_questions_of_a_measurement_let_a_reader_go_first():
    worker, slow = Worker(), Slow()
    queued = Queued(slow, worker)
    assert queued.patient().queries(["x" * 900] * 7).shape == (7, 2) and slow.log == ["query"] * 4
    worker.close()
