"""How maps drift along a path: measured again by hand, stored, resumed, and averaged against formulas."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core import attribution, checkpoints, cli, data, drift, evaluation, familiarity, matrices, paths, recipes, runs
from core.data import phantom
from core.drift.making import _signs
from core.drift.stored import MEASURES
from core.errors import Cancelled, DataDamaged, InvalidValue, UnknownName
from core.matrices import Position
from core.whatif import Bench, Subject

STUDY = "colours-32/vgg16"
GIVEN = {"per_class": 3, "methods": ["saliency", "grad_cam"], "percents": (0, 40, 80, 90)}


@pytest.fixture
def study(tiny, colours, monkeypatch):
    """A tiny dense network and the same pruned to 80%, on drawn pictures."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    dense = recipes.dense(STUDY, epochs=1, batch=6, augment="none", balance=0.0)
    runs.run(dense)
    runs.run(recipes.pruned(dense, "one_shot", 0.8))
    return paths.of(STUDY)


@pytest.fixture
def sets(study):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


def test_the_measures_are_those_of_the_networks_maps(study, sets):
    made = drift.make(study, *sets, **GIVEN)
    dense, pruned = (Subject(checkpoints.load(study["one_shot"].start(s).path)) for s in (0, 0.8))
    rows = drift.sample(sets[0], 3)
    images = sets[0].images[rows]
    targets = evaluation.predict(dense.model, images).argmax(axis=1)
    calibration = Bench(dense, *sets).calibration
    on = evaluation.recalibrate(dense.at(0.4), calibration)
    further = evaluation.recalibrate(pruned.at(0.9), calibration)
    for place, model in (
        (Position(dense.card.id, 0), dense.model),
        (Position(dense.card.id, 40, True), on),
        (Position(pruned.card.id, 80), pruned.model),
        (Position(pruned.card.id, 90, True), further),
    ):
        for method in ("saliency", "grad_cam"):
            found = drift.at(made, place, method)
            a, b = (
                attribution.attribute_all(network, images, method=method, targets=targets)
                for network in (dense.model, model)
            )
            assert list(found["row"]) == list(rows)
            assert list(found["class"]) == list(sets[0].labels[rows])
            np.testing.assert_allclose(found["rank"], attribution.rank_correlation(a, b), atol=1e-3)
            np.testing.assert_allclose(found["overlap"], attribution.top_overlap(a, b), atol=1e-3)
            assert found["inside"].isna().all()  # drawn pictures have no masks
            assert found["likeness"].notna().any() == (not place.recalibrated)


def test_what_is_stored_is_what_was_made_and_what_was_done_is_not_done_again(study, sets, monkeypatch):
    made = drift.make(study, *sets, **GIVEN)
    dense = study[paths.PRUNE_ONLY].dense
    entries = {entry.id: entry for path in study.values() for entry in path.entries}.values()
    stored = drift.read(dense, entries)
    pd.testing.assert_frame_equal(
        stored.frame[list(MEASURES)], made.frame[list(MEASURES)].astype(float), atol=6e-4, check_dtype=False
    )
    assert stored.known() == made.known()
    assert drift.path_of(dense).stat().st_size < 30_000

    def fail(*_, **__):
        raise AssertionError("it was computed again")

    with monkeypatch.context() as patch:
        patch.setattr("core.drift.making.attribute_all", fail)
        again = drift.make(study, *sets, **GIVEN)
    assert len(again.frame) == len(made.frame)
    more = drift.make(study, *sets, **{**GIVEN, "percents": (60,)})
    assert more.known() - made.known() == {(dense.id, 60, True, method) for method in GIVEN["methods"]}


def test_a_made_half_is_kept_and_goes_on(study, sets):
    seen = []

    def stop(progress):
        seen.append(progress)
        if progress.done == 4:
            raise Cancelled("Maps")

    with pytest.raises(Cancelled):
        drift.make(study, *sets, **GIVEN, report=stop)
    dense = study[paths.PRUNE_ONLY].dense
    half = drift.read(dense, [entry for path in study.values() for entry in path.entries])
    assert len(half.known()) == 4
    whole = drift.make(study, *sets, **GIVEN)
    assert half.known() < whole.known()
    anew = drift.make(study, *sets, **GIVEN, anew=True)
    left, right = (frame.sort_values(["network", "percent", "method", "row"]) for frame in (whole.frame, anew.frame))
    np.testing.assert_allclose(left["rank"].astype(float), right["rank"].astype(float), atol=1e-3)


