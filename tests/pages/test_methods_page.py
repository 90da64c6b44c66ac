"""The page about methods: on tiny networks, and on networks made up so that the verdicts are known."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from core import checkpoints, claims, leak, replication, responses
from core.checkpoints import Entry, write_card
from core.data import ImageSet
from core.leak import Leak
from pages.components.methods_controls import SECTIONS
from tests.core import invented
from tests.core.invented import STUDY
from tests.pages.test_pages import opened, texts

METHODS = "pages/methods.py"
LESIONS = 200


def images() -> ImageSet:
    """Test images of 200 lesions, of which half have two images."""
    pictures = 1 + np.arange(LESIONS) // 2 % 2
    groups = np.repeat([f"HAM_{number}" for number in range(LESIONS)], pictures)
    labels = np.repeat(np.arange(LESIONS) % 2, pictures).astype(np.int64)
    ids = np.array([f"ISIC_{number}" for number in range(len(labels))])
    table = pd.DataFrame({"id": ids, "lesion_id": groups})
    pixels = np.zeros((len(labels), 1, 1, 3), np.uint8)
    return ImageSet("ham10000", "test", 64, pixels, labels, ids, invented.CLASSES, groups, table, "lesion")


TEST = images()


def share(right: float, seed: int = 0) -> np.ndarray:
    """float16 [N, 2]: answers of which this share of lesions is right."""
    place = np.random.default_rng(seed).permutation(LESIONS) < round(right * LESIONS)
    return invented.answers(TEST.labels, np.array([place[int(name[4:])] for name in TEST.groups]))


@pytest.fixture
def put(tmp_path):
    """A function that keeps a card, with its metrics and answers if it is given any, where the app looks."""

    def keep(entry: Entry, answers: np.ndarray | None = None) -> Entry:
        path = checkpoints.path_of(entry.id)
        card = entry.card
        if answers is not None:
            from core.evaluation import evaluate

            report = evaluate(answers, TEST.labels, TEST.class_names, groups=TEST.groups)
            metrics = {name: value.as_dict() for name, value in report.metrics.items()}
            card = dataclasses.replace(card, metrics=metrics | {"validation/accuracy": metrics["accuracy"]})
        entry = dataclasses.replace(entry, path=path, card=card)
        write_card(path, card, 0)
        if answers is not None and card.data.split_by == "lesion":
            responses._write(entry, TEST, 0, {(round(100 * card.sparsity), False): answers})
        return entry

    return keep


def history(step_layers) -> list[dict]:
    return [
        {
            "step": n + 1,
            "last_layer": layer,
            "epoch": 1,
            "accuracy": 0.7 + n / 100,
            "balanced_accuracy": 0.6,
            "loss": 1.0,
        }
        | {"sparsity": 0.1 * n}
        for n, layer in enumerate(step_layers)
    ]


@pytest.fixture
def everything(put):
    """A study with everything: three methods, both controls and a second seed, at 80%."""
    plain = [{"epoch": n + 1, "accuracy": 0.5 + n / 100, "balanced_accuracy": 0.4, "loss": 2.0} for n in range(3)]
    made = {}
    for seed in (0, 1):
        tag = f"-{seed}" if seed else ""
        dense = put(invented.entry(f"{STUDY}/dense{tag}", seed=seed, epochs=3, history=plain), share(0.6))
        given = {"parent": dense, "seed": seed}
        layers = history(["features.0", "features.3", "classifier"])
        for method, right in (("iterative", 0.9), ("one_shot", 0.75), ("layerwise", 0.6)):
            own = invented.entry(f"{STUDY}/{method}-80{tag}", method, 0.8, history=layers, **given)
            made[method, seed] = put(own, share(right))
        if not seed:
            put(invented.entry(f"{STUDY}/one_shot-random-80", "one_shot-random", 0.8, **given), share(0.4))
            put(invented.entry(f"{STUDY}/dense_trained_on", "dense_trained_on", history=plain, **given), share(0.7))
    return made


def test_without_networks_the_page_says_what_to_do():
    app = opened(METHODS)
    assert "No trained network yet" in texts(app)


def test_every_part_opens_on_a_study_that_has_little(study):
    """A dense network and one method, no stored answer, no control, and not a study of the paper's."""
    for name, title in SECTIONS.items():
        for text in (name, title):  # older links hold what was written on the button
            app = opened(METHODS, part=text)
            assert not app.error, title
            assert app.segmented_control[0].value == name
        assert "T. Akhtar and D. R. Bathula" in texts(app)


