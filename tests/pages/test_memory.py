"""What the server keeps of what it computed: bounded by bytes, the longest unused goes first."""

import threading

import numpy as np
import pandas as pd
import pytest
import torch

from core.whatif import Estimate
from pages.components.memory import Memory, weigh


def estimate(images: int, classes: int) -> Estimate:
    answers = np.zeros((images, classes), np.float32)
    return Estimate(np.arange(images), answers, answers.copy(), 0, True)


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (np.zeros((100, 10)), 8_000),
        (torch.zeros(100, 10), 4_000),
        (pd.DataFrame({"a": np.zeros(1000), "b": np.zeros(1000)}), 16_000),
        (pd.Series(np.zeros(1000)), 8_000),
        (estimate(1000, 7), 1000 * (8 + 2 * 7 * 4)),
        ({"a": [np.zeros(1000)], "b": (np.zeros(1000),)}, 16_000),
        ("x" * 5000, 5000),
    ],
    ids=["array", "tensor", "table", "column", "estimate", "nested", "text"],
)
def test_what_a_value_takes_is_known_nearly(value, least):
    assert least <= weigh(value) <= 1.2 * least + 2000


def test_answers_to_ten_thousand_images_do_not_fill_the_server():
    memory = Memory(megabytes=50)
    for position in range(100):  # 800 MB if all were kept
        memory.put(position, estimate(10_000, 100))
    assert 5 <= len(memory) <= 6
    assert memory.kept() == list(range(100 - len(memory), 100))
    assert memory.get(0) is None


def test_what_was_looked_at_last_stays():
    memory = Memory(size=3)
    for key in "abc":
        memory.put(key, key.upper())
    assert memory.get("a") == "A"
    memory.put("d", "D")
    assert memory.kept() == ["c", "a", "d"]


def test_replacing_a_value_gives_its_room_back():
    memory = Memory(megabytes=1)
    for _ in range(100):
        memory.put("one", np.zeros(100_000, np.uint8))
    memory.put("two", np.zeros(850_000, np.uint8))
    assert memory.kept() == ["one", "two"]


def test_what_is_larger_than_all_the_room_is_not_kept_and_drives_nothing_out():
    memory = Memory(megabytes=1)
    memory.put("small", 1)
    assert len(memory.make("large", lambda: np.zeros(2_000_000, np.uint8))) == 2_000_000
    assert memory.kept() == ["small"]


def test_many_threads_keep_the_books():
    memory = Memory(size=50, megabytes=1)

    def work(seed: int) -> None:
        dice = np.random.default_rng(seed)
        for _ in range(300):
            memory.make(int(dice.integers(200)), lambda: np.zeros(int(dice.integers(1, 60_000)), np.uint8))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory._taken == sum(weigh(memory.get(key)) for key in memory.kept()) <= 1e6
    assert len(memory) <= 50