def test_another_sample_or_a_new_network_makes_it_anew(study, sets):
    drift.make(study, *sets, **GIVEN)
    other = drift.make(study, *sets, **{**GIVEN, "per_class": 2})
    assert set(other.frame["row"]) == set(drift.sample(sets[0], 2))
    dense, pruned = study["one_shot"].entries
    renewed = dataclasses.replace(pruned, card=dataclasses.replace(pruned.card, digest="0" * 64))
    left = drift.read(dense, [dense, renewed])
    assert set(left.frame["network"]) == {dense.id}
    renewed = dataclasses.replace(dense, card=dataclasses.replace(dense.card, digest="0" * 64))
    assert drift.read(renewed, [renewed, pruned]) is None


def test_a_damaged_file_is_named_and_made_anew(study, sets):
    dense = study[paths.PRUNE_ONLY].dense
    path = drift.path_of(dense)
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(DataDamaged, match=r"maps\.parquet"):
        drift.read(dense, [dense])
    assert len(drift.make(study, *sets, **{**GIVEN, "percents": (0,), "methods": ["saliency"]}).frame)


def phantoms(number: int) -> data.ImageSet:
    """Some phantoms, many of them two photographs of one lesion."""
    drawn = phantom.sample(number, 3, views=0.5, classes=dict.fromkeys(phantom.CLASSES, 1.0))
    table = pd.DataFrame([item.record() for item in drawn])
    return data.ImageSet(
        name="phantom",
        split="test",
        size=32,
        images=phantom.render(drawn, 32).images,
        labels=table["diagnosis"].map(phantom.CLASSES.index).to_numpy(np.int64),
        ids=np.array([f"p{number}" for number in range(number)]),
        class_names=phantom.CLASSES,
        groups=table["seed"].to_numpy(str),
        table=table,
        split_by="lesion",
    )


def test_the_sample_has_one_image_of_each_lesion_and_grows():
    images = phantoms(150)
    small, large = drift.sample(images, 2), drift.sample(images, 5)
    assert set(small) < set(large)
    assert np.bincount(images.labels[large]).tolist() == [5] * 7
    assert len(set(images.groups[large])) == 35


def test_the_signs_of_a_phantom_s_own_class_are_where_its_map_should_be():
    images = phantoms(12)
    signs = _signs(images)
    every = phantom.sign_masks(images)
    for index, label in enumerate(images.labels):
        own = [every[name][index] for name in phantom.SIGNS_OF[images.class_names[label]] if name in every]
        np.testing.assert_array_equal(signs[index], np.any(own, axis=0))
    assert signs.any()


def frame(values: dict[int, list[float]]) -> pd.DataFrame:
    """A few images of each class, each its own lesion."""
    rows = [(index, value) for index, own in values.items() for value in own]
    lesions = [f"l{number}" for number in range(len(rows))]
    return pd.DataFrame({"class": [r[0] for r in rows], "rank": [r[1] for r in rows], "lesion": lesions})


def test_classes_count_alike_and_one_can_stand_alone():
    some = frame({0: [0.2] * 30, 1: [0.8, 1.0]})
    few = drift.estimate(frame({0: [0.2, 0.4, 0.5]}), "rank")
    assert few.estimate == pytest.approx(1.1 / 3)
    assert (few.low, few.n) == (None, 3)
    value = drift.estimate(some, "rank")
    assert value.estimate == pytest.approx((0.2 + 0.9) / 2)
    assert value.n == 32
    assert value.low < value.estimate < value.high
    alone = drift.estimate(some, "rank", one=1)
    assert (alone.estimate, alone.n) == (pytest.approx(0.9), 2)
    assert not drift.estimate(some, "rank", one=5).defined


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random, truth, hits = np.random.default_rng(1), 0.5, 0
    for _ in range(200):
        some = frame({0: random.normal(truth, 0.2, 40).tolist()})
        value = drift.estimate(some, "rank")
        hits += value.low <= truth <= value.high
    assert 0.88 <= hits / 200 <= 0.99


