"""The page about similarity: along the slider, at other sparsities, and the claims about features."""

import dataclasses

import pytest

from core import checkpoints, matrices, replication
from tests.pages.similarity.conftest import STUDY, charts, opened, place, texts


@pytest.mark.usefixtures("nowhere")
def test_the_slider_moves_the_matrix_and_shows_the_nearest_step_without_images(stored):
    app = opened(view="survival", method="prune_only", sparsity=50)
    dense = place("dense")
    matrix = stored.matrix(dense, matrices.Position(dense.network, 50, True))
    assert f"**{matrix.mean_twins().estimate:.3f} [" in texts(app)
    app.slider[0].set_value(90).run()
    moved = stored.matrix(dense, matrices.Position(dense.network, 90, True))
    assert f"**{moved.mean_twins().estimate:.3f} [" in texts(app)
    app.slider[0].set_value(88).run()
    assert not app.exception
    assert "88% is not stored" in texts(app)
    assert f"**{moved.mean_twins().estimate:.3f} [" in texts(app)


@pytest.mark.usefixtures("nowhere")
def test_survival_has_a_line_for_each_layer_and_is_split_by_class(stored):
    app = opened(view="survival", method="iterative", sparsity=80, against="itself")
    lines, _, by_layer = charts(app)
    assert len(lines["layer"]) == len(by_layer["layer"]) == 3
    text = texts(app)
    assert "Melanoma against the rest" in text
    assert f"melanoma n = {stored.images[matrices.WATCHED_ONLY].n}" in text
    matrix = stored.matrix(place("iterative"), place("iterative"))
    assert f"**{matrix.mean_off_diagonal().estimate:.3f} [" in text


@pytest.mark.usefixtures("nowhere")
def test_claims_have_verdicts_with_numbers(stored):
    from core import similarity_claims

    app = opened(view="claims")
    text = texts(app)
    findings = similarity_claims.judge(stored, replication.lines(STUDY, checkpoints.list()))
    for finding in findings:
        assert finding.claim.sentence in text
        assert f"**{finding.outcome.capitalize()}**" in text
    assert f"Here {sum(finding.tests for finding in findings)} differences are tested" in text
    assert sum(finding.tests for finding in findings) == 5
    assert "**Not tested**" in text
    assert "It cannot be tested. A second dense network" in text
    assert "A second dense network with another seed is missing" in text
    assert len(charts(app)) == 2
    assert "at every sparsity" not in text  # there is one only


@pytest.mark.usefixtures("nowhere")
def test_another_sparsity_is_chosen_where_networks_of_it_were_compared(stored):
    entries = {entry.id.rpartition("/")[2]: entry for entry in checkpoints.list()}
    path = matrices.path_of(entries["dense"])
    for method in ("layerwise", "iterative"):
        entry = entries[f"{method}-80"]
        card = dataclasses.replace(entry.card, id=f"{STUDY}/{method}-95", sparsity=0.95)
        checkpoints.write_card(entry.path.with_name(f"{method}-95.safetensors"), card, entry.size_bytes)
    known = matrices.read(path, checkpoints.list())
    digests = {entry.id: entry.card.digest for entry in checkpoints.list()}
    moved = {
        f"{STUDY}/{method}-80": matrices.Position(f"{STUDY}/{method}-95", 95) for method in ("layerwise", "iterative")
    }
    for key, record in list(known.records.items()):
        if all(place.percent in (0, 80) for place in key[:2]):
            a, b = (moved.get(place.network, place) for place in key[:2])
            known.records[key._replace(a=a, b=b)] = record
    known.digests |= {place.network: digests[place.network] for place in moved.values()}
    matrices.write(path, known)
    app = opened(pruned=95)
    text = texts(app)
    assert not app.error
    assert "lack 95% of their weights" in text
    assert "One-shot is left out" in text
    assert [box.options for box in app.selectbox if box.key == "first"] == [["Dense", "Layer by layer", "Iterative"]]
    text = texts(opened(view="claims", pruned=95))
    assert "One-shot pruning is not trained at the sparsity of the others" in text
    assert "**Layer by layer with itself, at every sparsity**" in text
    assert "the verdict above is about 95%" in text
    assert text.count("**Not tested**") >= 2
    assert "A part of it is not tested. One-shot pruning is not trained" in text
    survival = opened(view="survival", method="iterative", sparsity=80)
    rows = [row for frame in survival.dataframe for row in frame.value.to_dict("records")]
    assert not survival.error
    assert any(row.get("checkpoint") == f"{STUDY}/iterative-95" for row in rows)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("method", ["iterative", "layerwise"])
def test_a_gap_in_the_lines_has_its_reason(stored, method):
    """The store of this test has not compared every network; what it lacks is named, and nothing else."""
    from pages.components import similarity_data, similarity_survival

    path = similarity_data.paths_of(STUDY)[method]
    said = similarity_survival._gaps(stored, path, True)
    assert not said or said in texts(opened(view="survival", method=method, sparsity=80))
    dense = place("dense")
    absent = [
        percent
        for percent in matrices.PERCENTS
        if stored.twins(dense, matrices.on_path(path, percent, True), stored.usual) is None
    ]
    assert all(f"{percent}%" in said for percent in absent)
    assert ("Nothing is stored at" in said) == any(percent / 100 not in path.trained for percent in absent)
