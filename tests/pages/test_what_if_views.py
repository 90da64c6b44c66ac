"""The views of What if on the networks that ship, without images: what they say against numbers reckoned here."""

import itertools
import re

import numpy as np
import pytest
from sklearn.metrics import recall_score
from streamlit.testing.v1 import AppTest

from core import checkpoints, paths, responses
from core.words import METHOD_TITLES
from tests.pages.opening import opened, texts
from tests.pages.truth import STUDY

WHAT_IF = "pages/what_if.py"


pytestmark = pytest.mark.usefixtures("shipped")


def view(name: str, **query) -> AppTest:
    app = opened(WHAT_IF, view=name, **{"method": "one_shot", "sparsity": 80, **query})
    assert not app.error
    return app


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))


@pytest.mark.parametrize("name", [None, "bcc"])
def test_the_sentence_counts_the_lesions_of_the_class_brought_out(truth, name):
    app = view("harm", **({"diagnosis": name} if name else {}))
    mine = truth.truth == truth.index(name or "mel")
    was, now = (found[mine] for found in truth.found)
    counts = [mine.sum(), was.sum(), 80, now.sum(), (was & ~now).sum(), (now & ~was).sum()]
    sentence = next(text.value for text in app.markdown if text.value.startswith("## Of"))
    assert numbers(sentence.split("\n\n")[0].removeprefix("## ")) == [str(count) for count in counts]
    assert (
        f"** ({counts[4]}\u00a0newly\u00a0missed, {counts[5]}\u00a0newly\u00a0caught)" in sentence
    )  # never read as a ratio
    rest_was, rest_now = (found[~mine] for found in truth.found)
    rest = [(rest_was & ~rest_now).sum(), (rest_now & ~rest_was).sum()]
    # Finding more is worth little where everything is called so.
    called = [
        (answers[~mine] == truth.index(name or "mel")).sum() for answers in (means.argmax(1) for means in truth.means)
    ]
    assert numbers(sentence.split("\n\n")[1]) == [str(count) for count in [(~mine).sum(), *called]]
    assert numbers(sentence.split("\n\n")[2]) == [str(count) for count in rest]


def test_the_ledger_as_a_table_is_scikit_learns_recall(truth):
    app = view("harm")
    app.session_state["table-ledger"] = True
    app.run()
    table = next(frame.value for frame in app.dataframe if "newly_missed" in frame.value)
    recall = recall_score(truth.truth, truth.means[1].argmax(1), average=None)
    np.testing.assert_allclose(table["pruned"][:7], recall)


def test_images_with_another_answer_are_counted_and_listed(truth):
    app = view("harm", diagnosis="mel", changes="right")
    was, now = truth.dense.argmax(1), truth.pruned.argmax(1)
    mine = (was != now) & (truth.test.labels == truth.index("mel"))
    assert f"{mine.sum()} images of melanoma got another answer" in texts(app)
    listed = app.dataframe[0].value
    right = mine & (now == truth.test.labels)
    assert set(listed["image"]) == set(truth.test.ids[right])


@pytest.mark.parametrize(
    ("query", "classes", "threshold"),
    [
        ({}, ["mel"], None),
        ({"threshold": "hand", "at": 40}, ["mel"], 0.4),
        ({"watch": "malignant"}, ["mel", "bcc", "akiec"], 0.5),
    ],
)
def test_what_is_flagged_at_the_threshold(truth, query, classes, threshold):
    app = view("threshold", **query)
    if threshold is None:
        threshold = truth.card.metrics["threshold/mel"]["estimate"]
    columns = [truth.index(name) for name in classes]
    ill = np.isin(truth.truth, columns)
    was, now = (means[:, columns].sum(1) >= threshold for means in truth.means)
    sentence = next(text.value for text in app.markdown if text.value.startswith("Flagging"))
    counts = [was[ill], ill, now[ill], (was & ~now)[ill], (now & ~was)[ill], ~ill, was[~ill], now[~ill]]
    assert numbers(sentence) == [f"{100 * threshold:.1f}", *(str(count.sum()) for count in counts)]


