import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import cost
from core.cost import Speed, Times, heads, timing
from core.errors import Cancelled, InvalidValue
from core.models import build, normalisation
from tests.core.pruning.conftest import Stock, network, pictures, random_masks


class Clock:
    """A clock that only work moves, and what was done when."""

    def __init__(self, monkeypatch):
        self.now, self.calls = 0.0, []
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def work(self, name, *seconds):
        left = list(seconds)

        def run():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def test_rounds_rotate_and_the_first_do_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    works = {"a": clock.work("a", 9, 9, 1, 2, 3), "b": clock.work("b", 9, 9, 4, 4, 8)}
    times = timing.interleaved(works, seconds=0, least=3)
    assert clock.calls == ["a", "b"] * timing.WARM_UP + ["a", "b", "b", "a", "a", "b"]
    assert times["a"].seconds.tolist() == [1, 2, 3]
    assert times["b"].seconds.tolist() == [4, 4, 8]
    assert times["a"].over(times["b"]).seconds.tolist() == [0.25, 0.5, 0.375]
    assert times["b"].median == 4
    assert times["b"].quartiles == tuple(np.percentile([4, 4, 8], (25, 50, 75)))


@pytest.mark.parametrize(("seconds", "rounds"), [(0, 3), (4.5, 5), (1000, 7)])
def test_it_stops_when_time_is_up_but_not_before_it_knows_enough(monkeypatch, seconds, rounds):
    clock = Clock(monkeypatch)
    times = timing.interleaved({"a": clock.work("a", 1)}, seconds=seconds, least=3, most=7)
    assert times["a"].rounds == rounds


def test_times_of_different_rounds_are_no_ratio():
    with pytest.raises(InvalidValue, match="not timed together"):
        Times(np.ones(3)).over(Times(np.ones(4)))


def test_waiting_for_ones_turn_is_not_timed():
    turn = threading.Lock()

    def other():
        for _ in range(6):
            with turn:
                time.sleep(0.03)

    thread = threading.Thread(target=other)
    thread.start()
    times = timing.interleaved({"a": lambda: None}, seconds=0, least=5, turn=turn)
    thread.join()
    assert times["a"].median < 0.01


def test_progress_can_cancel():
    def report(progress):
        raise Cancelled("Timing")

    with pytest.raises(Cancelled):
        timing.interleaved({"a": lambda: None}, report=report)


def test_measured_is_every_network_at_every_batch_with_all_that_a_time_needs(tiny):
    networks = {"Dense": build("vgg16", 3), "Compacted": build("vgg16", 3)}
    before = normalisation(networks["Dense"])
    speeds = cost.measure(networks, 32, batches=(1, 4), seconds=0.01, device="cpu", precision="float32")
    assert [(speed.batch, speed.size, list(speed.times)) for speed in speeds] == [
        (1, 32, ["Dense", "Compacted"]),
        (4, 32, ["Dense", "Compacted"]),
    ]
    assert normalisation(networks["Dense"]) == before
    frame = cost.as_table(speeds)
    assert len(frame) == 4
    assert (frame["low"] <= frame["milliseconds"]).all()
    assert (frame["milliseconds"] <= frame["high"]).all()
    assert frame["images_per_second"].to_numpy() == pytest.approx(
        (1000 * frame["batch"] / frame["milliseconds"]).to_numpy()
    )
    assert (frame["threads"] == torch.get_num_threads()).all()
    assert (frame["precision"] == "float32").all()
    assert frame["processor"].str.len().min() > 0
    assert str(torch.get_num_threads()) in str(speeds[0].machine)


