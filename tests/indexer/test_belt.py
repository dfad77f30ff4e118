import threading

import pytest

from indexer.belt import Belt, Closed


def test_items_come_out_in_order_and_the_end_is_seen():
    belt: Belt[int] = Belt(10)
    for number in range(3):
        belt.put(number)
    belt.end()
    assert list(belt) == [0, 1, 2]


def test_a_full_belt_makes_the_giver_wait_and_a_heavy_item_still_passes():
    belt: Belt[str] = Belt(10)
    belt.put("heavier than the belt", 99)
    giver = threading.Thread(target=belt.put, args=("next", 1))
    giver.start()
    giver.join(0.05)
    assert giver.is_alive()
    assert belt.take() == "heavier than the belt"
    giver.join(5)
    assert belt.take() == "next"


def test_an_error_of_the_giver_reaches_the_taker_after_its_items():
    belt: Belt[int] = Belt(10)
    belt.put(1)
    belt.end(ValueError("broken"))
    assert belt.take() == 1
    with pytest.raises(ValueError, match="broken"):
        belt.take()


def test_a_giver_is_told_that_nobody_takes():
    belt: Belt[int] = Belt(1)
    belt.put(1)
    waiting = threading.Event()

    def give() -> None:
        with pytest.raises(Closed):
            belt.put(2)
        waiting.set()

    giver = threading.Thread(target=give)
    giver.start()
    belt.drop()
    assert waiting.wait(5)
    giver.join()


def test_waiting_ends_in_time():
    assert Belt[int](1).take(0.01) is None