def test_an_image_without_a_value_does_not_count():
    some = frame({0: [0.5, np.nan, 0.7, 0.6]})
    assert drift.estimate(some, "rank").n == 3
    assert drift.estimate(some, "rank").estimate == pytest.approx(0.6)


def test_the_randomisation_check_is_of_the_network_itself_also_where_nothing_is_recalibrated():
    rows = []
    for percent, value in ((0, 0.1), (50, 0.9), (90, 0.9)):  # without batch norm all steps are "not recalibrated"
        rows += [("dense", percent, False, "saliency", f"lesion {lesion}", 0, value) for lesion in range(12)]
    names = ["network", "percent", "recalibrated", "method", "lesion", "class", "likeness"]
    found = drift.likeness(SimpleNamespace(frame=pd.DataFrame(rows, columns=names)), "dense", "saliency")
    assert found.estimate == pytest.approx(0.1)
    assert found.n == 12


def test_a_curve_follows_the_path_from_checkpoint_to_checkpoint(study, sets):
    made = drift.make(study, *sets, **GIVEN)
    path = study["one_shot"]
    found = drift.curve(made, path, "saliency", "rank")
    assert list(found["percent"]) == [0, 40, 80, 90]
    assert list(found["trained"]) == [True, False, True, False]
    assert found["estimate"][0] == pytest.approx(1)
    here = drift.at(made, matrices.on_path(path, 80, True), "saliency")
    assert found["estimate"][2] == pytest.approx(drift.estimate(here, "rank").estimate)
    assert found["n"].max() <= 9
    assert drift.curve(made, path, "saliency", "inside").empty
    assert drift.likeness(made, path.dense.id, "saliency").defined
    with pytest.raises(UnknownName, match="rank"):
        drift.curve(made, path, "saliency", "ranks")


def test_what_makes_no_sense_is_refused(study, sets):
    with pytest.raises(UnknownName, match="grad_cam"):
        drift.make(study, *sets, methods=["gradcam"])
    with pytest.raises(InvalidValue, match="lesions"):
        drift.make(study, *sets, per_class=0)


def test_the_command_stores_and_tells(study, capsys, monkeypatch):
    monkeypatch.setattr("core.familiarity.STAGES", 1)
    given = ["attribution", STUDY, "--per-class", "2", "--methods", "saliency", "--every", "50"]
    monkeypatch.setattr("core.familiarity.fit", _fitted)
    assert cli.main([*given, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert "one_shot-80  saliency" in out
    assert "Rank correlation" in out
    assert not err
    dense = study[paths.PRUNE_ONLY].dense
    assert drift.path_of(dense).exists()
    assert cli.main([*given, "--json", "--quiet"]) == 0
    assert '"rank"' in capsys.readouterr().out
    assert cli.main(["attribution", STUDY, "--every", "0"]) == 1
    assert "1 to 99 percent" in capsys.readouterr().err
    assert cli.main(["attribution", STUDY, "--methods", "nope", "--quiet"]) == 1


def test_the_command_stores_maps_where_images_are_too_few_to_tell_what_is_usual(study, capsys, monkeypatch):
    monkeypatch.setattr("core.familiarity.STAGES", 1)
    familiarity.path_of(study[paths.PRUNE_ONLY].dense).unlink(missing_ok=True)
    assert cli.main(["attribution", STUDY, "--per-class", "2", "--methods", "saliency", "--every", "50"]) == 0
    out, err = capsys.readouterr()
    assert "Rank correlation" in out
    assert "What is usual for the network is left out. Too few images" in err


def _fitted(model, train, validation, **_):
    from core.familiarity import Familiarity

    return Familiarity(*(np.ones(shape, np.float32) for shape in (8, (1, 8), 1)), 1.0, np.ones(20, np.float32), 9)