def test_test_images_do_not_choose_the_threshold():
    app = view("threshold")
    assert "fixed on validation for the dense network" in texts(app)
    app.segmented_control(key="threshold").select("hand").run()
    assert "on test images it describes and proves nothing" in texts(app)


def test_small_groups_are_grey_and_the_rule_is_said():
    app = view("subgroups", by="site")
    assert "fewer than 30 lesions" in texts(app)
    table = app.table[0].value
    for group, row in table.iterrows():
        assert row["Change"].startswith(":gray[") == (int(row["n"].replace(",", "")) < 30), group


def test_nothing_is_called_permanent_where_nothing_is_stored_behind_it():
    end = view("breaking", study="ham10000-128/vgg16", sparsity=80)
    said = next(text.value for text in end.markdown if text.value.startswith("Of 1,973 test images"))
    assert "have another answer at 80% sparsity" in said
    assert "the last that is stored: whether for good cannot be seen" in said
    assert "permanently another answer" not in said
    assert any("as far as is stored: up to 80%" in caption.value for caption in end.caption)
    before = view("breaking", study="ham10000-128/vgg16", sparsity=60)
    assert any("have permanently another answer at 60%" in text.value for text in before.markdown)
    assert not any("as far as is stored" in caption.value for caption in view("breaking").caption)


def test_breaking_points_here_and_at_the_end(truth):
    app = view("breaking")
    said = next(text.value for text in app.markdown if text.value.startswith("Of 1,973 test images"))
    path = paths.of(STUDY)["one_shot"]
    dense = responses.read(path.dense)
    # The networks of 90 and 95% ship without weights; their answers reach to the next one and take over.
    own = {round(100 * entry.card.sparsity): responses.read(entry) for entry in (path.start(0.8), *path.results)}
    changed = []
    for percent in range(80, 100):
        start = max(known for known in own if known <= percent)
        mode = percent != start
        changed.append(own[start].at(percent / 100, mode).argmax(1) != dense.at(0.0, mode).argmax(1))
    ever = np.all(changed, axis=0)  # changed at 80% and at every step after
    assert f"**{ever.mean():.1%}** have permanently another answer at 80%" in said
    assert f"{1 - changed[-1].mean():.1%} have the dense network's answer at 99%" in said
    before = [
        responses.read(path.dense).at(percent / 100, True).argmax(1) != dense.at(0.0, True).argmax(1)
        for percent in range(1, 80)
    ]
    once = np.any([*before, changed[0]], axis=0)
    assert re.search(rf"{once.mean():.1%} \[[^]]+\] have had another at some step up to there", said)
    now, was = (
        len(set(answers.tolist())) for answers in (own[95].at(0.99, True).argmax(1), dense.at(0.0, True).argmax(1))
    )
    assert now < was
    assert f"There the network gives only **{now} of the {was} diagnoses**" in said


def test_trained_networks_that_are_no_step_are_named():
    path = paths.of(STUDY)["iterative"]
    said = texts(opened(WHAT_IF, study=STUDY, method="iterative", sparsity=80, view="breaking"))
    stored = {
        percent
        for entry in path.results
        for percent, _ in responses.read(entry).answers
        if percent == round(100 * entry.card.sparsity)
    }
    assert {50, 90} <= stored
    assert "The networks trained at 50% and 90% are left out" in said


def test_an_image_in_the_address_is_followed_and_closed(truth):
    id = truth.test.ids[7]
    app = view("breaking", image=id)
    assert f"**{id} along the path**" in texts(app)
    assert app.query_params["image"] == id
    app.button(key="close-image").click().run()
    assert "along the path**" not in texts(app)
    assert "image" not in app.query_params


