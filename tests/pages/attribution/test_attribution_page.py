"""The page Attribution: maps, answers, checks and drift are the engine's."""

import numpy as np
import pytest

from core import attribution, checkpoints, data, drift, evaluation, paths, responses
from core.attribution import Trust
from core.whatif import Bench, Subject
from pages.components import attribution_pictures
from pages.components.attribution_pictures import Style
from tests.core import tiny
from tests.pages.attribution.conftest import PAGE, shown, tables
from tests.pages.opening import opened, texts

STYLE = Style("overlay", 1.0, 1.0, False, (0.0, 0.0, 1.0), False)


def test_without_a_network_the_page_says_what_to_do():
    assert "No trained network yet" in texts(opened(PAGE))


def test_maps_answers_and_agreement_are_the_engine_s(study):
    test, row = data.load("colours", "test", size=32), 33
    app = opened(PAGE, explain="saliency", image=test.ids[row], sparsity=80)
    dense, pruned = (checkpoints.load(f"{study}/{name}").model() for name in ("dense", "iterative-80"))
    answers = [evaluation.predict(model, test.images[row][None])[0] for model in (dense, pruned)]
    target = int(answers[0].argmax())
    assert f"What counts for “{tiny.CLASSES[target]}”, by Saliency" in app.header[0].value
    for probabilities in answers:
        best = int(probabilities.argmax())
        assert f"**{tiny.CLASSES[best]} {probabilities[best]:.0%}**" in texts(app)
    a, b = (
        attribution.attribute(model, test.images[row], method="saliency", target=target)[None]
        for model in (dense, pruned)
    )
    table = tables(app)["Top 10% shared"].set_index("Network")
    assert table.loc["Dense", "Rank correlation"] == "1.00"
    correlation = attribution.rank_correlation(a, b)[0]
    assert table.loc["Iterative, 80%", "Rank correlation"] == f"{correlation:.2f}".replace("-", "−")
    assert table.loc["Iterative, 80%", "Top 10% shared"] == f"{attribution.top_overlap(a, b)[0]:.0%}"
    pictures = shown(app)
    np.testing.assert_array_equal(
        pictures[f"Test image {test.ids[row]}"], np.asarray(attribution_pictures.original(test.images[row], STYLE))
    )
    style = Style("overlay", 0.75, attribution.reach([a[0], b[0]]), False, (0.0, 0.0, 1.0), True)
    (alt,) = [alt for alt in pictures if alt.startswith("Saliency of the network Dense")]
    drawn = np.asarray(attribution_pictures.drawn(test.images[row], a[0], style))
    np.testing.assert_array_equal(pictures[alt][:200], drawn[:200])  # a warning may cover the foot


def test_at_no_sparsity_there_is_the_dense_network_alone(study):
    app = opened(PAGE, sparsity=0)
    assert [alt for alt in shown(app) if alt.startswith("Grad-CAM")] != []
    assert not any("Iterative" in alt for alt in shown(app))
    assert "Swipe" not in str(app.segmented_control)


def test_a_network_pruned_on_is_recalibrated_and_says_so(study):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    given = {"sparsity": 40, "explain": "saliency", "image": sets[0].ids[50]}
    app = opened(PAGE, **given)
    assert "batch norm re-estimated on 72 training images" in texts(app)
    dense = checkpoints.load(f"{study}/dense")
    bench = Bench(Subject(dense), *sets)
    network = evaluation.recalibrate(bench.dense.at(0.4), bench.calibration)
    probabilities = evaluation.predict(network, sets[0].images[50][None])[0]
    assert f"**{tiny.CLASSES[probabilities.argmax()]} {probabilities.max():.0%}**" in texts(app)
    raw = opened(PAGE, **given, recalibrate="false")
    assert "re-estimated" not in texts(raw)


@pytest.mark.parametrize(
    "query",
    [
        {"explain": "nope"},
        {"target": "nope"},
        {"layer": "stage 77"},
        {"explain": "integrated_gradients", "steps": "0"},
        {"image": "../../etc/passwd"},
        {"opacity": "abc", "zoom": "99", "split": "-4"},
        {"drawn": "<script>", "source": "sky", "which": "x", "diagnosis": "y"},
        {"sparsity": "1e9", "method": "?"},
    ],
)
def test_a_link_with_nonsense_in_it_opens_the_default_view(study, query):
    app = opened(PAGE, **query)
    assert not app.error
    assert any("of the network Dense" in alt for alt in shown(app))


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "deeplift", "guided_backprop", "smoothgrad"])
def test_every_way_of_explaining_draws_each_network(study, method):
    app = opened(PAGE, explain=method)
    title = attribution.METHODS[method].title
    assert sum(alt.startswith(title) for alt in shown(app)) >= 2
    assert ("against" in app.header[0].value) == attribution.METHODS[method].signed


