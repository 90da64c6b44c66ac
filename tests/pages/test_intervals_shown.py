"""Numbers of the views have their interval beside them, on the networks that ship and without images."""

import re

import pytest

from core import checkpoints
from tests.pages.opening import opened, texts

SPAN = r"\[(\d+\.\d), (\d+\.\d)\]"


pytestmark = pytest.mark.usefixtures("shipped")


def found(pattern: str, text: str) -> tuple[float, float, float]:
    """An estimate and its interval."""
    match = re.search(pattern, text)
    assert match, pattern
    return tuple(map(float, match.groups()))


def test_both_networks_of_a_card_have_their_own_interval():
    app = opened("pages/what_if.py", method="iterative", sparsity=80)
    for network, name in (("Dense", "dense"), ("Pruned", "iterative-80")):
        known = checkpoints.load(f"ham10000-64/vgg16/{name}").card.metrics["accuracy"]
        shown = [f"{100 * known[key]:.1f}" for key in ("estimate", "low", "high")]
        assert f"{network}: {shown[0]}% [{shown[1]}, {shown[2]}]" in texts(app)


def test_breaking_points_here_and_at_the_end_have_intervals():
    said = texts(opened("pages/what_if.py", view="breaking", method="one_shot", sparsity=80, diagnosis="mel"))
    for pattern in (
        rf"\*\*(\d+\.\d)%\*\* have permanently another answer at 80% sparsity {SPAN}",
        rf"(\d+\.\d)% {SPAN} have had another at some step up to there",
        rf"(\d+\.\d)% have the dense network's answer at 99% {SPAN}",
    ):
        share, low, high = found(pattern, said)
        assert low <= share <= high < 100


def test_the_share_of_forgotten_images_has_an_interval():
    said = texts(opened("pages/what_if.py", view="exemplars", method="one_shot", sparsity=80))
    share, low, high = found(rf"are forgotten at 80% sparsity\*\*: (\d+\.\d)% {SPAN}", said)
    assert low <= share <= high


def test_the_leak_and_all_networks_tell_intervals():
    said = texts(opened("pages/methods.py", part="leak"))
    share, low, high = found(rf"this network scores \*\*(\d+\.\d)%\*\* {SPAN}", said)
    assert low < share < high
    listed = re.findall(rf"\*\* \(\d+\.\d MB, (\d+\.\d)% {SPAN}\)", texts(opened("pages/cost.py", show="tradeoff")))
    assert listed
    assert all(float(low) < float(share) < float(high) for share, low, high in listed)


def test_the_tables_of_answers_need_no_key_to_short_names():
    app = opened("pages/what_if.py", view="mistaken", sparsity=80)
    assert "akiec" not in texts(app)
    assert (
        sum("Melanoma" in str(chart.proto) for chart in app.get("vega_lite_chart")) == 3
    )  # two tables and their difference
    said = texts(opened("pages/what_if.py", view="mistaken", sparsity=80, study="cifar100-32/vgg16"))
    assert "akiec" not in said
    assert "Shades: square roots" in said


def test_the_control_of_a_lesson_stands_beside_what_it_is_a_control_of():
    app = opened("pages/learn.py", lesson="magnitude")
    next(button for button in app.button if button.label.startswith("Commit")).click().run()
    assert not app.exception
    said = texts(app)
    for words in (
        r"at random \(control\), pruned to 95% and trained: balanced accuracy",
        r"smallest weights removed instead:",
    ):
        share, low, high = found(rf"{words} (\d+\.\d)% {SPAN}, n = 1,973", said)
        assert low < share < high