@pytest.mark.parametrize("rule", ["all", "most"])
def test_forgotten_images_are_those_on_which_every_method_disagrees(truth, rule):
    app = view("exemplars", rule=rule)
    # The study's own networks and their twins of other seeds, which differ from them in no other setting.
    known = [entry for entry in checkpoints.list() if entry.card.study == STUDY and responses.path_of(entry).exists()]
    kin = [
        entry for entry in known if entry.card.criterion in (None, "magnitude") and entry.card.data.split_by == "lesion"
    ]
    kin = [entry for entry in kin if not entry.card.recipe["training"].get("norm_decay")]
    dense = {entry.id: responses.read(entry).at(0.0, False).argmax(1) for entry in kin if entry.card.method == "dense"}
    trained = [entry for entry in kin if entry.card.method in METHOD_TITLES and entry.card.sparsity == 0.8]
    answers = [responses.read(entry).at(0.8, False).argmax(1) for entry in trained]
    own = [dense[entry.card.parent] for entry in trained]
    assert len({entry.card.parent for entry in trained}) == len(dense) > 1

    def most_frequent(called):
        counts = np.stack([np.sum([now == index for now in called], axis=0) for index in range(7)])
        return counts == counts.max(0)

    if rule == "all":
        gone = np.all([now != was for now, was in zip(answers, own, strict=True)], axis=0)
    else:
        gone = ~(most_frequent(answers) & most_frequent(own)).any(0)
    apart = [np.mean(first != second) for first, second in itertools.combinations(dense.values(), 2)]
    assert f"their seed disagree on {min(apart):.1%} to {max(apart):.1%}" in texts(app)
    assert f"{len(answers)} pruned networks" in texts(app)
    assert f"**{gone.sum()} of 1,973 test images are forgotten at 80% sparsity**" in texts(app)
    if gone.any():
        labels = truth.test.labels
        right = [(np.mean([now == labels for now in called], axis=0) > 0.5)[gone].sum() for called in (own, answers)]
        assert f"dense networks were right on {right[0]:,}, most pruned ones are on {right[1]:,}" in texts(app)
    shown = set(app.dataframe[0].value["image"]) if gone.any() else set()
    assert shown == set(truth.test.ids[gone])


def test_below_the_first_checkpoint_there_is_nothing_to_forget():
    trained = [entry.card.sparsity for entry in checkpoints.list() if entry.card.study == STUDY and entry.card.sparsity]
    below = round(100 * min(trained)) - 10
    assert "no fine-tuned network has stored answers" in texts(view("exemplars", sparsity=below))


def test_layers_set_by_hand_need_the_images_and_the_page_says_so():
    app = view("layers", layers="3-50_7-92")
    assert "Layers set by hand have to be computed" in texts(app)
    assert "with 2 layers set by hand" in texts(app)
    app.button(key="reset").click().run()
    assert app.metric


def test_a_click_brings_a_class_out_and_a_second_one_all():
    from pages.components import whatif_controls

    app = view("harm", diagnosis="mel")

    def clicked(name: str) -> str | None:
        """What a click makes of the class brought out; the test runner cannot click into charts."""
        import streamlit as st

        state = {"diagnosis": app.session_state["diagnosis"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(st, "session_state", state)
            whatif_controls.pick(name)
        return state["diagnosis"]

    assert clicked("nv") == "nv"
    assert clicked("mel") is None


@pytest.mark.parametrize(
    "name", ["harm", "mistaken", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"]
)
@pytest.mark.parametrize("query", [{"sparsity": 0}, {"sparsity": 99}, {"method": "prune_only", "sparsity": 50}])
def test_every_view_draws_at_every_place(name, query):
    app = view(name, **query)
    assert app.metric
    assert "Something went wrong" not in texts(app)


def test_forgotten_images_can_be_taken_along(truth):
    app = view("exemplars", rule="most")
    app.session_state["table-forgotten-images"] = True
    app.run()
    count = int(re.search(r"\*\*([\d,]+) of 1,973", texts(app))[1].replace(",", ""))
    assert len([frame for frame in app.dataframe if len(frame.value) == count and "pruned answers" in frame.value]) == 2