def test_missing_answers_and_networks_are_named(study):
    said = texts(opened(METHODS))
    assert "No claim can be tested on what is trained so far" in said
    assert f"answers of {study}/iterative-80 and {study}/dense are not stored" in said
    assert "One-shot at 80% is not trained" in said
    said = texts(opened(METHODS, part="curves"))
    assert "Not trained yet: One-shot, Layer by layer, Dense, trained on, One-shot by lot" in said
    app = opened(METHODS, part="layerwise")
    assert "No network was pruned layer by layer yet" in app.info[0].value
    assert f"python -m core prune {study} layerwise 0.8" in app.code[0].value
    assert "the dense network trained on for 8 epochs is missing" in texts(opened(METHODS, part="training"))


@pytest.mark.parametrize("query", [{"part": "nope"}, {"measure": "?"}, {"claims-at": "12%"}, {"study": "no/no"}])
def test_a_link_with_nonsense_in_it_opens_the_default_view(everything, query):
    app = opened(METHODS, **query)
    assert not app.error
    assert "claims that can be tested" in texts(app)


def test_verdicts_on_the_page_are_those_of_the_engine(everything):
    app = opened(METHODS)
    own = replication.lines(STUDY, checkpoints.list())
    assert [line.seed for line in own] == [0, 1]
    from core.cohort import Cohort

    stored = replication.Stored(Cohort.of(TEST), responses.read)
    found = claims.judge(claims.claims(STUDY, [0.8]), own, stored, "accuracy")
    said = texts(app)
    assert claims.summary(found) in said
    for finding in found:
        if finding.claim.sparsity == 0.8:
            headline = claims.headline(finding.claim)
            assert f"{headline[0].upper()}{headline[1:]}: **{finding.verdict}**" in said
    assert "Iterative is the best of the three at 80%: **holds**" in said
    assert "iterative 88.59%" in said, "the paper's own numbers stand beside it"
    assert f"{len(TEST):,} test images of {LESIONS} lesions" in said
    assert "up to 2 seeds" in said
    pd.testing.assert_frame_equal(app.dataframe[0].value, claims.as_table(found), check_dtype=False)


def test_the_measure_changes_the_verdicts_and_is_in_the_link(everything):
    app = opened(METHODS, measure="balanced_accuracy")
    assert app.segmented_control[1].value == "balanced_accuracy"
    assert "differences in balanced accuracy" in texts(app)
    assert set(app.dataframe[0].value["measure"]) == {"balanced_accuracy"}


def test_the_table_has_the_papers_cells_and_the_numbers_of_the_cards(everything):
    app = opened(METHODS, part="table")
    assert "has 24 cells; networks of ours answer to 3 of them" in texts(app)
    shown = app.dataframe[0].value
    assert len(shown) == 24
    row = shown[
        (shown["Method"] == "Iterative") & (shown["Removed"] == "80%") & (shown["Our network"] == "64 px")
    ].iloc[0]
    metric = checkpoints.list()[0].card.metrics  # of dense-1, to be sure that the row is of another
    card = next(e.card for e in checkpoints.list() if e.id == everything["iterative", 0].id)
    estimate = card.metrics["accuracy"]["estimate"]
    assert metric["accuracy"]["estimate"] != estimate
    assert row["Paper"] == "88.59%"
    assert row["Ours [95%]"].startswith(f"{100 * estimate:.1f}% [")
    assert row["Less paper"] == f"{100 * estimate - 88.59:+.1f}".replace("-", "−")
    assert row["Differs in"].startswith("SL")
    assert row["Over seeds"].endswith("2 seeds")
    assert (shown["Ours [95%]"].str.startswith("not trained yet")).sum() == 21
    marks = app.table[0].value
    assert set(row["Differs in"]) <= set(marks.index)


