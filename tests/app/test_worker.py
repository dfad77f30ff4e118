"""What waits for what."""

import threading

import pytest

from app.worker import Priority, Worker


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def hold(worker):
    """Keep the worker busy until the event given back is set."""
    begun, release = threading.Event(), threading.Event()

    def work():
        begun.set()
        release.wait(5)

    worker.submit(Priority.BULK, work)
    begun.wait(5)
    return release


def test_a_query_goes_before_an_answer_and_both_before_bulk_work(worker):
    release = hold(worker)
    order = []
    named = [("bulk", Priority.BULK), ("answer", Priority.ANSWER), ("bulk 2", Priority.BULK), ("query", Priority.QUERY)]
    futures = [worker.submit(priority, lambda name=name: order.append(name)) for name, priority in named]
    release.set()
    for future in futures:
        future.result(5)
    assert order == ["query", "answer", "bulk", "bulk 2"]


def test_all_work_is_done_by_one_thread(worker):
    names = {worker.call(priority, lambda: threading.current_thread().name) for priority in Priority}
    assert len(names) == 1 and threading.current_thread().name not in names


def test_an_error_reaches_whoever_waits_and_the_worker_goes_on(worker):
    def fail():
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        worker.call(Priority.QUERY, fail)
    assert worker.call(Priority.QUERY, lambda: 7) == 7


def test_work_that_asks_for_more_work_does_not_wait_for_itself(worker):
    assert worker.call(Priority.QUERY, lambda: worker.call(Priority.BULK, lambda: "inner")) == "inner"


def test_a_query_goes_between_two_steps_of_a_stream(worker):
    seen = []

    def steps():
        for number in range(3):
            seen.append(number)
            yield number

    stream = worker.stream(Priority.ANSWER, steps)
    next(stream)
    worker.call(Priority.QUERY, lambda: seen.append("query"))
    assert list(stream) == [1, 2] and seen == [0, "query", 1, 2]


def test_a_stream_nobody_reads_any_more_is_closed_on_the_worker(worker):
    closed = []

    def steps():
        try:
            yield 1
            yield 2
        finally:
            closed.append(threading.current_thread().name)

    stream = worker.stream(Priority.ANSWER, steps)
    next(stream)
    stream.close()
    assert closed == [worker.call(Priority.QUERY, lambda: threading.current_thread().name)]


def test_work_taken_back_before_it_began_is_not_done(worker):
    release = hold(worker)
    done = []
    future = worker.submit(Priority.BULK, lambda: done.append(1))
    assert worker.waiting() == 1 and future.cancel()
    release.set()
    worker.call(Priority.LAST, lambda: None)
    assert done == []


def test_a_closed_worker_finishes_what_it_has_and_takes_no_more():
    worker = Worker()
    future = worker.submit(Priority.BULK, lambda: "done")
    worker.close()
    assert future.result(1) == "done"
    with pytest.raises(RuntimeError, match="shutting down"):
        worker.submit(Priority.QUERY, lambda: None)
