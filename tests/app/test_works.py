"""Long work, one piece after another."""

from __future__ import annotations

import threading

from app.works import Works


def test_tasks_run_in_order_and_a_failure_does_not_stop_the_next() -> None:
    works, done = Works(), []

    def failing(stop: threading.Event):
        yield 1
        raise ValueError("the disk is full")

    works.add("first", failing)
    works.add("second", lambda stop: iter([done.append("second")]))
    assert works.wait() and done == ["second"]
    assert works.problems == [("first", "the disk is full")]


def test_the_same_task_is_not_queued_twice() -> None:
    works, gate = Works(), threading.Event()

    def held(stop: threading.Event):
        yield gate.wait(10)

    assert works.add("folder", held) and not works.add("folder", held)
    gate.set()
    assert works.wait() and works.add("folder", held) and works.wait()


def test_a_task_under_way_hears_that_it_is_to_stop_and_a_waiting_one_never_begins() -> None:
    works, begun, seen = Works(), threading.Event(), []

    def patient(stop: threading.Event):
        begun.set()
        yield stop.wait(10)
        seen.append("stopped")

    works.add("long", patient)
    works.add("next", lambda stop: iter([seen.append("next")]))
    assert begun.wait(10)
    works.stop("next")
    works.stop("long")
    assert works.wait() and seen == ["stopped"]
