"""What if at work on tiny networks: estimates that grow, many users at once, layers set by hand."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core import checkpoints, data, evaluation, models, paths, pruning, recipes, responses, runs, whatif
from core.errors import InvalidValue
from core.training import calibration_rows
from tests.core import tiny as drawn

STUDY = "colours-32/vgg16"


@pytest.fixture
def dense(tiny, tmp_path, monkeypatch):
    """A tiny dense network, trained for a moment on drawn pictures; 90 test images."""
    root = drawn.write_pictures(tmp_path / "data", {"train": 24, "validation": 4, "test": 30})
    monkeypatch.setenv("PRUNESCOPE_DATA", str(root))
    runs.run(recipes.dense(STUDY, rate=0.05, epochs=2, batch=12, augment="none", balance=0.0))
    return whatif.Subject(checkpoints.load(f"{STUDY}/dense"))


@pytest.fixture
def sets(dense):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


def last(bench, subject, sparsity, **given):
    """The final estimate in the order of the test images."""
    *_, estimate = bench.refine(subject, sparsity, **given)
    assert estimate.final
    return estimate.pruned[np.argsort(estimate.rows)]


def test_many_users_of_one_network_at_once_get_their_own_answers(dense, sets):
    """Threads that share the networks as the pages do, each at a sparsity of its own."""
    sparsities = [0.1, 0.4, 0.7, 0.9, 0.97] * 2

    def answers(sparsity: float) -> np.ndarray:
        return last(bench, dense, sparsity, recalibrated=sparsity > 0.5)

    bench = whatif.Bench(dense, *sets)
    alone = {s: answers(s) for s in set(sparsities)}
    before = {name: value.clone() for name, value in dense.model.state_dict().items()}
    bench = whatif.Bench(dense, *sets)
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(answers, sparsities))
    for sparsity, seen in zip(sparsities, together, strict=True):
        np.testing.assert_array_equal(seen, alone[sparsity])
    assert all(value.equal(before[name]) for name, value in dense.model.state_dict().items())


def test_batch_norm_is_recalibrated_on_the_images_that_all_recalibrate_on(dense, sets):
    train = sets[1]
    wanted = train.images[calibration_rows(train.labels, dense.card.recipe)]
    np.testing.assert_array_equal(whatif.Bench(dense, *sets).calibration, wanted)


def test_estimates_grow_and_end_with_every_image(dense, sets, monkeypatch):
    monkeypatch.setattr(whatif, "STAGES", (70,))
    bench = whatif.Bench(dense, *sets)
    found = list(bench.refine(dense, 0.5, recalibrated=True))
    assert [estimate.n for estimate in found] == [64, 70, 90]
    assert [estimate.final for estimate in found] == [False, False, True]
    assert [estimate.recalibrated_on for estimate in found] == [64, 72, 72]
    assert sorted(found[-1].rows) == list(range(90))
    exact = evaluation.predict(
        evaluation.recalibrate(dense.at(0.5), bench.calibration), bench.test.images[found[-1].rows]
    )
    np.testing.assert_allclose(found[-1].pruned, exact, atol=2e-2)


def test_layers_set_by_hand_are_pruned_so_and_no_other(dense):
    whole, units = dense.masks_at(0.5), models.units(dense.model)
    masks = dense.masks_at(0.5, fixed={1: 90})
    table = masks.per_layer().set_index("layer")["sparsity"]
    (name,) = units[1]
    assert table[name] == pytest.approx(0.9, abs=0.5 / masks[name].numel())
    for other in set(masks) - {name}:
        assert masks[other].equal(whole[other])
    with pytest.raises(InvalidValue, match="no such unit"):
        dense.masks_at(0.5, fixed={len(units): 90})


def test_the_same_masks_have_the_same_answers_stored_live_and_by_hand(dense, sets):
    """Live, from the store, and with every layer set by hand to what it has anyway."""
    weights, percent = models.prunable(dense.model), 50
    units = models.units(dense.model)
    fixed = {number: percent for number, _ in enumerate(units)}
    by_layer = pruning.magnitude(weights, percent / 100, scope="layer")
    assert dense.masks_at(0.3, fixed=fixed) == by_layer
    bench = whatif.Bench(dense, *sets)
    by_hand = last(bench, dense, 0.3, fixed=fixed, recalibrated=False)
    np.testing.assert_allclose(by_hand, evaluation.predict(pruning.bind(dense.model, by_layer), sets[0]), atol=1e-6)

    entry = paths.of(STUDY)[paths.PRUNE_ONLY].dense
    stored = responses.make(entry, *sets, percents=[0, percent])
    for recalibrated in (False, True):
        live = last(bench, dense, percent / 100, recalibrated=recalibrated)
        seen = stored.at(percent / 100, recalibrated)
        np.testing.assert_allclose(seen, live, atol=1e-3)  # stored in half precision
        sure = np.sort(live, axis=1)[:, -1] - np.sort(live, axis=1)[:, -2] > 2e-3
        np.testing.assert_array_equal(seen.argmax(1)[sure], live.argmax(1)[sure])