def test_csr_and_compacted_heads_answer_as_the_dense_one():
    for scope, sparsity in (("global", 0.8), ("channel", 0.5)):
        head = cost.stand_in_head(sparsity, 7, 32, scope=scope)
        assert [weight.shape for weight, _ in head.dense] == [(4096, 512), (4096, 4096), (7, 4096)]
        assert head.sparsity == pytest.approx(sparsity, abs=1e-3)
        x = torch.randn(3, 512).relu()
        expected = heads.apply(head.dense, x)
        csr = heads.apply([(heads.as_csr(weight), bias) for weight, bias in head.dense], x)
        torch.testing.assert_close(csr, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(heads.apply(head.compacted, x), expected, rtol=1e-4, atol=1e-4)
        left = sum(weight.numel() for weight, _ in head.compacted) / sum(weight.numel() for weight, _ in head.dense)
        assert (left < 0.6) == (scope == "channel")


def test_a_networks_own_head_is_the_one_that_is_timed():
    assert cost.own_head(build("densenet169", 3), {}, 32) is None
    model = network("vgg, stock head").float()
    masks = random_masks(model, 1, 0.3, 0.3, 0.0)
    pruned = Stock().eval()
    pruned.load_state_dict({name: value.float() for name, value in model.state_dict().items()})
    with torch.no_grad():
        for name, mask in masks.items():
            pruned.get_submodule(name).weight.mul_(mask)
    head = cost.own_head(pruned, masks, 16)
    assert head.own
    features = torch.flatten(pruned.avgpool(pruned.features(pictures().float())), 1)
    with torch.inference_mode():
        torch.testing.assert_close(heads.apply(head.dense, features), pruned.classifier(features))
    assert sum(w.numel() for w, _ in head.compacted) < sum(w.numel() for w, _ in head.dense)


def test_heads_are_timed_together():
    tiny_head = heads.Head([(torch.eye(4), torch.zeros(4))], [(torch.eye(4), torch.zeros(4))], 0.75, own=False)
    [speed] = cost.compare_heads(tiny_head, batches=(2,), seconds=0.01)
    assert set(speed.times) == {heads.DENSE, heads.COMPACTED, heads.CSR}
    assert speed.machine.precision == "float32"


def speed(batch, dense, compacted, csr=1.0):
    rounds = np.array([1.0, 1.1, 1.2, 1.3])
    times = {"Dense": dense, "Compacted": compacted, "CSR": csr}
    return Speed(
        batch, 64, {name: Times(value * rounds) for name, value in times.items()}, cost.machine("cpu", "float32")
    )


def numbers(nominal, left):
    return cost.Cost(1000, round(1000 * nominal), left, 1000, left, 10, 9, 1, 0, 1000, left, 64, {})


def test_the_conclusion_is_computed_from_what_was_measured():
    same = cost.conclusion(numbers(0.8, 990), [speed(1, 1, 0.98), speed(64, 1, 1.0)], "Dense", "Compacted")
    assert "is no faster on this machine" in same
    assert "98% of the dense time for one image (quartiles 98% to 98%) and 100% for 64 images at once" in same
    assert "of the 80% of its weights that are zero only 1.0% make up dead channels" in same
    faster = cost.conclusion(numbers(0.8, 300), [speed(64, 2.0, 1.0)], "Dense", "Compacted")
    assert "is faster on this machine: it takes 50% of the dense time for 64 images at once" in faster
    assert "70% in channels that can be left out, which takes 70% of the operations away" in faster
    mixed = cost.conclusion(numbers(0.8, 300), [speed(1, 1.0, 1.5), speed(64, 1, 0.5)], "Dense", "Compacted")
    assert "is slower for one image, faster for 64 images at once on this machine" in mixed
    # A head that was merged is why, and not channels that died; and no reason contradicts the verdict.
    head = replace(numbers(0.8, 250), merged=700)
    assert head.effective == pytest.approx(0.05)
    assert "only repeats what it gets and was merged into it, which takes 70.0%" in cost.conclusion(
        head, [speed(64, 2.0, 1.0)], "Dense", "Compacted"
    )
    alive = cost.conclusion(numbers(0.8, 1000), [speed(64, 2.0, 1.0)], "Dense", "Compacted")
    assert "is faster" in alive
    assert "although of the 80% of its weights that are zero none make up dead channels" in alive
    assert "because nothing is pruned" in cost.conclusion(numbers(0, 1000), [speed(1, 1, 1)], "Dense", "Compacted")
    for text in (same, faster, mixed):
        assert str(cost.machine("cpu", "float32")) in text
        assert "thread" in text


def test_a_spread_that_holds_both_is_no_difference():
    rounds = Times(np.array([0.7, 0.8, 1.3, 1.4])), Times(np.ones(4))
    wide = Speed(1, 64, dict(zip(("Compacted", "Dense"), rounds, strict=True)), cost.machine("cpu", "float32"))
    assert "is no faster" in cost.conclusion(numbers(0.8, 300), [wide], "Dense", "Compacted")


def test_the_conclusion_on_sparse_matrices():
    text = cost.head_conclusion([speed(1, 1, 1, csr=0.5), speed(64, 1, 1, csr=3)], 0.8)
    assert "With 80% zeros, CSR matrices are faster for one image, slower for 64 images at once" in text
    assert "50% of the dense time for one image (quartiles 50% to 50%) and 300% for 64 images at once" in text


def test_times_as_fast_is_the_other_way_round():
    assert speed(1, 2.0, 1.0).faster("Compacted", "Dense") == (2.0, 2.0, 2.0)
    assert speed(1, 2.0, 1.0).share("Compacted", "Dense") == (0.5, 0.5, 0.5)
