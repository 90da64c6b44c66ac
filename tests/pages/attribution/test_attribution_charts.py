"""The charts of Attribution: methods are told apart by marks as well, and each is told of in words."""

import pandas as pd

from pages.components import attribution_charts

METHODS = {"Dense": ("#111111", "circle"), "Iterative": ("#222222", "diamond")}


def _frame(**columns) -> pd.DataFrame:
    rows = [{"network": name, "colour": colour, "shape": shape} for name, (colour, shape) in METHODS.items()]
    return pd.DataFrame(rows).assign(**columns)


def test_methods_have_the_marks_that_they_have_on_other_pages():
    drift = _frame(percent=80, estimate=0.5, low=0.4, high=0.6, n=9, trained=[True, False])
    cascade = _frame(step=1, stage="stage 5", share=0.1, correlation=0.2)
    for chart in (
        attribution_charts.drift(drift, "Rank correlation", 0, 1, 0.0, 80, "#000000"),
        attribution_charts.cascade(cascade, "#000000"),
    ):
        spec = chart.to_dict()
        assert {"name": "height", "expr": "240"} in spec["params"], "of the plot, whatever its legend and names take"
        encodings = [layer["encoding"] for layer in spec["layer"]]
        (shapes,) = [encoding["shape"]["scale"] for encoding in encodings if "shape" in encoding]
        assert (shapes["domain"], shapes["range"]) == (list(METHODS), ["circle", "diamond"])
        assert all("tooltip" in encoding for encoding in encodings)


def test_percentages_on_the_axis_have_room():
    frame = _frame(percent=80, estimate=0.5, low=0.4, high=0.6, n=9, trained=True)
    spec = attribution_charts.drift(frame, "Rank correlation", 0, 1, None, 80, "#000000").to_dict()
    assert spec["layer"][0]["encoding"]["x"]["axis"]["values"] == [0, 20, 40, 60, 80, 100]