def test_curves_bars_and_learning_show_the_cards(everything):
    app = opened(METHODS, part="curves")
    frame = app.dataframe[0].value
    assert set(frame.loc[frame["trained"], "method"]) == {
        *("dense", "dense_trained_on", "iterative", "layerwise", "one_shot", "one_shot-random")
    }
    assert "Not trained yet" not in texts(app)
    assert f"n = {len(TEST):,} test images" in texts(app)
    assert "the paper's, under its own split" in texts(app)
    assert "the paper's, under" not in texts(opened(METHODS, part="curves", measure="balanced_accuracy"))
    frame = opened(METHODS, part="layerwise").dataframe[0].value
    assert list(frame.loc[frame["source"] == "ours", "unit"]) == ["conv 1", "conv 2", "output"]
    assert len(frame[frame["source"] == "paper"]) == 8
    app = opened(METHODS, part="training", curve="Training loss")
    assert "Training loss on training images" in texts(app)
    frame = app.dataframe[0].value
    assert frame["epoch"].max() == 6
    assert re.search(
        r"Iterative is no more than 1 point behind dense \(trained on\) at 80%: \+.*\*\*holds\*\*", texts(app)
    )


def test_the_leak_says_how_to_make_it_and_still_shows_its_control(everything):
    app = opened(METHODS, part="leak")
    assert "The lesson is not here yet" in app.info[0].value
    assert f"python -m core train {STUDY} --split-by row" in app.code[0].value
    assert "Are lesions with several images like others?" in [element.value for element in app.header]
    own = responses.read(next(e for e in checkpoints.list() if e.id == f"{STUDY}/dense")).at(0.0, False)
    from core.cohort import Cohort

    table = leak.control(own, Cohort.of(TEST))
    pd.testing.assert_frame_equal(app.dataframe[0].value, table, check_dtype=False)


def test_the_lesson_shows_what_is_stored(everything, put):
    entry = put(invented.entry(f"{STUDY}/dense-row", split_by="row"), share(0.8))
    seen = np.arange(len(TEST)) % 3 == 0
    right = np.where(seen, True, np.arange(len(TEST)) % 2 == 0)
    probabilities = invented.answers(TEST.labels, right).astype(np.float32)
    parts = [TEST.ids, TEST.groups, TEST.labels, seen, np.full(len(TEST), 2), probabilities]
    stored = Leak(entry.card.digest, TEST.class_names, *parts)
    leak.answers._write(leak.path_of(entry), stored)
    app = opened(METHODS, part="leak")
    said = texts(app)
    assert not app.info
    assert f"Split by image, this network scores **{right.mean():.1%}**" in said
    assert f"Of its {len(TEST):,} test images **{seen.mean():.0%}** show a lesion that it was trained on" in said
    gaps = leak.gaps(leak.scores(stored), leak.SEEN, leak.LIKE).set_index("measure")
    assert f"Accuracy: **{100 * gaps.at['accuracy', 'estimate']:+.1f} [" in said
    pd.testing.assert_frame_equal(app.dataframe[0].value, leak.scores(stored), check_dtype=False)
    assert "On the same images" in said
    leak.path_of(entry).write_bytes(b"no parquet")
    app = opened(METHODS, part="leak")
    assert "python -m core leak" in app.error[0].value


def test_a_damaged_response_is_as_if_it_were_missing(everything):
    path = responses.path_of(everything["one_shot", 0])
    path.write_bytes(b"no parquet")
    app = opened(METHODS)
    assert not app.error
    assert "up to 2 seeds" in texts(app)  # the other seed still speaks
    responses.path_of(everything["one_shot", 1]).unlink()
    assert f"the answers of {STUDY}/one_shot-80 are not stored" in texts(opened(METHODS)).replace(
        "The answers", "the answers"
    )


def test_a_new_checkpoint_shows_without_a_restart(everything, put):
    from pages.components import loaders, methods_data

    app = opened(METHODS, part="curves")
    before = len(app.dataframe[0].value)
    dense = next(entry for entry in checkpoints.list() if entry.id == f"{STUDY}/dense")
    put(invented.entry(f"{STUDY}/iterative-90", "iterative", 0.9, parent=dense), share(0.5))
    loaders.studies.clear()  # as after two seconds
    methods_data.entries.clear()
    assert len(app.run().dataframe[0].value) > before