def test_filters_find_the_images_they_promise(study):
    """On answers made up so that it is known which images these are, and in which order."""
    test = data.load("colours", "test", size=32)
    labels, others = test.labels, (test.labels + 1) % 3
    sure = np.full(len(test), 0.9)
    sure[[7, 12, 40]] = 0.7, 0.8, 0.6  # the surest first: 12, 7, 40

    def answers(said: np.ndarray) -> np.ndarray:
        return np.where(np.arange(3) == said[:, None], sure[:, None], (1 - sure[:, None]) / 2).astype(np.float16)

    def but(said: np.ndarray, *rows: int) -> np.ndarray:
        found = said.copy()
        found[list(rows)] = (found[list(rows)] + 1) % 3
        return found

    dense = but(labels, 5, 40)
    assert np.array_equal(dense[[5, 40]], others[[5, 40]])
    steps = {0: dense, 40: but(dense, 7), 60: but(dense, 7, 12, 20)}  # 20 comes back
    known = paths.studies()[study]["iterative"].entries
    responses._write(known[0], test, 0, {(percent, False): answers(said) for percent, said in steps.items()})
    responses._write(known[1], test, 0, {(80, False): answers(but(dense, 7, 12, 40))})

    def found(**query) -> list[str]:
        app = opened(PAGE, **query)
        names = [image.alt.split(":")[0] for element in app.get("image") for image in element.proto.imgs]
        strip = [name for name in names if name in set(test.ids)]
        assert f"{len(strip)} of 90 test images" in texts(app)
        return strip

    assert found(sparsity=80, which="changed") == [test.ids[row] for row in (12, 7, 40)]
    assert found(sparsity=40, which="changed") == [test.ids[7]]
    assert found(which="wrong") == [test.ids[row] for row in (5, 40)]
    assert found(which="early") == [test.ids[row] for row in (7, 12, 40)]
    name = test.class_names[labels[40]]
    assert found(which="wrong", diagnosis=name) == [test.ids[row] for row in (5, 40) if labels[row] == labels[40]]
    absent = next(name for name in test.class_names if name not in {test.class_names[labels[row]] for row in (5, 40)})
    assert "No test image passes these filters" in texts(opened(PAGE, which="wrong", diagnosis=absent))


def test_without_stored_answers_a_filter_says_so(study):
    app = opened(PAGE, which="changed", image=data.load("colours", "test", size=32).ids[70])
    assert "not stored" in texts(app)
    assert any("of the network Dense" in alt for alt in shown(app))  # the image of the link is explained all the same


def test_a_map_that_fails_its_check_says_so_on_its_face(study, monkeypatch):
    failing = Trust(0.93, 3, ("classifier",), None, False, ("randomisation",))
    monkeypatch.setattr(attribution, "examine", lambda *_, **__: failing)
    app = opened(PAGE)
    faces = {alt: image for alt, image in shown(app).items() if alt.startswith("Grad-CAM")}
    assert all("Fails its check" in alt for alt in list(faces)[-2:])
    band = np.array([0x8F, 0x2D, 0x1F])
    for image in list(faces.values())[-2:]:
        assert (image[-2] == band).all(axis=1).mean() > 0.9
    table = tables(app)["Likeness to random"]
    assert table["What the checks say"].str.startswith("✗ ").all()
    assert (table["Likeness to random"] == "0.93").all()


def test_the_checks_in_full_come_on_request(study):
    app = opened(PAGE, explain="saliency")
    assert "Infidelity" not in str(tables(app))
    app.session_state["every-check"] = True
    app.run()
    assert not app.exception
    table = tables(app)["Change under noise"]
    test = data.load("colours", "test", size=32)
    row = int(np.random.default_rng(0).permutation(len(test))[0])  # the first of the strip
    model = checkpoints.load(f"{study}/dense").model()
    target = int(evaluation.predict(model, test.images[row][None])[0].argmax())
    explainer = attribution.Explainer(model)
    own = attribution.attribute(explainer, test.images[row], method="saliency", target=target)
    expected = attribution.infidelity(explainer, test.images[row], own, target=target)
    assert table["Infidelity"][0] == pytest.approx(expected, rel=1e-3)
    assert "stage by stage from the output" in texts(app)


def test_stored_drift_is_shown_and_its_absence_explained(study):
    assert "python -m core attribution" in " ".join(element.value for element in opened(PAGE).code)
    own = paths.of(study)
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    drift.make(own, *sets, per_class=3, methods=["saliency"], percents=(0, 40, 80))
    app = opened(PAGE)
    assert "n = 9 test images" in texts(app)
    assert "Against the dense network with its upper half random" in texts(app)
    table = next(element.value for element in app.dataframe if "percent" in element.value)
    made = drift.read(own["iterative"].dense, [entry for path in own.values() for entry in path.entries])
    curve = drift.curve(made, own["iterative"], "saliency", "rank")
    mine = table[table["network"] == "Iterative"]
    np.testing.assert_allclose(mine["estimate"], curve["estimate"])
    np.testing.assert_allclose(mine["low"].astype(float), curve["low"].astype(float))


def test_the_choice_of_the_answer_explained_names_no_class_that_another_picture_would_leave_wrong(study):
    app = opened(PAGE, explain="saliency", sparsity=80)
    said = "The dense network's answer"
    (targets,) = [box for box in app.selectbox if box.label == "What speaks for"]
    assert targets.options[:2] == [said, "The true class"]
    target = app.header[0].value.split("“")[1].split("”")[0]
    assert f"All maps explain the same class, {target}: the dense network's answer" in texts(app)
    assert "True class: **" in texts(app)
