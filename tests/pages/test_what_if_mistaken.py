"""What the missed are taken for: the view of What if against counts reckoned here, on the networks that ship."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix
from streamlit.testing.v1 import AppTest

from core.data.ham10000 import TITLES
from tests.pages.opening import opened, texts

pytestmark = pytest.mark.usefixtures("shipped")


def view(name: str, **query) -> AppTest:
    return opened("pages/what_if.py", view=name, **{"method": "one_shot", "sparsity": 80, **query})


def test_what_the_missed_are_taken_for_is_counted_by_lesion(truth):
    mel = truth.index("mel")
    was, now = (means.argmax(1) for means in truth.means)
    mine = truth.truth == mel
    new = mine & (was == mel) & (now != mel)
    said = next(
        text.value for text in view("mistaken").markdown if "newly missed" in text.value and "#" not in text.value
    )
    assert said.startswith(
        f"Of the {mine.sum()} melanomas, {new.sum()} are newly missed: the pruned network calls them"
    )
    parts = re.split(r"All \d+ that|The \d+ that", said)
    for part, rows, answers in zip(
        parts, (new, mine & (now != mel), mine & (was != mel)), (now, now, was), strict=True
    ):
        counts = pd.Series(answers[rows]).value_counts()
        assert f"({counts.iloc[0]})" in part
        assert sum(map(int, re.findall(r"\((\d+)\)", part))) == rows.sum()
        assert f"**{TITLES[truth.test.class_names[counts.index[0]]]}** ({counts.iloc[0]})" in part


def test_harm_and_old_links_to_calibration_lead_to_what_is_mistaken():
    for name in ("harm", "calibration"):
        app = view(name, diagnosis="mel")
        app.button(key="to-mistaken").click().run()
        assert app.query_params["view"] == "mistaken"
        assert app.query_params["diagnosis"] == "mel"
        assert "Which diagnoses are taken for which" in texts(app)


def test_the_confusion_is_scikit_learns(truth):
    app = view("mistaken")
    app.session_state["table-answers"] = True
    app.run()
    frame = next(frame.value for frame in app.dataframe if "change" in frame.value)
    for column, answers in (("dense", truth.dense), ("pruned", truth.pruned)):
        expected = confusion_matrix(truth.test.labels, answers.argmax(1), labels=range(7))
        np.testing.assert_array_equal(frame[column].to_numpy().reshape(7, 7), expected)
    np.testing.assert_array_equal(frame["change"], frame["pruned"] - frame["dense"])


def test_of_many_classes_the_one_of_the_headline_is_told_of_and_a_few_answers_named():
    from pages.components import whatif_mistaken

    said = texts(view("mistaken", study="cifar100-32/vgg16", method="iterative"))
    name = re.search(r"images of class “(.+?)”\*\*, the dense network finds", said)[1]
    assert re.search(rf"Of the 100 images of class “{name}”, \d+ are newly missed: the pruned network calls them", said)
    told = whatif_mistaken.answers({"A": 1, "B": 5, "C": 2, "D": 2, "E": 1, "F": 1, "G": 0})
    assert told == "**B** (5), **C** (2), **D** (2), **A** (1) and others (2)"
